//! `/review`: what waits for the certification team.

use std::sync::Arc;

use app::App;
use axum::extract::State;

use super::{Parameters, count, part, publisher::severity_counts, vex};
use crate::{
    answer::{Answer, page},
    pages::review::{QueueEntry, ReviewPage},
    view::submission_pill,
    viewer::Viewer,
};

/// Submissions, and statements, on one page.
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
    let statements = app.vex_queue(&viewer.actor).await?;
    page(&ReviewPage {
        statement_count: count(statements.len()),
        statements: statements
            .into_iter()
            .take(PAGE)
            .map(|waiting| vex::waiting(waiting, &viewer))
            .collect(),
        entries: entries.map(|waiting| entry(waiting, &viewer)).collect(),
        paging,
        layout: viewer.layout,
    })
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
