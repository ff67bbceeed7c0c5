//! `/operator/storage`: collections, scrubs, why something is kept, what publishers take.

use std::sync::Arc;

use app::{
    App, AppError, CollectionFigures, DamagedBlob, PublisherStorage, ScrubFigures, UpkeepRun,
    WhyKept,
};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use market::{RetentionRules, parse_bytes, show_bytes};

use super::{Parameters, asked_part, behind, onward};
use crate::{
    answer::{Answer, Refusal, page_with},
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::storage::{
        DamagedRow, RetentionForm, RunView, StorageMeter, StoragePage, StorageRow, WhyRow, WhyView,
    },
    view::{FieldErrors, Pill, Tone},
    viewer::Viewer,
};

/// The page's address.
const PAGE: &str = "/operator/storage";

/// `GET /operator/storage`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parameters: Parameters,
) -> Answer {
    let actor = viewer.actor.clone();
    let mut page = view(&app, viewer, &parameters).await?;
    let mut status = StatusCode::OK;
    if let Some(digest) = parameters.get("digest") {
        digest.trim().clone_into(&mut page.asked);
        match app.why_kept(&actor, &page.asked).await {
            Ok(why) => page.why = Some(why_view(why)),
            Err(error) => {
                let refusal = Refusal::of(error)?;
                (status, page.errors) = (refusal.status, refusal.errors);
            }
        }
    }
    page_with(status, &page)
}

/// `POST /operator/storage/collect`
pub(crate) async fn collect(State(app): State<Arc<App>>, form: Form) -> Answer {
    let dry_run = form.text("dry_run") == "true";
    let begun = app.start_collection(&form.viewer.actor, dry_run).await;
    answer(&app, form, begun.map(drop), Notice::CollectionBegun).await
}

/// `POST /operator/storage/scrub`
pub(crate) async fn scrub(State(app): State<Arc<App>>, form: Form) -> Answer {
    let begun = app.start_scrub(&form.viewer.actor, None).await;
    answer(&app, form, begun.map(drop), Notice::ScrubBegun).await
}

/// `POST /operator/storage/quotas/{slug}`
pub(crate) async fn set_quota(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    form: Form,
) -> Answer {
    let quota = match form.given("quota") {
        None => Ok(None),
        Some(text) => match parse_bytes(&text) {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(AppError::invalid(
                "quota",
                "write a number of bytes, such as 20GiB",
            )),
        },
    };
    let set = match quota {
        Ok(quota) => {
            let actor = &form.viewer.actor;
            app.set_publisher_quota(actor, &slug, quota).await.map(drop)
        }
        Err(error) => Err(error),
    };
    answer(&app, form, set, Notice::QuotaSet).await
}

/// `POST /operator/storage/retention`
pub(crate) async fn set_retention(State(app): State<Arc<App>>, form: Form) -> Answer {
    let set = match retention_rules(&form) {
        Ok(rules) => app.set_default_retention(&form.viewer.actor, &rules).await,
        Err(error) => Err(error),
    };
    answer(&app, form, set, Notice::RetentionSaved).await
}

/// Reads rules for tags as they were typed.
pub(super) fn retention_rules(form: &Form) -> Result<RetentionRules, AppError> {
    let number = |field: &str| match form.given(field) {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(AppError::invalid(field, "write a whole number, or nothing")),
        },
    };
    Ok(RetentionRules {
        keep_newest: number("keep_newest")?,
        unused_days: number("unused_days")?,
        keep_tags: form
            .text("keep_tags")
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    })
}

/// Returns rules for tags as they were typed, though they may make no sense.
pub(super) fn typed_rules(form: &Form) -> RetentionForm {
    RetentionForm {
        keep_newest: form.text("keep_newest").to_owned(),
        unused_days: form.text("unused_days").to_owned(),
        keep_tags: form.text("keep_tags").to_owned(),
    }
}

/// Returns rules for tags as they are typed.
pub(super) fn retention_form(rules: &RetentionRules) -> RetentionForm {
    let text = |number: Option<u32>| number.map_or_else(String::new, |number| number.to_string());
    RetentionForm {
        keep_newest: text(rules.keep_newest),
        unused_days: text(rules.unused_days),
        keep_tags: rules.keep_tags.join(" "),
    }
}

async fn answer(app: &App, form: Form, outcome: Result<(), AppError>, notice: Notice) -> Answer {
    let Err(error) = outcome else {
        return form.viewer.done(PAGE, notice);
    };
    let refusal = Refusal::of(error)?;
    let typed = typed_rules(&form);
    let mut page = view(app, form.viewer, &Parameters::default()).await?;
    if notice == Notice::RetentionSaved {
        page.retention = typed;
    }
    page.layout.flash = Some(refusal.flash());
    page.errors = refusal.errors;
    page_with(refusal.status, &page)
}

