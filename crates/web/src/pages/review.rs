//! `/review`: what waits for the certification team, oldest first.

use askama::Template;

use super::vex::WaitingVex;
use crate::view::{Layout, Paging, Pill, SeverityCounts, When};

/// The review queue.
#[derive(Debug, Template)]
#[template(path = "review.html")]
pub struct ReviewPage {
    /// What is around.
    pub layout: Layout,
    /// What waits, oldest first.
    pub entries: Vec<QueueEntry>,
    /// Where in the list one is.
    pub paging: Paging,
    /// The statements that wait longest.
    pub statements: Vec<WaitingVex>,
    /// How many wait.
    pub statement_count: u64,
}

/// A submission that waits.
#[derive(Debug, Clone)]
pub struct QueueEntry {
    /// Address of its page.
    pub url: String,
    /// The product's name.
    pub product: String,
    /// The publisher's name.
    pub publisher: String,
    /// Its number within the product.
    pub number: u64,
    /// Its state.
    pub state: Pill,
    /// Since when it waits.
    pub waiting_since: When,
    /// What was found.
    pub findings: SeverityCounts,
    /// How many certification checks failed.
    pub failed_checks: u64,
    /// Remarks that are not resolved.
    pub open_remarks: u64,
    /// Whether the viewer belongs to the publisher and so may not decide.
    pub is_own_work: bool,
}
