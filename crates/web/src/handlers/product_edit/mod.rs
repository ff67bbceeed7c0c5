//! `/publisher/{slug}/products/new` and `/publisher/{slug}/{product}`: the manifest,
//! as it is typed, submitting and withdrawing.

mod manifest;
mod support;

use std::sync::Arc;

use app::{App, AppError, NewSubmission, Product, Publisher, Submission};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use market::{ListingEvent, ListingState, PlanGives, Problem, ProductManifest, PublisherState};

use self::manifest::{ManifestFields, add_pictures};
use super::{
    Parameters, asked_part, behind, onward, product::described, publisher::submission_link,
};
use crate::{
    answer::{Answer, Refusal, page_with},
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::{
        product::{PreviewNote, ProductPage},
        product_edit::{ManifestForm, PreviewerRow, ProductEditPage, ProductState},
    },
    view::{FieldErrors, Flash, Onward, listing_pill},
    viewer::Viewer,
};

/// `GET /publisher/{slug}/products/new`
pub(crate) async fn show_new(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(publisher): Path<String>,
) -> Answer {
    let page = new_page(&app, viewer, &publisher, ManifestForm::empty()).await?;
    page_with(StatusCode::OK, &page)
}

/// `POST /publisher/{slug}/products/new`
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Path(publisher): Path<String>,
    form: Form,
) -> Answer {
    let mut typed = ManifestForm::typed(&form);
    let slug = typed.slug.clone();
    let outcome = async {
        add_pictures(&app, &publisher, &form, &mut typed).await?;
        let draft = typed.manifest().map_err(AppError::Invalid)?;
        app.create_product(&form.viewer.actor, &publisher, &slug)
            .await?;
        app.save_draft(&form.viewer.actor, &publisher, &slug, &draft)
            .await
    };
    match outcome.await {
        Ok(_) => form.viewer.done(
            &format!("/publisher/{publisher}/{slug}"),
            Notice::ProductCreated,
        ),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let mut page = new_page(&app, form.viewer, &publisher, typed).await?;
            page.layout.flash = refused(&refusal);
            page.errors = refusal.errors;
            page_with(refusal.status, &page)
        }
    }
}

/// `GET /publisher/{slug}/{product}`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path((publisher, product)): Path<(String, String)>,
    parameters: Parameters,
) -> Answer {
    let mut page = view(&app, viewer.clone(), &publisher, &product).await?;
    if let Some(state) = page.product.as_mut() {
        show_submissions(&app, &viewer, (&publisher, &product), (&parameters, state)).await?;
    }
    page_with(StatusCode::OK, &page)
}

/// Shows the part of the submissions that was asked for.
async fn show_submissions(
    app: &App,
    viewer: &Viewer,
    names: (&str, &str),
    (parameters, state): (&Parameters, &mut ProductState),
) -> Result<(), Failure> {
    let part = asked_part(parameters, "before");
    let actor = &viewer.actor;
    let mut submissions = app.product_submissions(actor, names, part).await?;
    let path = format!("/publisher/{}/{}", names.0, names.1);
    state.submissions_onward = onward(
        &mut submissions,
        part,
        |submission| submission.id.as_str(),
        |name| behind(&path, "before", name, "#submissions"),
    );
    state.submissions = submissions
        .iter()
        .map(|submission| submission_link(submission, viewer))
        .collect();
    Ok(())
}

/// `POST /publisher/{slug}/{product}`: saves the draft, complete or not.
pub(crate) async fn save(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let mut typed = ManifestForm::typed(&form);
    let outcome = async {
        add_pictures(&app, &publisher, &form, &mut typed).await?;
        let draft = typed.manifest().map_err(AppError::Invalid)?;
        app.save_draft(&form.viewer.actor, &publisher, &product, &draft)
            .await
    };
    match outcome.await {
        Ok(_) => form.viewer.done(
            &format!("/publisher/{publisher}/{product}"),
            Notice::DraftSaved,
        ),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let mut page = view(&app, form.viewer, &publisher, &product).await?;
            page.layout.flash = refused(&refusal);
            (page.form, page.errors) = (typed, refusal.errors);
            page_with(refusal.status, &page)
        }
    }
}

/// `POST /publisher/{slug}/{product}/check`: the editor as it is after saving what was typed, with
/// what is wrong with it; but of the draft nothing is saved.
pub(crate) async fn check(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let mut typed = ManifestForm::typed(&form);
    let at = (publisher.as_str(), product.as_str());
    let (_, problems) = look_at(&app, (at.0, Some(at.1)), &form, &mut typed).await?;
    let mut page = view(&app, form.viewer, at.0, at.1).await?;
    (page.form, page.errors) = (typed, FieldErrors(problems));
    page_with(StatusCode::OK, &page)
}

