//! `/review`: what waits for the certification team.

use std::sync::Arc;

use app::{App, QueueQuery};
use axum::extract::State;
use market::{Assigned, SubmissionState};

use super::{Parameters, asked_part, asking, count, onward, publisher::severity_counts, vex};
use crate::{
    answer::{Answer, page},
    pages::review::{QueueEntry, QueueFilters, ReviewPage},
    view::{Choice, Onward, submission_pill, time_span},
    viewer::Viewer,
};

/// Submissions on one page.
const PAGE: usize = 50;

/// The states that can be asked for; without one, what does not wait for its publisher.
const STATES: [SubmissionState; 4] = [
    SubmissionState::InReview,
    SubmissionState::ChangesRequested,
    SubmissionState::Inspecting,
    SubmissionState::Approved,
];

/// `GET /review?state=&publisher=&product=&certifiable=&assigned=&after=&statements=`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parameters: Parameters,
) -> Answer {
    let query = query(&parameters);
    let queue = app.review_queue(&viewer.actor, &query, PAGE).await?;
    let place = query.after.as_ref().map(ToString::to_string);
    let place = place.unwrap_or_default();
    let part = asked_part(&parameters, "statements");
    let mut statements = app.vex_queue(&viewer.actor, part).await?;
    let statements_onward = onward(
        &mut statements,
        part,
        |entry| entry.statement.id.as_str(),
        |name| address(&query, (&place, name), "#statements"),
    );
    let entries = queue.entries.into_iter();
    page(&ReviewPage {
        statements_onward,
        statements: statements
            .into_iter()
            .map(|waiting| vex::waiting(waiting, &viewer))
            .collect(),
        entries: entries.map(|waiting| entry(waiting, &viewer)).collect(),
        onward: Onward {
            first_url: query
                .after
                .is_some()
                .then(|| address(&query, ("", part.from), "")),
            next_url: queue
                .next
                .map(|next| address(&query, (&next.to_string(), part.from), "")),
        },
        filters: filters(&query, part.from),
        layout: viewer.layout,
    })
}

/// Returns what is asked for; what nobody can have meant is left out.
fn query(parameters: &Parameters) -> QueueQuery {
    let given = |name: &str| {
        let text = parameters.get(name).map(|text| text.trim());
        text.filter(|text| !text.is_empty())
    };
    QueueQuery {
        state: given("state").and_then(|state| state.parse().ok()),
        publisher: given("publisher").map(str::to_owned),
        product: given("product").map(str::to_owned),
        certifiable: given("certifiable").and_then(|word| word.parse().ok()),
        assigned: given("assigned")
            .and_then(|whose| whose.parse().ok())
            .unwrap_or(Assigned::Everybody),
        after: given("after").and_then(|place| place.parse().ok()),
    }
}

/// Returns the address of the page with these filters, and from these places on.
fn address(query: &QueueQuery, (after, statements): (&str, &str), section: &str) -> String {
    let certifiable = query.certifiable.map(|is| is.to_string());
    let assigned = Some(query.assigned).filter(|whose| *whose != Assigned::Everybody);
    let asked = [
        ("state", query.state.map_or("", SubmissionState::as_str)),
        ("publisher", query.publisher.as_deref().unwrap_or_default()),
        ("product", query.product.as_deref().unwrap_or_default()),
        ("certifiable", certifiable.as_deref().unwrap_or_default()),
        ("assigned", assigned.map_or("", Assigned::as_str)),
        ("after", after),
        ("statements", statements),
    ];
    asking("/review", &asked, section)
}

fn filters(query: &QueueQuery, statements: &str) -> QueueFilters {
    let state = query.state.map_or("", SubmissionState::as_str);
    let states = STATES.map(|of| Choice::new(of.as_str(), of.title(), state));
    let certifiable = query.certifiable.map(|is| is.to_string());
    let certifiable = certifiable.as_deref().unwrap_or_default();
    let assigned = query.assigned.as_str();
    QueueFilters {
        publisher: query.publisher.clone().unwrap_or_default(),
        product: query.product.clone().unwrap_or_default(),
        states: [Choice::new("", "Waiting for us", state)]
            .into_iter()
            .chain(states)
            .collect(),
        certifiable: vec![
            Choice::new("", "Certifiable or not", certifiable),
            Choice::new("true", "Certifiable", certifiable),
            Choice::new("false", "Not certifiable", certifiable),
        ],
        assigned: vec![
            Choice::new("everybody", "Everybody’s", assigned),
            Choice::new("mine", "Mine", assigned),
            Choice::new("nobody", "Nobody’s", assigned),
        ],
        is_filtered: query.is_filtered(),
        statements: statements.to_owned(),
    }
}

fn entry(waiting: app::QueueEntry, viewer: &Viewer) -> QueueEntry {
    let submission = waiting.submission;
    let me = viewer.actor.signed_in().map(|account| &account.name);
    QueueEntry {
        id: submission.id.to_string(),
        product: submission.manifest.name.clone(),
        publisher: waiting.publisher.legal_name,
        number: count(submission.number),
        state: submission_pill(submission.state),
        waiting_since: viewer.when(submission.waiting_since),
        waited_for_reviewers: time_span(waiting.waiting.reviewers),
        waited_for_publisher: time_span(waiting.waiting.publisher),
        findings: severity_counts(&waiting.counts),
        failed_checks: count(waiting.failed_checks),
        open_remarks: count(waiting.open_remarks),
        is_mine: waiting.reviewer.is_some() && waiting.reviewer.as_ref() == me,
        can_take: waiting.reviewer.is_none()
            && !waiting.own_work
            && submission.state.is_under_way(),
        reviewer: waiting.reviewer,
        is_own_work: waiting.own_work,
    }
}
