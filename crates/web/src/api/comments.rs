//! Writing in a review thread.

use std::sync::Arc;

use app::{App, Comment};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{At, Body, SignedIn},
    submissions::SubmissionPath,
    words::{CommentIdJson, SubmissionIdJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(add_comment))
        .routes(routes!(resolve_comment))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct CommentPath {
    /// The submission's identifier.
    #[param(inline)]
    submission: SubmissionIdJson,
    /// The remark's identifier.
    #[param(inline)]
    comment: CommentIdJson,
}

/// A remark to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCommentJson {
    /// What it is about: `submission`, `field:NAME`, `check:ID`, `finding:ID`, `component:NAME` or `layer:DIGEST`.
    #[serde(default = "about_all")]
    #[schema(
        default = "submission",
        max_length = 210,
        pattern = r"^(submission|(field|check|finding|component|layer):[!-~]{1,200})$"
    )]
    anchor: String,
    /// What it says.
    #[schema(min_length = 1, max_length = 10_000, pattern = r"\S")]
    body: String,
}

fn about_all() -> String {
    "submission".to_owned()
}

/// Whether a remark is settled.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResolvedJson {
    /// False opens it again.
    resolved: bool,
}

/// A remark that was added.
#[derive(Serialize, ToSchema)]
struct CommentJson {
    /// Its identifier.
    id: CommentIdJson,
    /// In which submission's thread.
    submission: SubmissionIdJson,
    /// What it is about.
    anchor: String,
    /// What it says.
    body: String,
    /// When.
    created_at: DateTime<Utc>,
}

/// Adds a remark to a submission's thread.
#[utoipa::path(post, path = "/submissions/{submission}/comments", tag = "submissions", params(SubmissionPath),
    request_body = NewCommentJson, responses((status = 201, description = "The remark.", body = CommentJson)))]
async fn add_comment(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<SubmissionPath>,
    Body(new): Body<NewCommentJson>,
) -> Answer<(StatusCode, Json<CommentJson>)> {
    let comment = app
        .add_comment(&actor, at.submission.as_str(), &new.anchor, &new.body)
        .await?;
    Ok((StatusCode::CREATED, Json(comment.into())))
}

/// Settles a remark, or opens it again.
#[utoipa::path(post, path = "/submissions/{submission}/comments/{comment}/resolve", tag = "submissions",
    params(CommentPath), request_body = ResolvedJson,
    responses((status = 204, description = "So it is.")))]
async fn resolve_comment(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<CommentPath>,
    Body(json): Body<ResolvedJson>,
) -> Answer<StatusCode> {
    let (submission, comment) = (at.submission.as_str(), at.comment.as_str());
    app.resolve_comment(&actor, submission, comment, json.resolved)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Comment> for CommentJson {
    fn from(comment: Comment) -> Self {
        Self {
            id: comment.id.into(),
            submission: comment.submission_id.into(),
            anchor: comment.anchor.to_string(),
            body: comment.body,
            created_at: comment.created_at,
        }
    }
}
