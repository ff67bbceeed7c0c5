//! Letters to addresses that need no account, as the operator sees them.

use std::sync::Arc;

use app::{App, LetterView};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, OlderQuery, SignedIn},
    words::{LetterIdJson, ListJson, MailStateJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_letters))
}

/// A letter to an address, with how its mail fares. Where it leads is not shown.
#[derive(Serialize, ToSchema)]
struct LetterJson {
    /// Its identifier.
    id: LetterIdJson,
    /// Where it goes.
    address: String,
    /// One line.
    subject: String,
    /// Plain text.
    body: String,
    /// When it was written.
    created_at: DateTime<Utc>,
    /// From when on it is of no use.
    good_until: DateTime<Utc>,
    /// How the mail fares.
    mail: MailStateJson,
    /// When it is tried next, or came to its end.
    mail_at: DateTime<Utc>,
    /// How often it was tried.
    attempts: i64,
    /// Why the last attempt failed.
    error: Option<String>,
}

impl From<LetterView> for LetterJson {
    fn from(view: LetterView) -> Self {
        let letter = view.letter;
        Self {
            id: letter.id.into(),
            address: letter.address,
            subject: letter.subject,
            body: letter.body,
            created_at: letter.created_at,
            good_until: letter.good_until,
            mail: letter.mail.into(),
            mail_at: letter.mail_at,
            attempts: letter.attempts,
            error: letter.error,
        }
    }
}

/// Returns letters to addresses that need no account, newest first.
#[utoipa::path(get, path = "/letters", tag = "operation", params(OlderQuery),
    responses((status = 200, description = "The letters.", body = ListJson<LetterJson>)))]
async fn list_letters(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<OlderQuery>,
) -> Answer<Json<ListJson<LetterJson>>> {
    let found = app.list_letters(&actor, query.part()).await?;
    Ok(ListJson::of(found))
}
