//! `/agreement`: the publisher agreement, to read, to accept and to write.

use std::sync::Arc;

use app::{App, AppError};
use axum::extract::{Path, State};

use super::Parameters;
use crate::{
    answer::{Answer, Refusal, page, page_with},
    form::Form,
    markdown::markdown,
    notice::Notice,
    pages::agreement::{AgreementEditPage, AgreementPage},
    view::FieldErrors,
    viewer::Viewer,
};

/// `GET /agreement?version=…`; without a version, the current one.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parameters: Parameters,
) -> Answer {
    let missing = || AppError::not_found("agreement", "of publishers");
    let version = match parameters.get("version") {
        Some(version) => Some(version.parse().map_err(|_malformed| missing())?),
        None => None,
    };
    let shown = app.agreement(version).await?.ok_or_else(missing)?;
    let current = app.agreement(None).await?;
    page(&AgreementPage {
        version: shown.version,
        since: viewer.when(shown.set_at),
        text: markdown(&shown.text),
        is_superseded: current.is_some_and(|current| current.version > shown.version),
        layout: viewer.layout,
    })
}

/// `POST /publisher/{slug}/agreement`
pub(crate) async fn accept(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    form: Form,
) -> Answer {
    let version = form.text("agreement").parse().unwrap_or_default();
    app.accept_agreement(&form.viewer.actor, &slug, version)
        .await?;
    let back = format!("/publisher/{slug}");
    form.viewer.done(&back, Notice::AgreementAccepted)
}

/// `GET /operator/agreement`
pub(crate) async fn edit(State(app): State<Arc<App>>, viewer: Viewer) -> Answer {
    let current = app.agreement_to_change(&viewer.actor).await?;
    page(&AgreementEditPage {
        current: current.as_ref().map(|current| current.version),
        text: current.map(|current| current.text).unwrap_or_default(),
        errors: FieldErrors::default(),
        layout: viewer.layout,
    })
}

/// `POST /operator/agreement`
pub(crate) async fn set(State(app): State<Arc<App>>, form: Form) -> Answer {
    let text = form.text("text").to_owned();
    let refusal = match app.set_agreement(&form.viewer.actor, &text).await {
        Ok(_) => {
            return form
                .viewer
                .done("/operator/agreement", Notice::AgreementSet);
        }
        Err(error) => Refusal::of(error)?,
    };
    let current = app.agreement(None).await?;
    let again = AgreementEditPage {
        current: current.map(|current| current.version),
        text,
        errors: refusal.errors,
        layout: form.viewer.layout,
    };
    page_with(refusal.status, &again)
}
