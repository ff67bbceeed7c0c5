//! Notices: what people are told, and how they want mail of it.

use std::sync::Arc;

use app::{Addressed, App, Notice, NoticePreference};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::{Answer, ErrorJson},
    extract::{Asked, Body, OlderQuery, SignedIn},
    words::{ListJson, MailChoiceJson, MailStateJson, NoticeKindJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_notices))
        .routes(routes!(read_notices))
        .routes(routes!(list_notice_preferences, set_notice_preferences))
        .routes(routes!(list_outbox))
}

/// Something that its reader was told.
#[derive(Serialize, ToSchema)]
struct NoticeJson {
    /// Sorts by time.
    id: String,
    /// What it is about.
    kind: NoticeKindJson,
    /// One line.
    title: String,
    /// Plain text.
    body: String,
    /// The page that it is about, from `/`.
    path: String,
    /// When.
    created_at: DateTime<Utc>,
    /// When it was marked as read.
    read_at: Option<DateTime<Utc>>,
}

impl From<Notice> for NoticeJson {
    fn from(notice: Notice) -> Self {
        Self {
            id: notice.id.to_string(),
            kind: notice.kind.into(),
            title: notice.title,
            body: notice.body,
            path: notice.path,
            created_at: notice.created_at,
            read_at: notice.read_at,
        }
    }
}

/// How mail of a kind is wanted.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoticePreferenceJson {
    /// The kind.
    kind: NoticeKindJson,
    /// Without a choice about a product it is as about all, and without one about all it is
    /// sent at once. What is obligatory always is.
    mail: Option<MailChoiceJson>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PreferencesQuery {
    /// The product that the choices are about, as `publisher/product`; without one, all that
    /// have no choices of their own.
    product: Option<String>,
}

/// How mail of some kinds is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoticePreferencesJson {
    /// The kinds to set.
    items: Vec<NoticePreferenceJson>,
}

/// A notice to somebody, with how its mail fares.
#[derive(Serialize, ToSchema)]
struct OutboxJson {
    /// The notice.
    #[serde(flatten)]
    notice: NoticeJson,
    /// Who is told.
    account: String,
    /// Where the mail goes.
    email: String,
    /// How the mail fares.
    mail: MailStateJson,
    /// When it is tried next, or came to its end.
    mail_at: DateTime<Utc>,
    /// How often it was tried.
    attempts: i64,
    /// Why the last attempt failed.
    error: Option<String>,
}

impl From<Addressed> for OutboxJson {
    fn from(addressed: Addressed) -> Self {
        let notice = addressed.notice;
        Self {
            account: addressed.account,
            email: addressed.email,
            mail: notice.mail.into(),
            mail_at: notice.mail_at,
            attempts: notice.attempts,
            error: notice.error.clone(),
            notice: notice.into(),
        }
    }
}

/// Returns what the asker was told, newest first.
#[utoipa::path(get, path = "/notices", tag = "notices", params(OlderQuery),
    responses((status = 200, description = "The notices.", body = ListJson<NoticeJson>)))]
async fn list_notices(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<OlderQuery>,
) -> Answer<Json<ListJson<NoticeJson>>> {
    let found = app.my_notices(&actor, query.part()).await?;
    Ok(ListJson::of(found))
}

/// Marks everything that the asker was told as read.
#[utoipa::path(post, path = "/notices/read", tag = "notices",
    responses((status = 204, description = "It is.")))]
async fn read_notices(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<StatusCode> {
    app.read_notices(&actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns how the asker wants mail of each kind.
#[utoipa::path(get, path = "/notices/preferences", tag = "notices", params(PreferencesQuery),
    responses((status = 200, description = "Every kind.", body = ListJson<NoticePreferenceJson>),
        (status = 404, description = "There is no such product that the asker can see.",
            body = ErrorJson, content_type = "application/problem+json")))]
async fn list_notice_preferences(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<PreferencesQuery>,
) -> Answer<Json<ListJson<NoticePreferenceJson>>> {
    let found = app
        .notice_preferences(&actor, query.product.as_deref())
        .await?;
    Ok(ListJson::of(found.into_iter().map(|preference| {
        NoticePreferenceJson {
            kind: preference.kind.into(),
            mail: preference.mail.map(Into::into),
        }
    })))
}

/// Sets how the asker wants mail of some kinds; kinds that are not named stay as they are.
#[utoipa::path(put, path = "/notices/preferences", tag = "notices", params(PreferencesQuery),
    request_body = NoticePreferencesJson,
    responses((status = 204, description = "They are set."),
        (status = 404, description = "There is no such product that the asker can see.",
            body = ErrorJson, content_type = "application/problem+json")))]
async fn set_notice_preferences(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<PreferencesQuery>,
    Body(wanted): Body<NoticePreferencesJson>,
) -> Answer<StatusCode> {
    let preferences: Vec<_> = wanted
        .items
        .into_iter()
        .map(|NoticePreferenceJson { kind, mail }| NoticePreference {
            kind: kind.0,
            mail: mail.map(|choice| choice.0),
        })
        .collect();
    app.set_notice_preferences(&actor, query.product.as_deref(), &preferences)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns what everybody was told, newest first, and how the mail of it fares.
#[utoipa::path(get, path = "/outbox", tag = "operation", params(OlderQuery),
    responses((status = 200, description = "The notices.", body = ListJson<OutboxJson>)))]
async fn list_outbox(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<OlderQuery>,
) -> Answer<Json<ListJson<OutboxJson>>> {
    let found = app.outbox(&actor, query.part()).await?;
    Ok(ListJson::of(found))
}