/// `POST /publisher/{slug}/products/new/check`: what is wrong with what was typed for a product
/// that is not made yet, and is not by this.
pub(crate) async fn check_new(
    State(app): State<Arc<App>>,
    Path(publisher): Path<String>,
    form: Form,
) -> Answer {
    let mut typed = ManifestForm::typed(&form);
    let (_, problems) = look_at(&app, (&publisher, None), &form, &mut typed).await?;
    let mut page = new_page(&app, form.viewer, &publisher, typed).await?;
    page.errors = FieldErrors(problems);
    page_with(StatusCode::OK, &page)
}

/// `POST /publisher/{slug}/{product}/preview`: what was typed as the page that consumers will
/// see; of the draft nothing is saved.
pub(crate) async fn preview(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let mut typed = ManifestForm::typed(&form);
    let at = (publisher.as_str(), product.as_str());
    let (manifest, _) = look_at(&app, (at.0, Some(at.1)), &form, &mut typed).await?;
    let mut found = app.preview_page(&form.viewer.actor, at.0, at.1).await?;
    found.gives = PlanGives::of(&manifest, &[]);
    found.product.listed = Some(manifest.into());
    let mut page = super::preview::view(&app, &form.viewer, found);
    if let Some(note) = &mut page.preview {
        note.is_typed = true;
    }
    page_with(StatusCode::OK, &page)
}

/// `POST /publisher/{slug}/products/new/preview`: what was typed for a product that is not made
/// yet as the page that consumers will see; nothing is made.
pub(crate) async fn preview_new(
    State(app): State<Arc<App>>,
    Path(publisher): Path<String>,
    form: Form,
) -> Answer {
    let mut typed = ManifestForm::typed(&form);
    let (mut manifest, _) = look_at(&app, (&publisher, None), &form, &mut typed).await?;
    let found = app.publisher(&form.viewer.actor, &publisher).await?;
    if manifest.name.is_empty() {
        manifest.name.clone_from(&typed.slug);
    }
    let url = format!("/preview/{publisher}/{}", typed.slug);
    let gives = PlanGives::of(&manifest, &[]);
    let page = ProductPage {
        preview: Some(PreviewNote {
            is_listed: false,
            has_candidate: false,
            is_typed: true,
            edit_url: None,
        }),
        ..described(&app, (form.viewer.layout, url), &found, (manifest, &gives))
    };
    page_with(StatusCode::OK, &page)
}

/// Takes what was typed, for a product that there is or for a new one, as far as it can be read,
/// with everything that is wrong with it.
async fn look_at(
    app: &App,
    (publisher, product): (&str, Option<&str>),
    form: &Form,
    typed: &mut ManifestForm,
) -> Result<(ProductManifest, Vec<Problem>), Failure> {
    let pictures = add_pictures(app, publisher, form, typed).await;
    let (manifest, mut problems) = typed.as_far_as_read();
    if let Err(error) = pictures {
        problems.extend(Refusal::of(error)?.errors.0);
    }
    let actor = &form.viewer.actor;
    let mut found = match product {
        Some(product) => app.check_draft(actor, publisher, product, &manifest).await,
        None => {
            app.check_new_product(actor, publisher, &typed.slug, &manifest)
                .await
        }
    }?;
    // What cannot be read is not missing as well.
    found.retain(|found| !problems.iter().any(|unread| unread.field == found.field));
    problems.append(&mut found);
    Ok((manifest, problems))
}

/// `POST /publisher/{slug}/{product}/submit`
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let new = NewSubmission {
        repository: form.given("repository").unwrap_or_else(|| product.clone()),
        tag: form.text("tag").trim().to_owned(),
    };
    match app
        .submit(&form.viewer.actor, &publisher, &product, &new)
        .await
    {
        Ok(submission) => form.viewer.done(
            &format!("/submissions/{}", submission.id),
            Notice::Submitted,
        ),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let mut page = view(&app, form.viewer, &publisher, &product).await?;
            if let Some(product) = &mut page.product {
                product.typed = (new.repository, new.tag);
                product.submit_error = Some(refusal.text);
            }
            page_with(refusal.status, &page)
        }
    }
}

/// `POST /publisher/{slug}/{product}/openness`
pub(crate) async fn set_openness(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let open = form.text("inside") == "open";
    app.set_inside_open(&form.viewer.actor, &publisher, &product, open)
        .await?;
    let notice = match open {
        true => Notice::InsideOpened,
        false => Notice::InsideClosed,
    };
    (form.viewer).done(&format!("/publisher/{publisher}/{product}"), notice)
}

/// `POST /publisher/{slug}/{product}/withdraw`
pub(crate) async fn withdraw(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let reason = form.text("reason");
    match app
        .withdraw_product(&form.viewer.actor, &publisher, &product, reason)
        .await
    {
        Ok(()) => form.viewer.done(
            &format!("/publisher/{publisher}/{product}"),
            Notice::Withdrawn,
        ),
        Err(error) => refused_at(&app, form.viewer, (&publisher, &product), error).await,
    }
}

