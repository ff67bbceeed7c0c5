//! The background queue in numbers.

use std::sync::Arc;

use app::{App, JobSummary};
use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{error::Answer, extract::SignedIn};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get_jobs))
}

/// The queue in numbers.
#[derive(Serialize, ToSchema)]
struct JobsJson {
    /// How many jobs are in each state.
    counts: Vec<JobCountJson>,
    /// The newest that failed for good.
    failed: Vec<FailedJobJson>,
}

/// How many jobs are in a state.
#[derive(Serialize, ToSchema)]
struct JobCountJson {
    /// The state.
    state: String,
    /// How many.
    jobs: i64,
}

/// A job that failed for good.
#[derive(Serialize, ToSchema)]
struct FailedJobJson {
    /// What kind.
    kind: String,
    /// Why.
    error: String,
}

/// Returns the background queue in numbers.
#[utoipa::path(get, path = "/jobs", tag = "operation",
    responses((status = 200, description = "The queue.", body = JobsJson)))]
async fn get_jobs(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<JobsJson>> {
    Ok(Json(app.job_summary(&actor).await?.into()))
}

impl From<JobSummary> for JobsJson {
    fn from(summary: JobSummary) -> Self {
        let counts = summary.counts.into_iter();
        let failed = summary.failed.into_iter();
        Self {
            counts: counts
                .map(|(state, jobs)| JobCountJson { state, jobs })
                .collect(),
            failed: failed
                .map(|(kind, error)| FailedJobJson { kind, error })
                .collect(),
        }
    }
}
