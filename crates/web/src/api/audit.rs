//! The audit log.

use std::sync::Arc;

use app::{App, NamedRecord};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, SignedIn, older_query, place},
    words::ListJson,
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_audit))
}

older_query! {
    struct AuditQuery {
        /// Of what this account did, by its name or id, or `system` or `anonymous`.
        #[serde(default, deserialize_with = "place")]
        #[param(max_length = 200)]
        actor: String,
        /// Of this action, by its word.
        #[serde(default, deserialize_with = "place")]
        #[param(max_length = 200)]
        action: String,
        /// Of what was done to what has this id, or to the publisher, `publisher/product` or account
        /// of this name.
        #[serde(default, deserialize_with = "place")]
        #[param(max_length = 200)]
        subject: String,
    }
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

/// Returns audit records, newest first.
#[utoipa::path(get, path = "/audit", tag = "operation", params(AuditQuery),
    responses((status = 200, description = "The records.", body = ListJson<AuditRecordJson>)))]
async fn list_audit(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<AuditQuery>,
) -> Answer<Json<ListJson<AuditRecordJson>>> {
    let part = query.part();
    let asked = app::AuditQuery {
        actor: query.actor.clone(),
        action: query.action.clone(),
        subject: query.subject.clone(),
    };
    Ok(ListJson::of(app.audit_log(&actor, &asked, part).await?))
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
