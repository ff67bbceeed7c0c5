//! The reviewer's side: the queue, and deciding.

use std::sync::Arc;

use app::{App, QueueEntry};
use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{At, Body, SignedIn},
    submission_json::{CountJson, SubmissionJson},
    submissions::SubmissionPath,
    words::{DecisionJson, ListJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_queue))
        .routes(routes!(decide_submission))
}

/// A reviewer's decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SubmissionDecisionJson {
    /// What is decided.
    decision: DecisionJson,
    /// Why; needed unless it is approved.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    reason: String,
}

/// A submission that waits for a reviewer.
#[derive(Serialize, ToSchema)]
struct QueueEntryJson {
    /// The publisher's short name.
    publisher: SlugJson,
    /// The product's short name.
    product: SlugJson,
    /// The submission.
    submission: SubmissionJson,
    /// Open findings of each class, the worst first.
    counts: Vec<CountJson>,
}

/// Returns what waits for a reviewer, longest first.
#[utoipa::path(get, path = "/review-queue", tag = "submissions",
    responses((status = 200, description = "The queue.", body = ListJson<QueueEntryJson>)))]
async fn list_queue(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<ListJson<QueueEntryJson>>> {
    Ok(ListJson::of(app.review_queue(&actor).await?))
}

/// Requests changes, approves or rejects; approval starts the release.
#[utoipa::path(post, path = "/submissions/{submission}/decision", tag = "submissions", params(SubmissionPath),
    request_body = SubmissionDecisionJson,
    responses((status = 200, description = "The submission as decided.", body = SubmissionJson)))]
async fn decide_submission(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<SubmissionPath>,
    Body(json): Body<SubmissionDecisionJson>,
) -> Answer<Json<SubmissionJson>> {
    let decided = app
        .decide(
            &actor,
            at.submission.as_str(),
            json.decision.0,
            &json.reason,
        )
        .await?;
    Ok(Json(decided.into()))
}

impl From<QueueEntry> for QueueEntryJson {
    fn from(entry: QueueEntry) -> Self {
        Self {
            publisher: entry.publisher.slug.into(),
            product: entry.product.slug.into(),
            submission: entry.submission.into(),
            counts: entry.counts.into_iter().map(CountJson::from).collect(),
        }
    }
}
