//! When submissions go public.

use std::sync::Arc;

use app::{App, PublicationTime};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{At, Body, SignedIn},
    submission_json::SubmissionJson,
    submissions::SubmissionPath,
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(
        schedule_submission,
        publish_submission,
        hold_back_submission
    ))
}

/// When a submission goes public.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ScheduleJson {
    /// The time, to the second.
    at: DateTime<Utc>,
}

/// Sets the time at which a submission goes public; if it is approved later, as soon as it is.
#[utoipa::path(put, path = "/submissions/{submission}/publication", tag = "submissions", params(SubmissionPath),
    request_body = ScheduleJson,
    responses((status = 200, description = "The submission.", body = SubmissionJson)))]
async fn schedule_submission(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<SubmissionPath>,
    Body(json): Body<ScheduleJson>,
) -> Answer<Json<SubmissionJson>> {
    let when = PublicationTime::At(json.at);
    let set = app.set_publication(&actor, at.submission.as_str(), when);
    Ok(Json(set.await?.into()))
}

/// Has a submission go public as soon as it is approved: at once, if it is.
#[utoipa::path(post, path = "/submissions/{submission}/publication", tag = "submissions", params(SubmissionPath),
    responses((status = 200, description = "The submission.", body = SubmissionJson)))]
async fn publish_submission(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<SubmissionPath>,
) -> Answer<Json<SubmissionJson>> {
    let when = PublicationTime::AtOnce;
    let set = app.set_publication(&actor, at.submission.as_str(), when);
    Ok(Json(set.await?.into()))
}

/// Holds a submission back: approved or not, it waits until another time is set.
#[utoipa::path(delete, path = "/submissions/{submission}/publication", tag = "submissions", params(SubmissionPath),
    responses((status = 200, description = "The submission.", body = SubmissionJson)))]
async fn hold_back_submission(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<SubmissionPath>,
) -> Answer<Json<SubmissionJson>> {
    let when = PublicationTime::Held;
    let set = app.set_publication(&actor, at.submission.as_str(), when);
    Ok(Json(set.await?.into()))
}
