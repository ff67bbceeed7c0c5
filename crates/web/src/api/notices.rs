//! Notices: what people are told, and of which kinds they want mail.

use std::sync::Arc;

use app::{Addressed, App, Notice, NoticePreference};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, Body, SignedIn, within},
    words::{ListJson, MailStateJson, NoticeKindJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_notices))
        .routes(routes!(read_notices))
        .routes(routes!(list_notice_preferences, set_notice_preferences))
        .routes(routes!(list_outbox))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NoticesQuery {
    /// How many at most.
    #[serde(default = "a_page", deserialize_with = "within::<_, 1, 1_000>")]
    #[param(minimum = 1, maximum = 1_000, default = 50)]
    limit: i64,
    /// Only what is older than the notice with this id: the last of the page before.
    #[serde(default)]
    before: String,
}

fn a_page() -> i64 {
    app::NOTICES_AT_ONCE
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

/// Whether mail of a kind is wanted.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoticePreferenceJson {
    /// The kind.
    kind: NoticeKindJson,
    /// Whether mail is sent; what is obligatory always is.
    mail: bool,
}

/// Of which kinds mail is wanted.
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
#[utoipa::path(get, path = "/notices", tag = "notices", params(NoticesQuery),
    responses((status = 200, description = "The notices.", body = ListJson<NoticeJson>)))]
async fn list_notices(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<NoticesQuery>,
) -> Answer<Json<ListJson<NoticeJson>>> {
    let found = app.my_notices(&actor, &query.before, query.limit).await?;
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

/// Returns of which kinds the asker wants mail.
#[utoipa::path(get, path = "/notices/preferences", tag = "notices",
    responses((status = 200, description = "Every kind.", body = ListJson<NoticePreferenceJson>)))]
async fn list_notice_preferences(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<ListJson<NoticePreferenceJson>>> {
    let found = app.notice_preferences(&actor).await?.into_iter();
    Ok(ListJson::of(found.map(|preference| NoticePreferenceJson {
        kind: preference.kind.into(),
        mail: preference.mail,
    })))
}

/// Sets of which kinds the asker wants mail; kinds that are not named stay as they are.
#[utoipa::path(put, path = "/notices/preferences", tag = "notices",
    request_body = NoticePreferencesJson,
    responses((status = 204, description = "They are set.")))]
async fn set_notice_preferences(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(wanted): Body<NoticePreferencesJson>,
) -> Answer<StatusCode> {
    let preferences: Vec<_> = wanted
        .items
        .into_iter()
        .map(|NoticePreferenceJson { kind, mail }| NoticePreference { kind: kind.0, mail })
        .collect();
    app.set_notice_preferences(&actor, &preferences).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns what everybody was told, newest first, and how the mail of it fares.
#[utoipa::path(get, path = "/outbox", tag = "operation", params(NoticesQuery),
    responses((status = 200, description = "The notices.", body = ListJson<OutboxJson>)))]
async fn list_outbox(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<NoticesQuery>,
) -> Answer<Json<ListJson<OutboxJson>>> {
    let found = app.outbox(&actor, &query.before, query.limit).await?;
    Ok(ListJson::of(found))
}
