//! What becomes of a publisher's listings if nothing is done, as a list and as a calendar.

use std::sync::Arc;

use app::{App, Forecast};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
};
use chrono::{DateTime, Utc};
use market::{HOLD_DAYS, ListingState};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::calendar::{self, Event};

use super::{
    error::Answer,
    extract::{At, SignedIn},
    publishers::PublisherPath,
    words::{ListJson, ListingStateJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_forecast))
        .routes(routes!(get_calendar))
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
    /// When it is put on hold, or was.
    hold_at: Option<DateTime<Utc>>,
    /// When it is revoked.
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
            revoked_at: forecast.revoked_at,
        }
    }
}

/// Returns what becomes of a publisher's listings if nothing is done: of those on hold, and of
/// those with something to fix by some time.
#[utoipa::path(get, path = "/publishers/{publisher}/forecast", tag = "publishers", params(PublisherPath),
    responses((status = 200, description = "The listings.", body = ListJson<ForecastJson>)))]
async fn get_forecast(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<Json<ListJson<ForecastJson>>> {
    let found = app.forecast(&actor, at.publisher.as_str()).await?;
    Ok(ListJson::of(found))
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
    let (base, now) = (&app.config().public_url, app.now());
    let mut events = Vec::new();
    for forecast in &found {
        events.extend(events_of(forecast, publisher, base));
    }
    let kind = (header::CONTENT_TYPE, "text/calendar; charset=utf-8");
    let name = format!("{publisher}: promises to fix");
    Ok(([kind], calendar::write(&name, &events, now)))
}

/// Returns when promises of a listing end, and when it is revoked if it is on hold.
fn events_of(forecast: &Forecast, publisher: &str, base: &str) -> Vec<Event> {
    let product = &forecast.product;
    let name = format!("{publisher}/{}", product.slug);
    let is_held = product.state == ListingState::OnHold;
    let then = match is_held {
        true => "is on hold, and stays so until what is late is fixed",
        false => "is put on hold at this time unless a release that fixes them is on the market",
    };
    let promises = forecast.due.iter().map(|due| {
        let (id, at) = (&due.submission_id, due.due_at);
        let findings = if due.findings == 1 {
            "finding"
        } else {
            "findings"
        };
        Event {
            uid: format!("{id}-{}", at.timestamp()),
            at,
            summary: format!("{name}: {} {findings} to fix", due.findings),
            description: format!("{name} {then}; after {HOLD_DAYS} days on hold it is revoked."),
            url: format!("{base}/submissions/{id}"),
        }
    });
    let unless = match forecast.by_clock {
        true => "a release that keeps what was promised is on the market",
        false => "the market's operator lifts the hold",
    };
    let revoked = forecast.revoked_at.filter(|_| is_held).map(|at| Event {
        uid: format!("{}-revoked-{}", product.id, at.timestamp()),
        at,
        summary: format!("{name} is revoked"),
        description: format!("{name} is on hold and is revoked at this time unless {unless}."),
        url: format!("{base}/publisher/{name}"),
    });
    promises.chain(revoked).collect()
}
