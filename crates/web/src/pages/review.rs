//! `/review`: what waits for the certification team, oldest first.

use askama::Template;

use super::vex::WaitingVex;
use crate::view::{Choice, Layout, Onward, Pill, SeverityCounts, When};

/// The review queue.
#[derive(Debug, Template)]
#[template(path = "review.html")]
pub struct ReviewPage {
    /// What is around.
    pub layout: Layout,
    /// What waits, oldest first.
    pub entries: Vec<QueueEntry>,
    /// What is asked for.
    pub filters: QueueFilters,
    /// The ways to the rest of them.
    pub onward: Onward,
    /// The statements that wait longest.
    pub statements: Vec<WaitingVex>,
    /// The ways to the rest of them.
    pub statements_onward: Onward,
}

impl ReviewPage {
    /// Returns the viewer's name, into whose hands submissions are taken.
    fn me(&self) -> &str {
        let viewer = self.layout.viewer.as_ref();
        viewer.map_or("", |viewer| viewer.name.as_str())
    }
}

/// What can be asked for, and what is.
#[derive(Debug, Clone)]
pub struct QueueFilters {
    /// The publisher's short name.
    pub publisher: String,
    /// The product's short name.
    pub product: String,
    /// The states.
    pub states: Vec<Choice>,
    /// Whether a release would be certified.
    pub certifiable: Vec<Choice>,
    /// Taken by whom.
    pub assigned: Vec<Choice>,
    /// Whether less than the whole queue is asked for.
    pub is_filtered: bool,
    /// Where the list of statements goes on from; stays while the queue is filtered.
    pub statements: String,
}

/// A submission that waits.
#[derive(Debug, Clone)]
pub struct QueueEntry {
    /// Its identifier.
    pub id: String,
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
    /// How long its review waited for the certification team.
    pub waited_for_reviewers: String,
    /// How long it waited for the publisher.
    pub waited_for_publisher: String,
    /// What was found.
    pub findings: SeverityCounts,
    /// How many certification checks failed.
    pub failed_checks: u64,
    /// Remarks that are not resolved.
    pub open_remarks: u64,
    /// Who took it.
    pub reviewer: Option<String>,
    /// Whether that is the viewer.
    pub is_mine: bool,
    /// Whether the viewer can take it.
    pub can_take: bool,
    /// Whether the viewer belongs to the publisher and so may not decide.
    pub is_own_work: bool,
}
