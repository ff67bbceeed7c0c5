//! Rules by which tags of staging repositories are dropped.

use std::sync::Arc;

use app::{App, DroppedTag, Retention};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use market::RetentionRules;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{At, Body, SignedIn},
    publishers::PublisherPath,
    words::ListJson,
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_default_retention, set_default_retention))
        .routes(routes!(get_retention, set_retention, unset_retention))
        .routes(routes!(preview_retention))
}

/// Which tags of each staging repository are kept. With `keep_newest` and `unused_days` both
/// null, none is dropped.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetentionRulesJson {
    /// The newest so many are kept.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000)]
    keep_newest: Option<u32>,
    /// What was set or pulled within so many days is kept.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 36500)]
    unused_days: Option<u32>,
    /// Tags that match any of these are kept; `*` stands for any characters, `?` for one.
    #[serde(default)]
    #[schema(max_items = 50)]
    keep_tags: Vec<TagPattern>,
}

/// A tag in which `*` stands for any characters and `?` for one.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._*?-]+$")]
struct TagPattern(String);

/// A publisher's rules.
#[derive(Serialize, ToSchema)]
struct RetentionJson {
    /// The rules in force.
    rules: RetentionRulesJson,
    /// Whether they are the publisher's own, or the operator's for all.
    is_own: bool,
    /// Whether the asker may change them.
    may_change: bool,
}

/// A tag that rules drop.
#[derive(Serialize, ToSchema)]
struct DroppedTagJson {
    /// The repository.
    repository: String,
    /// The tag.
    tag: String,
    /// What it names.
    digest: String,
    /// When it was set.
    updated_at: DateTime<Utc>,
}

/// Returns the rules of publishers that have none of their own.
#[utoipa::path(get, path = "/storage/retention", tag = "operation",
    responses((status = 200, description = "The rules.", body = RetentionRulesJson)))]
async fn get_default_retention(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<RetentionRulesJson>> {
    Ok(Json(app.default_retention(&actor).await?.into()))
}

/// Sets the rules of publishers that have none of their own.
#[utoipa::path(put, path = "/storage/retention", tag = "operation", request_body = RetentionRulesJson,
    responses((status = 204, description = "So it is.")))]
async fn set_default_retention(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(json): Body<RetentionRulesJson>,
) -> Answer<StatusCode> {
    app.set_default_retention(&actor, &json.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns a publisher's rules.
#[utoipa::path(get, path = "/publishers/{publisher}/retention", tag = "publishers", params(PublisherPath),
    responses((status = 200, description = "The rules.", body = RetentionJson)))]
async fn get_retention(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<Json<RetentionJson>> {
    let retention = app.retention(&actor, at.publisher.as_str()).await?;
    Ok(Json(retention.into()))
}

/// Sets a publisher's own rules.
#[utoipa::path(put, path = "/publishers/{publisher}/retention", tag = "publishers", params(PublisherPath),
    request_body = RetentionRulesJson, responses((status = 204, description = "So it is.")))]
async fn set_retention(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(json): Body<RetentionRulesJson>,
) -> Answer<StatusCode> {
    let rules = json.into();
    app.set_retention(&actor, at.publisher.as_str(), Some(&rules))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a publisher's own rules away; the operator's are in force then.
#[utoipa::path(delete, path = "/publishers/{publisher}/retention", tag = "publishers", params(PublisherPath),
    responses((status = 204, description = "So it is.")))]
async fn unset_retention(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<StatusCode> {
    app.set_retention(&actor, at.publisher.as_str(), None)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the tags that the next collection would drop by these rules, the first thousand.
#[utoipa::path(post, path = "/publishers/{publisher}/retention/preview", tag = "publishers", params(PublisherPath),
    request_body = RetentionRulesJson,
    responses((status = 200, description = "The tags.", body = ListJson<DroppedTagJson>)))]
async fn preview_retention(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(json): Body<RetentionRulesJson>,
) -> Answer<Json<ListJson<DroppedTagJson>>> {
    let rules = json.into();
    let dropped = app.preview_retention(&actor, at.publisher.as_str(), Some(&rules));
    Ok(ListJson::of(dropped.await?))
}

impl From<RetentionRules> for RetentionRulesJson {
    fn from(rules: RetentionRules) -> Self {
        Self {
            keep_newest: rules.keep_newest,
            unused_days: rules.unused_days,
            keep_tags: rules.keep_tags.into_iter().map(TagPattern).collect(),
        }
    }
}

impl From<RetentionRulesJson> for RetentionRules {
    fn from(json: RetentionRulesJson) -> Self {
        Self {
            keep_newest: json.keep_newest,
            unused_days: json.unused_days,
            keep_tags: json
                .keep_tags
                .into_iter()
                .map(|TagPattern(tag)| tag)
                .collect(),
        }
    }
}

impl From<Retention> for RetentionJson {
    fn from(retention: Retention) -> Self {
        Self {
            rules: retention.rules.into(),
            is_own: retention.is_own,
            may_change: retention.may_change,
        }
    }
}

impl From<DroppedTag> for DroppedTagJson {
    fn from(dropped: DroppedTag) -> Self {
        Self {
            repository: dropped.repository,
            tag: dropped.tag,
            digest: dropped.digest,
            updated_at: dropped.updated_at,
        }
    }
}