/// `POST /publisher/{slug}/{product}/withdraw-tag`
pub(crate) async fn withdraw_tag(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let (tag, reason) = (form.text("tag").trim(), form.text("reason"));
    let names = (&*publisher, &*product);
    match app
        .withdraw_tag(&form.viewer.actor, names, tag, reason)
        .await
    {
        Ok(()) => form.viewer.done(
            &format!("/publisher/{publisher}/{product}"),
            Notice::TagWithdrawn,
        ),
        Err(error) => refused_at(&app, form.viewer, names, error).await,
    }
}

/// Shows the page again with what one of its small forms was refused for.
pub(super) async fn refused_at(
    app: &App,
    viewer: Viewer,
    (publisher, product): (&str, &str),
    error: AppError,
) -> Answer {
    let refusal = Refusal::of(error)?;
    let mut page = view(app, viewer, publisher, product).await?;
    page.layout.flash = Some(refusal.flash());
    page_with(refusal.status, &page)
}

fn refused(refusal: &Refusal) -> Option<Flash> {
    let text = match refusal.errors.len() {
        0 => refusal.text.clone(),
        _ => "Nothing was saved: something cannot be read as it stands.".to_owned(),
    };
    Some(Flash {
        is_error: true,
        text,
    })
}

async fn new_page(
    app: &App,
    viewer: Viewer,
    publisher: &str,
    form: ManifestForm,
) -> Result<ProductEditPage, Failure> {
    let found = app.publisher(&viewer.actor, publisher).await?;
    let rights = app.product_rights(&viewer.actor, publisher).await?;
    if !rights.may_edit {
        let message = "only editors and owners of the organisation make products";
        return Err(AppError::Denied(message.to_owned()).into());
    }
    Ok(ProductEditPage {
        layout: viewer.layout,
        publisher_slug: found.slug.to_string(),
        publisher_name: found.legal_name,
        product: None,
        form,
        errors: FieldErrors::default(),
        can_edit: true,
        registry: app.config().host().to_owned(),
    })
}

async fn view(
    app: &App,
    viewer: Viewer,
    publisher: &str,
    product: &str,
) -> Result<ProductEditPage, Failure> {
    let found = app.product_draft(&viewer.actor, publisher, product).await?;
    let rights = app.product_rights(&viewer.actor, publisher).await?;
    let tags = app.staging_tags(&viewer.actor, publisher, product).await?;
    let previewers = app.previewers(&viewer.actor, publisher, product).await?;
    let mut state = product_state(&found, tags, &viewer);
    state.previewers = previewers
        .into_iter()
        .map(|one| PreviewerRow {
            name: one.name,
            by: one.named_by,
            since: viewer.when(one.named_at),
        })
        .collect();
    let (publisher, product, _, problems) = found;
    if product.state.is_public() && rights.may_edit {
        let names = (publisher.slug.as_str(), product.slug.as_str());
        let offered = app.tags_page(&viewer.actor, names, 1).await?.tags;
        let mut offered: Vec<_> = offered.into_iter().map(|tag| tag.release.tag).collect();
        offered.dedup();
        state.offered_tags = offered;
    }
    state.can_submit &= rights.may_edit;
    state.can_withdraw &= rights.may_withdraw;
    state.can_open = rights.may_edit;
    Ok(ProductEditPage {
        publisher_slug: publisher.slug.to_string(),
        publisher_name: publisher.legal_name,
        product: Some(state),
        form: ManifestForm::of(&product.draft, product.slug.as_str()),
        errors: FieldErrors(problems),
        can_edit: rights.may_edit,
        registry: app.config().host().to_owned(),
        layout: viewer.layout,
    })
}

type Found = (Publisher, Product, Vec<Submission>, Vec<Problem>);

fn product_state(found: &Found, tags: Vec<String>, viewer: &Viewer) -> ProductState {
    let (publisher, product, submissions, problems) = found;
    let name = format!("{}/{}", publisher.slug, product.slug);
    let is_over = matches!(
        product.state,
        ListingState::Revoked | ListingState::Withdrawn
    );
    ProductState {
        slug: product.slug.to_string(),
        listing: listing_pill(product.state),
        preview_url: format!("/preview/{name}"),
        is_unreleased: product.state == ListingState::Draft,
        previewers: Vec::new(),
        public_url: product.state.is_public().then(|| format!("/p/{name}")),
        tags_url: format!("/p/{name}/tags"),
        typed: (
            product.slug.to_string(),
            tags.last().cloned().unwrap_or_default(),
        ),
        staging_tags: tags,
        staging_repository: format!("staging/{name}"),
        can_submit: problems.is_empty() && !is_over && publisher.state == PublisherState::Verified,
        can_withdraw: product.state.after(ListingEvent::Withdraw).is_ok(),
        offered_tags: Vec::new(),
        is_inside_open: product.inside_opened_at.is_some(),
        can_open: false,
        submit_error: None,
        submissions_onward: Onward::default(),
        submissions: submissions
            .iter()
            .map(|submission| submission_link(submission, viewer))
            .collect(),
    }
}
