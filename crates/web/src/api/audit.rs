//! The audit log.

use std::sync::Arc;

use app::{App, NamedRecord};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, SignedIn, within},
    words::ListJson,
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_audit))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// How many records at most.
    #[serde(default = "a_page", deserialize_with = "within::<_, 1, 1_000>")]
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: i64,
}

fn a_page() -> i64 {
    100
}

/// Who did what to what, and why.
#[derive(Serialize, ToSchema)]
struct AuditRecordJson {
    /// Sorts by time.
    id: String,
    /// When.
    at: DateTime<Utc>,
    /// The account's id, `system` or `anonymous`.
    actor: String,
    /// The account's name, where it has one.
    actor_name: Option<String>,
    /// What was done.
    action: String,
    /// The id of what it was done to.
    subject: String,
    /// Why.
    reason: Option<String>,
    /// The state before.
    before: Option<String>,
    /// The state after.
    after: Option<String>,
}

/// Returns the newest audit records.
#[utoipa::path(get, path = "/audit", tag = "operation", params(AuditQuery),
    responses((status = 200, description = "The records, newest first.", body = ListJson<AuditRecordJson>)))]
async fn list_audit(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<AuditQuery>,
) -> Answer<Json<ListJson<AuditRecordJson>>> {
    Ok(ListJson::of(app.audit_log(&actor, query.limit).await?))
}

impl From<NamedRecord> for AuditRecordJson {
    fn from(NamedRecord { record, actor_name }: NamedRecord) -> Self {
        Self {
            actor_name,
            id: record.id,
            at: record.at,
            actor: record.actor,
            action: record.action,
            subject: record.subject,
            reason: record.reason,
            before: record.before,
            after: record.after,
        }
    }
}
