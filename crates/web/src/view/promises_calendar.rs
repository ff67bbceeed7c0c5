//! What becomes of a publisher's listings, as a calendar.

use app::{App, Forecast};
use market::{HOLD_DAYS, ListingState};

use crate::calendar::{self, Event};

/// Writes the calendar of a publisher.
pub(crate) fn promises_calendar(app: &App, publisher: &str, forecasts: &[Forecast]) -> String {
    let base = &app.config().public_url;
    let events: Vec<_> = forecasts
        .iter()
        .flat_map(|forecast| events_of(forecast, publisher, base))
        .collect();
    let name = format!("{publisher}: promises to fix");
    calendar::write(&name, &events, app.now())
}

/// Returns when promises of a listing end, and when it is revoked if it is on hold.
fn events_of(forecast: &Forecast, publisher: &str, base: &str) -> Vec<Event> {
    let product = &forecast.product;
    let name = format!("{publisher}/{}", product.slug);
    let is_held = product.state == ListingState::OnHold;
    let then = match is_held {
        true => "is on hold, and stays so until what is late is fixed",
        false if forecast.needs_operator => {
            "may be put on hold from this time on, as the operator decides, unless a release that fixes them is on the market"
        }
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
    let grace = forecast.grace_until.filter(|_| !is_held).map(|at| Event {
        uid: format!("{}-grace-{}", product.id, at.timestamp()),
        at,
        summary: format!("{name}: the operator's grace ends"),
        description: format!(
            "{name} is put on hold at this time if what was broken when the grace was given still is."
        ),
        url: format!("{base}/publisher/{name}"),
    });
    promises.chain(grace).chain(revoked).collect()
}
