//! `/publisher/{slug}/products/imports`: images that are brought from other registries.

use std::sync::Arc;

use app::{App, AppError, Import, ImportSource, ImportTarget, oci};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use market::{ImportState, Problem};

use super::count;
use crate::{
    answer::{Answer, Refusal, page_with},
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::imports::{ImportForm, ImportRow, ImportsPage},
    view::{Digest, Pill, Tone},
    viewer::Viewer,
};

/// Where images are whose registry is not named.
const DOCKER_HUB: &str = "docker.io";

/// `GET /publisher/{slug}/products/imports`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(publisher): Path<String>,
) -> Answer {
    page_with(StatusCode::OK, &load(&app, viewer, &publisher).await?)
}

/// `POST /publisher/{slug}/products/imports`
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    Path(publisher): Path<String>,
    form: Form,
) -> Answer {
    let outcome = async {
        let (source, into, tag) = typed(&form)?;
        let target = (&into, &tag);
        app.import_image(&form.viewer.actor, &publisher, &source, target)
            .await
    };
    match outcome.await {
        Ok(_) => form.viewer.done(&place(&publisher), Notice::ImportBegun),
        Err(error) => {
            let refusal = Refusal::of(error)?.renamed(&[("registry", "image")]);
            let mut page = load(&app, form.viewer.clone(), &publisher).await?;
            page.layout.flash = refusal.flash_unless_at_fields();
            page.form = ImportForm {
                image: form.text("image").to_owned(),
                into: form.text("into").to_owned(),
                tag: form.text("tag").to_owned(),
                user: form.text("user").to_owned(),
                errors: refusal.errors,
            };
            page_with(refusal.status, &page)
        }
    }
}

/// `POST /publisher/{slug}/products/imports/{import}/stop`
pub(crate) async fn stop(
    State(app): State<Arc<App>>,
    Path((publisher, import)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let actor = &form.viewer.actor;
    match app.cancel_import(actor, &publisher, &import).await {
        Ok(()) => form.viewer.done(&place(&publisher), Notice::ImportStopped),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let mut page = load(&app, form.viewer, &publisher).await?;
            page.layout.flash = Some(refusal.flash());
            page_with(refusal.status, &page)
        }
    }
}

fn place(publisher: &str) -> String {
    format!("/publisher/{publisher}/products/imports")
}

/// Reads the form: every problem at once.
fn typed(form: &Form) -> Result<(ImportSource, oci::RepoName, oci::Tag), AppError> {
    let mut problems = Vec::new();
    let mut wrong = |field: &str, message: String| {
        problems.push(Problem {
            field: field.to_owned(),
            message,
        });
    };
    let image = form.text("image").trim();
    let image = image.parse::<oci::Reference>();
    let image = image.map_err(|error| wrong("image", error.to_string()));
    let into = form.text("into").trim().parse::<oci::RepoName>();
    let into = into.map_err(|error| wrong("into", error.to_string()));
    let same = match &image {
        Ok(oci::Reference { tag: Some(tag), .. }) => tag.to_string(),
        Ok(oci::Reference { digest: None, .. }) => "latest".to_owned(),
        _ => String::new(),
    };
    let tag = form.given("tag").unwrap_or(same).parse::<oci::Tag>();
    let tag = tag.map_err(|error| wrong("tag", error.to_string()));
    let credentials = match (form.given("user"), form.text("password")) {
        (None, "") => None,
        (Some(user), password) if !password.is_empty() => Some((user, password.to_owned())),
        (None, _) => {
            wrong("user", "say who signs in with the password".to_owned());
            None
        }
        (Some(_), _) => {
            wrong("password", "type the user's password or token".to_owned());
            None
        }
    };
    let (Ok(image), Ok(into), Ok(tag), true) = (image, into, tag, problems.is_empty()) else {
        return Err(AppError::Invalid(problems));
    };
    let latest = || "latest".parse().map_err(AppError::internal);
    let source = ImportSource {
        registry: image.host.unwrap_or_else(|| DOCKER_HUB.to_owned()),
        repository: image.repo,
        reference: match (image.digest, image.tag) {
            (Some(digest), _) => ImportTarget::Digest(digest),
            (None, Some(tag)) => ImportTarget::Tag(tag),
            (None, None) => ImportTarget::Tag(latest()?),
        },
        credentials,
    };
    Ok((source, into, tag))
}

async fn load(app: &App, viewer: Viewer, publisher: &str) -> Result<ImportsPage, Failure> {
    let imports = app.imports(&viewer.actor, publisher).await?;
    let rights = app.product_rights(&viewer.actor, publisher).await?;
    let found = app.publisher(&viewer.actor, publisher).await?;
    Ok(ImportsPage {
        publisher_slug: found.slug.to_string(),
        publisher_name: found.legal_name,
        imports: imports
            .into_iter()
            .map(|import| row(import, &viewer))
            .collect(),
        form: ImportForm::default(),
        can_import: rights.may_edit,
        layout: viewer.layout,
    })
}

fn row(import: Import, viewer: &Viewer) -> ImportRow {
    ImportRow {
        id: import.id.to_string(),
        source: import.source(),
        target: format!("{}:{}", import.staging, import.tag),
        state: match import.state {
            ImportState::Waiting => Pill::new(Tone::Quiet, "Waiting"),
            ImportState::Running => Pill::new(Tone::Active, "Under way"),
            ImportState::Done => Pill::new(Tone::Good, "Done"),
            ImportState::Failed => Pill::new(Tone::Bad, "Failed"),
            ImportState::Cancelled => Pill::new(Tone::Quiet, "Stopped"),
        },
        is_open: !import.state.is_over(),
        note: import.note,
        bytes: (count(import.bytes_done), count(import.bytes_total)),
        digest: import.digest.map(Digest),
        error: import.error,
        by: import.asked_by,
        at: viewer.when(import.asked_at),
    }
}
