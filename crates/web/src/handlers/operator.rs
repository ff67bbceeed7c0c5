//! `/operator`: publishers, listings, advisories, jobs, audit.

use std::{collections::HashMap, sync::Arc};

use app::{
    App, AppError, AuditQuery, JobSummary, ListingsPage, Part, Product, Proofs, Publisher, Search,
};
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
};
use chrono::DateTime;
use market::{ListingEvent, ListingState, PublisherDecision, PublisherState};

use super::{
    Parameters, asked_part, audit::row, count, holds::hold_row, onward, paging_of,
    proofs::proof_lines, publisher::product_name,
};
use crate::{
    answer::{Answer, Refusal, page_with},
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::operator::{
        AdvisoryStatus, FeedRow, Had, JobFailure, JobsSummary, ListingRow, OperatorPage,
        PublisherRow,
    },
    view::{listing_pill, publisher_pill, urlencoded},
    viewer::Viewer,
};

/// The publishers that there are to see, and what they are called.
const STATES: [(PublisherState, &str); 4] = [
    (PublisherState::Applied, "Waiting"),
    (PublisherState::Verified, "Verified"),
    (PublisherState::Suspended, "Suspended"),
    (PublisherState::Rejected, "Rejected"),
];
/// Audit records on the page.
const AUDIT: i64 = 10;

/// `GET /operator`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parameters: Parameters,
) -> Answer {
    page_with(StatusCode::OK, &view(&app, viewer, &parameters).await?)
}

/// `POST /operator/publishers/{slug}/decision`
pub(crate) async fn decide_publisher(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    form: Form,
) -> Answer {
    let decided = match form.text("decision").parse() {
        Ok(to) => app
            .decide_publisher(&form.viewer.actor, &slug, to, form.text("reason"))
            .await
            .map(drop),
        Err(_) => Err(AppError::invalid(
            "decision",
            "choose verify, reject or suspend",
        )),
    };
    answer(&app, form, decided, Notice::PublisherDecided).await
}

/// `POST /operator/listings/{publisher}/{product}`
pub(crate) async fn manage_listing(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let set_pulls = |is_closed| {
        let names = (&*publisher, &*product);
        app.set_pulls_closed(&form.viewer.actor, names, is_closed, form.text("reason"))
    };
    let event = match form.text("action") {
        "close-pulls" | "open-pulls" => {
            let changed = set_pulls(form.text("action") == "close-pulls").await;
            return answer(&app, form, changed, Notice::ListingChanged).await;
        }
        "hold" => Ok(ListingEvent::Hold),
        "reinstate" => Ok(ListingEvent::Reinstate),
        "revoke" => Ok(ListingEvent::Revoke),
        _ => Err(AppError::invalid(
            "action",
            "choose hold, reinstate, revoke, close-pulls or open-pulls",
        )),
    };
    let changed = match event {
        Ok(event) => {
            app.manage_listing(
                &form.viewer.actor,
                &publisher,
                &product,
                event,
                form.text("reason"),
            )
            .await
        }
        Err(error) => Err(error),
    };
    answer(&app, form, changed, Notice::ListingChanged).await
}

/// Answers a form of the page, with the publishers that were to be seen beside it.
pub(super) async fn answer(
    app: &App,
    mut form: Form,
    outcome: Result<(), AppError>,
    notice: Notice,
) -> Answer {
    let kept = ["publishers", "after"].map(|key| (key.to_owned(), form.text(key).to_owned()));
    let Err(error) = outcome else {
        return form.viewer.done("/operator", notice);
    };
    let refusal = Refusal::of(error)?;
    form.viewer.layout.flash = Some(refusal.flash());
    let parameters = Query(HashMap::from(kept));
    page_with(refusal.status, &view(app, form.viewer, &parameters).await?)
}

