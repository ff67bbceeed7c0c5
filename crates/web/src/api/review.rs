//! The reviewer's side: the queue, who has what in hand, and deciding.

use std::sync::Arc;

use app::{App, Assignment, QueueCursor, QueueEntry, QueueQuery};
use axum::{Json, extract::State};
use chrono::TimeDelta;
use market::{Assigned, Side, Waiting};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, At, Body, SignedIn, within},
    submission_json::{CountJson, SubmissionJson},
    submissions::SubmissionPath,
    words::{AssignedJson, DecisionJson, SideJson, SlugJson, SubmissionStateJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_queue))
        .routes(routes!(decide_submission))
        .routes(routes!(assign_submission))
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

/// Which submissions of the queue are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct QueueAsked {
    /// In this state; without one, what does not wait for its publisher.
    #[param(inline)]
    state: Option<SubmissionStateJson>,
    /// Of the publisher with this short name.
    #[param(inline)]
    publisher: Option<SlugJson>,
    /// Of products with this short name.
    #[param(inline)]
    product: Option<SlugJson>,
    /// Whose release would be certified, or would not.
    certifiable: Option<bool>,
    /// Taken by the asker, by nobody, or by anybody.
    #[param(inline)]
    #[serde(default)]
    assigned: Option<AssignedJson>,
    /// What the answer before gave as `next`.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,16}~sub_[0-9A-Za-z]{26}$")]
    #[serde(default, deserialize_with = "place")]
    after: Option<QueueCursor>,
    /// Most submissions to return.
    #[param(minimum = 1, maximum = 200, default = 50)]
    #[serde(default = "fifty", deserialize_with = "within::<_, 1, 200>")]
    limit: i64,
}

fn fifty() -> i64 {
    50
}

/// Reads a place in the queue.
fn place<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<QueueCursor>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

impl From<QueueAsked> for QueueQuery {
    fn from(asked: QueueAsked) -> Self {
        Self {
            state: asked.state.map(|state| state.0),
            publisher: asked.publisher.map(|slug| slug.as_str().to_owned()),
            product: asked.product.map(|slug| slug.as_str().to_owned()),
            certifiable: asked.certifiable,
            assigned: asked.assigned.map_or(Assigned::Everybody, |whose| whose.0),
            after: asked.after,
        }
    }
}

/// A part of the review queue.
#[derive(Serialize, ToSchema)]
struct QueuePageJson {
    /// The submissions, those first that wait longest.
    items: Vec<QueueEntryJson>,
    /// What to send as `after` for the next part, if there is one.
    next: Option<String>,
}

/// A submission under review.
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
    /// Checks that failed and keep it from being certified.
    failed_checks: usize,
    /// Remarks that nobody resolved.
    open_remarks: usize,
    /// Whose turn it is; nobody's once its way has ended.
    turn: Option<SideJson>,
    /// How long its review waited for each side.
    waiting: WaitingJson,
    /// The name of the reviewer who took it.
    reviewer: Option<String>,
    /// Whether the asker belongs to the publisher, and so may not decide.
    own_work: bool,
}

/// How long a review waited for each side, in seconds; submissions whose place it took count.
#[derive(Serialize, ToSchema)]
pub(super) struct WaitingJson {
    /// For the certification team.
    reviewers: i64,
    /// For the publisher.
    publisher: i64,
    /// For inspection and release.
    machine: i64,
}

/// Into whose hands a submission goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAssignmentJson {
    /// The name of the reviewer who gets it; null gives it back.
    reviewer: Option<String>,
    /// The name of the reviewer who has it, if one has.
    instead_of: Option<String>,
}

/// In whose hands a submission is.
#[derive(Serialize, ToSchema)]
struct AssignmentJson {
    /// The name of the reviewer who took it.
    reviewer: Option<String>,
}

/// Returns what is under review, those first that wait longest.
#[utoipa::path(get, path = "/review-queue", tag = "submissions", params(QueueAsked),
    responses((status = 200, description = "The queue.", body = QueuePageJson)))]
async fn list_queue(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(asked): Asked<QueueAsked>,
) -> Answer<Json<QueuePageJson>> {
    let limit = usize::try_from(asked.limit).unwrap_or(1);
    let page = app.review_queue(&actor, &asked.into(), limit).await?;
    Ok(Json(QueuePageJson {
        items: page.entries.into_iter().map(QueueEntryJson::from).collect(),
        next: page.next.map(|next| next.to_string()),
    }))
}

/// Gives a submission to a reviewer, oneself or another, or takes it back.
#[utoipa::path(put, path = "/submissions/{submission}/reviewer", tag = "submissions", params(SubmissionPath),
    request_body = NewAssignmentJson,
    responses((status = 200, description = "In whose hands it is now.", body = AssignmentJson)))]
async fn assign_submission(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<SubmissionPath>,
    Body(json): Body<NewAssignmentJson>,
) -> Answer<Json<AssignmentJson>> {
    let assignment = Assignment {
        to: json.reviewer.as_deref(),
        from: json.instead_of.as_deref(),
    };
    let reviewer = app
        .assign_submission(&actor, at.submission.as_str(), assignment)
        .await?;
    Ok(Json(AssignmentJson { reviewer }))
}

/// Requests changes, approves or rejects; approval starts the release. Where two must approve
/// a first release, it stays in review until another person approves, too.
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
        let turn: Option<Side> = entry.submission.state.waits_for();
        Self {
            publisher: entry.publisher.slug.into(),
            product: entry.product.slug.into(),
            submission: entry.submission.into(),
            counts: entry.counts.into_iter().map(CountJson::from).collect(),
            failed_checks: entry.failed_checks,
            open_remarks: entry.open_remarks,
            turn: turn.map(SideJson::from),
            waiting: entry.waiting.into(),
            reviewer: entry.reviewer,
            own_work: entry.own_work,
        }
    }
}

impl From<Waiting> for WaitingJson {
    fn from(waiting: Waiting) -> Self {
        let seconds = |time: TimeDelta| time.num_seconds();
        Self {
            reviewers: seconds(waiting.reviewers),
            publisher: seconds(waiting.publisher),
            machine: seconds(waiting.machine),
        }
    }
}
