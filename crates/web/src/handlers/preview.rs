//! `/preview/{publisher}/{product}`: the product's page before its first release, and the
//! forms that say who sees it.

use std::sync::Arc;

use app::{App, AppError, Candidate};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use market::PullAccess;

use super::{
    product::{certificate, described, install, listed, platform},
    product_edit,
};
use crate::{
    answer::{Answer, page_with},
    form::Form,
    notice::Notice,
    pages::product::{PreviewNote, ProductPage, Release},
    view::Digest,
    viewer::Viewer,
};

/// `GET /preview/{publisher}/{product}`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path((publisher, product)): Path<(String, String)>,
) -> Answer {
    let found = app
        .preview_page(&viewer.actor, &publisher, &product)
        .await?;
    page_with(StatusCode::OK, &view(&app, &viewer, found))
}

/// `POST /publisher/{slug}/{product}/previewers`
pub(crate) async fn name(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let account = form.text("account").trim().to_owned();
    let at = (publisher.as_str(), product.as_str());
    let named = app.add_previewer(&form.viewer.actor, at, &account).await;
    match named {
        Ok(()) => (form.viewer).done(&back_to(&publisher, &product), Notice::PreviewerNamed),
        Err(AppError::NotFound {
            what: "account", ..
        }) => {
            let error = AppError::invalid("account", format!("nobody signs in as `{account}`"));
            product_edit::refused_at(&app, form.viewer, (&publisher, &product), error).await
        }
        Err(error) => {
            product_edit::refused_at(&app, form.viewer, (&publisher, &product), error).await
        }
    }
}

/// `POST /publisher/{slug}/{product}/previewers/{account}/remove`
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Path((publisher, product, account)): Path<(String, String, String)>,
    form: Form,
) -> Answer {
    let at = (publisher.as_str(), product.as_str());
    app.remove_previewer(&form.viewer.actor, at, &account)
        .await?;
    (form.viewer).done(&back_to(&publisher, &product), Notice::PreviewerRemoved)
}

fn back_to(publisher: &str, product: &str) -> String {
    format!("/publisher/{publisher}/{product}#preview")
}

/// Returns the page of what a release would list now.
pub(super) fn view(app: &App, viewer: &Viewer, found: app::PreviewPage) -> ProductPage {
    let name = format!("{}/{}", found.publisher.slug, found.product.slug);
    let mut listed = listed(&found.product);
    if listed.name.is_empty() {
        listed.name = found.product.slug.to_string();
    }
    let candidate = found.candidate;
    let pulled = candidate.as_ref().filter(|_| found.may_pull);
    let certified = candidate.as_ref().filter(|one| one.certified);
    let inspected = |one: &Candidate| viewer.when(one.inspected_at.unwrap_or(one.submitted_at));
    let edit_url = format!("/publisher/{name}");
    ProductPage {
        preview: Some(PreviewNote {
            is_listed: found.product.state.is_public(),
            has_candidate: candidate.is_some(),
            is_typed: false,
            edit_url: found.is_insider.then_some(edit_url),
        }),
        certificate: certified
            .map(|one| certificate(listed.kind, &one.check_results, inspected(one))),
        install: pulled.map(|one| {
            let image = (one.tag.clone(), one.digest.clone());
            install(app, format!("preview/{name}"), image, PullAccess::SignedIn)
        }),
        release: candidate.map(|one| Release {
            tag: one.tag,
            digest: Digest(one.digest),
            since: viewer.when(one.submitted_at),
            scanned_at: one.inspected_at.map(|at| viewer.when(at)),
            advisories_at: None,
            platforms: (one.images.into_iter())
                .map(|image| platform(None, image))
                .collect(),
        }),
        ..described(
            app,
            (viewer.layout.clone(), format!("/preview/{name}")),
            &found.publisher,
            (listed, &found.gives),
        )
    }
}