async fn view(app: &App, viewer: Viewer, parameters: &Parameters) -> Result<OperatorPage, Failure> {
    let actor = &viewer.actor;
    let waiting = app.publishers_waiting(actor).await?;
    let state = asked_state(parameters, waiting > 0);
    let search = asked_listings(parameters);
    let page = parameters
        .get("listings")
        .and_then(|page| page.parse().ok());
    let page = page.unwrap_or(1);
    let part = asked_part(parameters, "after");
    let mut publishers = app.list_publishers(actor, Some(state), part).await?;
    let onward = onward(
        &mut publishers,
        part,
        |one| one.slug.as_str(),
        |after| operator_url(&search, (state, after), page, "publishers"),
    );
    let audit = app
        .audit_log(actor, &AuditQuery::default(), Part::first(AUDIT))
        .await?;
    let mut publisher_rows = Vec::new();
    for publisher in publishers {
        let proofs = match publisher.state {
            PublisherState::Verified => None,
            _ => Some(app.publisher_proofs(actor, publisher.slug.as_str()).await?),
        };
        publisher_rows.push(publisher_row(publisher, proofs.as_ref(), &viewer));
    }
    let holds = app.holds_to_confirm(actor).await?;
    let own = app.my_publishers(actor).await?;
    let found = app.list_listings(actor, &search, page).await?;
    Ok(OperatorPage {
        waiting: count(waiting),
        which: STATES
            .map(|(of, label)| {
                let url = operator_url(&search, (of, ""), page, "publishers");
                (label, url, of == state)
            })
            .to_vec(),
        onward,
        publishers_in: state,
        publishers_after: part.from.to_owned(),
        paging: paging_of(
            (found.page, ListingsPage::SIZE),
            (found.total, found.more),
            |page| operator_url(&search, (state, part.from), page, "listings"),
        ),
        listings: listings(app, found.listings, &viewer).await?,
        own: own.iter().map(|one| one.slug.to_string()).collect(),
        holds: holds.iter().map(|hold| hold_row(hold, &viewer)).collect(),
        is_on_hold_only: search.on_hold,
        words: search.text,
        advisories: advisories(app, &viewer),
        jobs: jobs(app.job_summary(actor).await?),
        publishers: publisher_rows,
        audit: audit
            .into_iter()
            .map(|record| row(record, &viewer))
            .collect(),
        layout: viewer.layout,
    })
}

fn publisher_row(publisher: Publisher, proofs: Option<&Proofs>, viewer: &Viewer) -> PublisherRow {
    let label = |decision| match decision {
        PublisherDecision::Verify => "Verify",
        PublisherDecision::VerifyWithoutProofs => "Verify without proofs",
        PublisherDecision::Reject => "Reject",
        PublisherDecision::Suspend => "Suspend",
    };
    let is_proven = proofs.is_none_or(|proofs| proofs.missing().is_empty());
    let useless = match is_proven {
        true => PublisherDecision::VerifyWithoutProofs,
        false => PublisherDecision::Verify,
    };
    let possible = PublisherDecision::ALL
        .iter()
        .filter(|decision| **decision != useless && publisher.state.decide(**decision).is_ok());
    PublisherRow {
        proofs: proofs.map(proof_lines).unwrap_or_default(),
        decisions: possible
            .map(|to| (to.to_string(), label(*to).to_owned()))
            .collect(),
        slug: publisher.slug.to_string(),
        name: publisher.legal_name,
        website: publisher.website,
        phone: publisher.phone,
        email: publisher.email,
        state: publisher_pill(publisher.state),
        since: viewer.when(publisher.decided_at.unwrap_or(publisher.created_at)),
    }
}

/// Returns which listings the operator looks for.
fn asked_listings(parameters: &Parameters) -> Search {
    let text = |name: &str| parameters.get(name).cloned().unwrap_or_default();
    Search {
        text: text("q"),
        on_hold: text("on_hold") == "true",
        ..Search::default()
    }
}

/// Returns which publishers are to be seen: those that wait, if nobody says which and there are
/// any.
fn asked_state(parameters: &Parameters, any_waits: bool) -> PublisherState {
    let asked = parameters.get("publishers");
    asked
        .and_then(|state| state.parse().ok())
        .unwrap_or(match any_waits {
            true => PublisherState::Applied,
            false => PublisherState::Verified,
        })
}

