//! Reading a submission: itself, its findings, checks, images and thread.

use std::sync::Arc;

use app::App;
use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, At, LaterQuery, SignedIn},
    finding_json::FindingJson,
    submission_json::{CheckJson, InspectedImageJson, RemarkJson, SubmissionPageJson},
    words::{ListJson, SubmissionIdJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_submission))
        .routes(routes!(list_findings))
        .routes(routes!(list_checks))
        .routes(routes!(list_images))
        .routes(routes!(list_thread))
}

/// Which submission.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct SubmissionPath {
    /// The submission's identifier.
    #[param(inline)]
    pub(super) submission: SubmissionIdJson,
}

/// Returns a submission; ask again while `progress` is there.
#[utoipa::path(get, path = "/submissions/{submission}", tag = "submissions", params(SubmissionPath),
    responses((status = 200, description = "The submission.", body = SubmissionPageJson)))]
async fn get_submission(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<SubmissionPath>,
) -> Answer<Json<SubmissionPageJson>> {
    let page = app.submission_page(&actor, at.submission.as_str()).await?;
    Ok(Json(page.into()))
}

/// Returns a submission's findings, the worst first.
#[utoipa::path(get, path = "/submissions/{submission}/findings", tag = "submissions", params(SubmissionPath, LaterQuery),
    responses((status = 200, description = "The findings.", body = ListJson<FindingJson>)))]
async fn list_findings(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<SubmissionPath>,
    Asked(query): Asked<LaterQuery>,
) -> Answer<Json<ListJson<FindingJson>>> {
    let id = at.submission.as_str();
    let findings = app.submission_findings(&actor, id, query.part()).await?;
    Ok(ListJson::of(findings))
}

/// Returns what the certification checks said, failed ones first.
#[utoipa::path(get, path = "/submissions/{submission}/checks", tag = "submissions", params(SubmissionPath),
    responses((status = 200, description = "The checks.", body = ListJson<CheckJson>)))]
async fn list_checks(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<SubmissionPath>,
) -> Answer<Json<ListJson<CheckJson>>> {
    let page = app.submission_page(&actor, at.submission.as_str()).await?;
    Ok(ListJson::of(page.checks))
}

/// Returns a submission's platforms with their layers and components.
#[utoipa::path(get, path = "/submissions/{submission}/images", tag = "submissions", params(SubmissionPath),
    responses((status = 200, description = "The platforms.", body = ListJson<InspectedImageJson>)))]
async fn list_images(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<SubmissionPath>,
) -> Answer<Json<ListJson<InspectedImageJson>>> {
    let page = app.submission_page(&actor, at.submission.as_str()).await?;
    Ok(ListJson::of(page.images))
}

/// Returns the review thread up to this submission, oldest first.
#[utoipa::path(get, path = "/submissions/{submission}/thread", tag = "submissions", params(SubmissionPath, LaterQuery),
    responses((status = 200, description = "The remarks.", body = ListJson<RemarkJson>)))]
async fn list_thread(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<SubmissionPath>,
    Asked(query): Asked<LaterQuery>,
) -> Answer<Json<ListJson<RemarkJson>>> {
    let id = at.submission.as_str();
    let thread = app.submission_thread(&actor, id, query.part()).await?;
    Ok(ListJson::of(thread))
}
