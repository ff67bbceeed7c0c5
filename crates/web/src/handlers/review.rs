//! `/review`: what waits for the certification team.

use std::sync::Arc;

use app::App;
use axum::extract::State;

use super::{Parameters, count, publisher::severity_counts};
use crate::{
    answer::{Answer, page},
    pages::review::{QueueEntry, ReviewPage},
    view::{Paging, submission_pill},
    viewer::Viewer,
};

/// Submissions on one page.
const PAGE: usize = 50;

/// `GET /review?page=`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parameters: Parameters,
) -> Answer {
    let queue = app.review_queue(&viewer.actor).await?;
    let (start, paging) = part(queue.len(), PAGE, &parameters, |page| {
        format!("/review?page={page}")
    });
    let entries = queue.into_iter().skip(start).take(PAGE);
    page(&ReviewPage {
        entries: entries.map(|waiting| entry(waiting, &viewer)).collect(),
        paging,
        layout: viewer.layout,
    })
}

/// Returns where the asked part of a list of `total` begins, and the ways to the rest.
pub(super) fn part(
    total: usize,
    size: usize,
    parameters: &Parameters,
    url: impl Fn(usize) -> String,
) -> (usize, Paging) {
    let pages = total.div_ceil(size).max(1);
    let asked = parameters
        .get("page")
        .and_then(|page| page.parse::<usize>().ok());
    let page = asked.unwrap_or(1).clamp(1, pages);
    let start = (page - 1) * size;
    let paging = Paging {
        first: if total == 0 { 0 } else { count(start) + 1 },
        last: count(total.min(start + size)),
        total: count(total),
        previous_url: (page > 1).then(|| url(page - 1)),
        next_url: (page < pages).then(|| url(page + 1)),
    };
    (start, paging)
}

fn entry(waiting: app::QueueEntry, viewer: &Viewer) -> QueueEntry {
    let submission = waiting.submission;
    QueueEntry {
        url: format!("/submissions/{}", submission.id),
        product: submission.manifest.name.clone(),
        publisher: waiting.publisher.legal_name,
        number: count(submission.number),
        state: submission_pill(submission.state),
        waiting_since: viewer.when(submission.waiting_since),
        findings: severity_counts(&waiting.counts),
        failed_checks: count(waiting.failed_checks),
        open_remarks: count(waiting.open_remarks),
        is_own_work: waiting.own_work,
    }
}