/// Returns the address of the page with a part of each of its two lists, of which neither
/// forgets where the other is.
fn operator_url(
    search: &Search,
    (state, after): (PublisherState, &str),
    listings: i64,
    list: &str,
) -> String {
    let words = urlencoded(&search.text);
    let on_hold = if search.on_hold { "&on_hold=true" } else { "" };
    format!(
        "/operator?q={words}{on_hold}&publishers={state}&after={after}&listings={listings}#{list}"
    )
}

async fn listings(
    app: &App,
    found: Vec<(String, Product)>,
    viewer: &Viewer,
) -> Result<Vec<ListingRow>, Failure> {
    let ids: Vec<_> = found
        .iter()
        .map(|(_, product)| product.id.as_str())
        .collect();
    let broken = app.broken_promises(&viewer.actor, &ids).await?;
    let row = |(publisher, product): &(String, Product)| {
        let broken = broken.get(product.id.as_str()).copied();
        listing_row(publisher.clone(), product, broken.unwrap_or(0), viewer)
    };
    Ok(found.iter().map(row).collect())
}

fn listing_row(publisher: String, product: &Product, broken: i64, viewer: &Viewer) -> ListingRow {
    let held_at = product
        .held_at
        .filter(|_| product.state == ListingState::OnHold);
    let actions = [
        (ListingEvent::Hold, "hold", "Put on hold"),
        (ListingEvent::Reinstate, "reinstate", "Reinstate"),
        (ListingEvent::Revoke, "revoke", "Revoke"),
    ];
    let possible = actions
        .into_iter()
        .filter(|(event, ..)| product.state.after(*event).is_ok());
    let pulls = held_at.map(|_| match product.pulls_closed_at {
        None => ("close-pulls", "Close pulls"),
        Some(_) => ("open-pulls", "Open pulls"),
    });
    let possible = possible.map(|(_, value, label)| (value, label));
    ListingRow {
        actions: possible
            .chain(pulls)
            .map(|(value, label)| (value.to_owned(), label.to_owned()))
            .collect(),
        is_closed: product.pulls_closed_at.is_some(),
        name: product_name(product),
        path: format!("{publisher}/{}", product.slug),
        publisher,
        state: listing_pill(product.state),
        since: viewer.when(held_at.unwrap_or(product.updated_at)),
        revoked_at: held_at.map(|at| viewer.when(ListingState::revoked_at(at))),
        breached: count(broken),
    }
}

fn advisories(app: &App, viewer: &Viewer) -> Option<AdvisoryStatus> {
    let status = app.advisory_status();
    let built_at = status.compiled_at()?;
    let trouble = status.trouble(viewer.now);
    let time = |text: &str| {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|at| at.to_utc())
    };
    let feeds = status.feeds.into_iter().map(|feed| {
        let (source, health) = (feed.source, feed.health);
        let had = health
            .as_ref()
            .map(|it| it.last_success.as_deref().and_then(time));
        let newest = source.newest.as_deref().and_then(time);
        FeedRow {
            dated: newest.map(|at| viewer.when(at)),
            had: match had {
                None => Had::FromFile,
                Some(None) => Had::Never,
                Some(Some(at)) => Had::At(viewer.when(at)),
            },
            error: health.and_then(|health| health.error),
            name: source.name,
            advisories: source.records,
            malformed: source.malformed,
            attribution: source.attribution,
        }
    });
    Some(AdvisoryStatus {
        built_at: viewer.when(built_at),
        trouble,
        advisories: status.meta.records,
        feeds: feeds.collect(),
    })
}

fn jobs(summary: JobSummary) -> JobsSummary {
    let of = |state: &str| {
        let found = summary.counts.iter().find(|(name, _)| name == state);
        found.map_or(0, |(_, jobs)| count(*jobs))
    };
    JobsSummary {
        waiting: of("queued"),
        running: of("running"),
        failed: of("failed"),
        failures: summary
            .failed
            .into_iter()
            .map(|(kind, error)| JobFailure { kind, error })
            .collect(),
    }
}