async fn view(app: &App, viewer: Viewer, parameters: &Parameters) -> Result<StoragePage, Failure> {
    let actor = &viewer.actor;
    let collections = app.collections(actor).await?;
    let scrubs = app.scrubs(actor).await?;
    let damaged = app.damaged_blobs(actor).await?;
    let part = asked_part(parameters, "publishers");
    let mut publishers = app.all_publisher_storage(actor, part).await?;
    let publishers_onward = onward(
        &mut publishers,
        part,
        |storage| storage.publisher.as_str(),
        |name| behind(PAGE, "publishers", name, "#publishers"),
    );
    let retention = app.default_retention(actor).await?;
    Ok(StoragePage {
        collection: collections.newest.map(|run| collection_view(&run, &viewer)),
        dry_run: collections
            .dry_run
            .map(|run| collection_view(&run, &viewer)),
        scrub: scrubs.newest.map(|run| scrub_view(&run, &viewer)),
        damaged: damaged
            .into_iter()
            .map(|blob| damaged_row(blob, &viewer))
            .collect(),
        asked: String::new(),
        why: None,
        publishers_onward,
        publishers: publishers.iter().map(storage_row).collect(),
        retention: retention_form(&retention),
        errors: FieldErrors::default(),
        layout: viewer.layout,
    })
}

fn collection_view(run: &UpkeepRun<CollectionFigures>, viewer: &Viewer) -> RunView {
    let figures = &run.figures;
    let with_bytes = |count: i64, bytes| format!("{count} ({})", show_bytes(bytes));
    run_view(
        run,
        viewer,
        vec![
            ("Tags dropped by rule", figures.tags.to_string()),
            ("Manifests deleted", figures.manifests.to_string()),
            ("Blobs taken out of repositories", figures.links.to_string()),
            ("Pictures deleted", figures.pictures.to_string()),
            (
                "Blobs deleted from the store",
                with_bytes(figures.blobs, figures.bytes),
            ),
            ("Layer reports deleted", figures.reports.to_string()),
            (
                "Manifests within their grace",
                figures.waiting_manifests.to_string(),
            ),
            (
                "Blobs within their grace",
                with_bytes(figures.waiting_links, figures.waiting_bytes),
            ),
            (
                "Pictures within their grace",
                figures.waiting_pictures.to_string(),
            ),
        ],
    )
}

fn scrub_view(run: &UpkeepRun<ScrubFigures>, viewer: &Viewer) -> RunView {
    let figures = &run.figures;
    let read = format!("{} ({})", figures.blobs, show_bytes(figures.bytes));
    run_view(
        run,
        viewer,
        vec![
            ("Blobs read", read),
            ("Manifests compared", figures.manifests.to_string()),
            ("Missing", figures.missing.to_string()),
            ("Damaged", figures.damaged.to_string()),
        ],
    )
}

fn run_view<F>(
    run: &UpkeepRun<F>,
    viewer: &Viewer,
    figures: Vec<(&'static str, String)>,
) -> RunView {
    let (tone, word) = match (&run.failed, run.ended_at) {
        (Some(_), _) => (Tone::Bad, "Failed"),
        (None, Some(_)) => (Tone::Good, "Done"),
        (None, None) => (Tone::Active, "Under way"),
    };
    RunView {
        state: Pill {
            tone,
            word: word.to_owned(),
        },
        started_at: viewer.when(run.started_at),
        note: match (&run.failed, run.ended_at) {
            (Some(error), _) => error.clone(),
            (None, Some(_)) => String::new(),
            (None, None) => run.stage.clone(),
        },
        figures,
    }
}

fn damaged_row(blob: DamagedBlob, viewer: &Viewer) -> DamagedRow {
    let mut repositories = blob.repositories;
    if blob.picture {
        repositories.push("uploaded pictures".to_owned());
    }
    DamagedRow {
        digest: blob.digest,
        problem: blob.problem,
        found_at: viewer.when(blob.found_at),
        repositories,
    }
}

fn why_view(why: WhyKept) -> WhyView {
    let mut stored = match why.stored_bytes {
        Some(bytes) => format!("{bytes} bytes in the blob store."),
        None => "Not in the blob store.".to_owned(),
    };
    if let Some(picture) = why.picture {
        stored.push_str(&format!(" It is {picture}."));
    }
    if why.more {
        stored.push_str(" The first hundred places:");
    }
    let row = |place: app::KeptIn| WhyRow {
        because: place.because.to_string(),
        repository: place.repository,
        kind: place.kind,
        way: place.way.into_iter().skip(1).collect(),
    };
    WhyView {
        stored,
        places: why.kept_in.into_iter().map(row).collect(),
    }
}

fn storage_row(storage: &PublisherStorage) -> StorageRow {
    StorageRow {
        slug: storage.publisher.clone(),
        meter: meter(storage),
        own_quota: match storage.quota_bytes {
            _ if !storage.is_own_quota => String::new(),
            Some(bytes) => bytes.to_string(),
            None => "0".to_owned(),
        },
    }
}

/// Returns how full a publisher's staging repositories are.
pub(super) fn meter(storage: &PublisherStorage) -> StorageMeter {
    StorageMeter {
        id: format!("meter-{}", storage.publisher),
        used: show_bytes(storage.used_bytes),
        quota: storage.quota_bytes.map(show_bytes),
        percent: storage.percent().unwrap_or(0).min(100),
        is_tight: storage.is_tight(),
    }
}
