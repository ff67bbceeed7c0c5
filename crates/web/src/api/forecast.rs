//! What becomes of a publisher's listings if nothing is done, as a list and as a calendar.

use std::sync::Arc;

use app::{App, Forecast};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{calendar, view::promises_calendar};

use super::{
    error::Answer,
    extract::{Asked, At, LaterQuery, SignedIn},
    publishers::PublisherPath,
    words::{ListJson, ListingStateJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_forecast))
        .routes(routes!(
            get_calendar,
            make_calendar_address,
            end_calendar_address
        ))
}

/// What becomes of a listing if nothing is done.
#[derive(Serialize, ToSchema)]
struct ForecastJson {
    /// The product.
    product: SlugJson,
    /// The listing's state now.
    state: ListingStateJson,
    /// What is due in its releases that stand, the earliest first.
    due: Vec<DueJson>,
    /// When it is put on hold, or was; not before that, where an operator confirms it.
    hold_at: Option<DateTime<Utc>>,
    /// Whether it goes on hold only if an operator confirms it.
    needs_operator: bool,
    /// Until when the operator waits with what is broken.
    grace_until: Option<DateTime<Utc>>,
    /// When it is revoked; thirty days after the hold, where that is not sure.
    revoked_at: Option<DateTime<Utc>>,
}

/// What must be fixed by some time.
#[derive(Serialize, ToSchema)]
struct DueJson {
    /// The submission whose page has the findings.
    submission: String,
    /// How many findings.
    findings: i64,
    /// When.
    due_at: DateTime<Utc>,
}

impl From<Forecast> for ForecastJson {
    fn from(forecast: Forecast) -> Self {
        let due = forecast.due.into_iter().map(|due| DueJson {
            submission: due.submission_id.to_string(),
            findings: due.findings,
            due_at: due.due_at,
        });
        Self {
            product: forecast.product.slug.into(),
            state: forecast.product.state.into(),
            due: due.collect(),
            hold_at: forecast.hold_at,
            needs_operator: forecast.needs_operator,
            grace_until: forecast.grace_until,
            revoked_at: forecast.revoked_at,
        }
    }
}

/// Returns what becomes of a publisher's listings if nothing is done: of those on hold, and of
/// those with something to fix by some time; by short name.
#[utoipa::path(get, path = "/publishers/{publisher}/forecast", tag = "publishers", params(PublisherPath, LaterQuery),
    responses((status = 200, description = "The listings.", body = ListJson<ForecastJson>)))]
async fn get_forecast(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Asked(query): Asked<LaterQuery>,
) -> Answer<Json<ListJson<ForecastJson>>> {
    let found = app.forecast(&actor, at.publisher.as_str()).await?;
    let is_behind = |one: &Forecast, from: &str| one.product.slug.as_str() > from;
    Ok(ListJson::of(query.part().of(found, is_behind)))
}

/// Returns the same as a calendar to subscribe to (iCalendar, RFC 5545), with a reminder a day
/// before each promise ends.
#[utoipa::path(get, path = "/publishers/{publisher}/calendar", tag = "publishers", params(PublisherPath),
    responses((status = 200, description = "The calendar.", body = String, content_type = "text/calendar")))]
async fn get_calendar(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<([(HeaderName, &'static str); 1], String)> {
    let publisher = at.publisher.as_str();
    let found = app.forecast(&actor, publisher).await?;
    let kind = (header::CONTENT_TYPE, calendar::TYPE);
    Ok(([kind], promises_calendar(&app, publisher, &found)))
}

/// The address of a calendar.
#[derive(Serialize, ToSchema)]
struct CalendarAddressJson {
    /// The address: a secret, shown once.
    url: String,
}

/// Makes an address at which a calendar program that can neither sign in nor send a token reads
/// the asker's calendar; the address before ends. Not with a token, which it would outlive.
#[utoipa::path(post, path = "/publishers/{publisher}/calendar", tag = "publishers", params(PublisherPath),
    responses((status = 201, description = "The address.", body = CalendarAddressJson)))]
async fn make_calendar_address(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<(StatusCode, Json<CalendarAddressJson>)> {
    let publisher = at.publisher.as_str();
    let key = app.make_calendar_address(&actor, publisher).await?;
    let url = calendar::address(&app.config().public_url, &key);
    Ok((StatusCode::CREATED, Json(CalendarAddressJson { url })))
}

/// Ends the address of the asker's calendar.
#[utoipa::path(delete, path = "/publishers/{publisher}/calendar", tag = "publishers", params(PublisherPath),
    responses((status = 204, description = "It has ended.")))]
async fn end_calendar_address(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<StatusCode> {
    app.end_calendar_address(&actor, at.publisher.as_str())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
