//! `/operator`: publishers, listings, advisory database, jobs, audit.

use askama::Template;
use market::PublisherState;

use super::audit::AuditRow;
use crate::view::{Layout, Onward, Paging, Pill, When, grouped};

/// The operator's console.
#[derive(Debug, Template)]
#[template(path = "operator.html")]
pub struct OperatorPage {
    /// What is around.
    pub layout: Layout,
    /// How many publishers wait for a decision.
    pub waiting: u64,
    /// Which publishers there are to see: label, address, and whether they are shown.
    pub which: Vec<(&'static str, String, bool)>,
    /// A part of the publishers in one state, those that applied longest ago first.
    pub publishers: Vec<PublisherRow>,
    /// The ways to the rest of them.
    pub onward: Onward,
    /// Their state, which the search of listings leaves as it is.
    pub publishers_in: PublisherState,
    /// The publisher that the part of them is behind; empty: the beginning.
    pub publishers_after: String,
    /// Listings that operators were asked about, those that wait first.
    pub holds: Vec<HoldRow>,
    /// A page of the listings.
    pub listings: Vec<ListingRow>,
    /// Where in their list one is.
    pub paging: Paging,
    /// The words that listings are looked for by.
    pub words: String,
    /// Whether only listings on hold are shown.
    pub is_on_hold_only: bool,
    /// The advisory database; nothing if there is none yet.
    pub advisories: Option<AdvisoryStatus>,
    /// The job queue.
    pub jobs: JobsSummary,
    /// The last audit records, newest first.
    pub audit: Vec<AuditRow>,
    /// Short names of the publishers that the viewer belongs to.
    pub own: Vec<String>,
}

impl OperatorPage {
    /// Returns whether the viewer belongs to a publisher, or to that of a listing, and so
    /// decides nothing of it.
    fn is_own(&self, path: &str) -> bool {
        let publisher = path.split('/').next();
        self.own.iter().any(|own| Some(own.as_str()) == publisher)
    }
}

/// A publisher.
#[derive(Debug, Clone)]
pub struct PublisherRow {
    /// Its name in addresses.
    pub slug: String,
    /// Its legal name.
    pub name: String,
    /// Its site.
    pub website: String,
    /// Its phone number.
    pub phone: String,
    /// Its e-mail address.
    pub email: String,
    /// Its standing.
    pub state: Pill,
    /// Since when.
    pub since: When,
    /// What it has proven, where a decision may hang on it.
    pub proofs: Vec<ProofLine>,
    /// The decisions that are possible: value and label.
    pub decisions: Vec<(String, String)>,
}

/// Something that a publisher has proven or not.
#[derive(Debug, Clone)]
pub struct ProofLine {
    /// Whether it speaks for the publisher.
    pub is_good: bool,
    /// What.
    pub text: String,
}

/// A listing.
#[derive(Debug, Clone)]
pub struct ListingRow {
    /// The product's name.
    pub name: String,
    /// The publisher's name.
    pub publisher: String,
    /// `publisher/product`, as addresses have it.
    pub path: String,
    /// Its state.
    pub state: Pill,
    /// Since when.
    pub since: When,
    /// When it is revoked, if it is on hold.
    pub revoked_at: Option<When>,
    /// Promises to fix that are broken.
    pub breached: u64,
    /// Whether consumers cannot pull it while it is on hold.
    pub is_closed: bool,
    /// The actions that are possible, as forms send them, and label.
    pub actions: Vec<(String, String)>,
}

/// A listing with broken promises: an operator confirms its hold, or gives a grace.
#[derive(Debug, Clone)]
pub struct HoldRow {
    /// The product's name.
    pub name: String,
    /// The publisher's name.
    pub publisher: String,
    /// `publisher/product`, as addresses have it.
    pub path: String,
    /// Findings that are not fixed in time.
    pub findings: u64,
    /// Since when the first of them is late.
    pub since: When,
    /// Whether an operator is waited for.
    pub waits: bool,
    /// Until when what was broken has a grace, and why.
    pub grace: Option<(When, String)>,
}

/// The advisory database.
#[derive(Debug, Clone)]
pub struct AdvisoryStatus {
    /// When it was compiled.
    pub built_at: When,
    /// What is wrong with its age, if something is.
    pub trouble: Option<String>,
    /// How many advisories it has.
    pub advisories: u64,
    /// Where they come from.
    pub feeds: Vec<FeedRow>,
}

impl AdvisoryStatus {
    /// Returns how many advisories it has, as people read it.
    pub fn total(&self) -> String {
        grouped(self.advisories)
    }
}

/// A feed of advisories.
#[derive(Debug, Clone)]
pub struct FeedRow {
    /// Its name.
    pub name: String,
    /// How many advisories it brought.
    pub advisories: u64,
    /// How many of its records could not be understood.
    pub malformed: u64,
    /// The date of the newest of it, where it says so.
    pub dated: Option<When>,
    /// When it was had last.
    pub had: Had,
    /// Why it could not be had since.
    pub error: Option<String>,
    /// Who is to be named where its content is shown.
    pub attribution: Option<String>,
}

/// When a feed was had last.
#[derive(Debug, Clone)]
pub enum Had {
    /// It was compiled from a file that lay here.
    FromFile,
    /// It was asked for, and never came.
    Never,
    /// It was downloaded then.
    At(When),
}

impl FeedRow {
    /// Returns how many advisories it brought, as people read it.
    pub fn total(&self) -> String {
        grouped(self.advisories)
    }
}

/// The job queue.
#[derive(Debug, Clone, Default)]
pub struct JobsSummary {
    /// Ready or planned.
    pub waiting: u64,
    /// Being done.
    pub running: u64,
    /// Given up.
    pub failed: u64,
    /// The newest of those given up.
    pub failures: Vec<JobFailure>,
}

/// A job that was given up.
#[derive(Debug, Clone)]
pub struct JobFailure {
    /// What it was.
    pub kind: String,
    /// Why.
    pub error: String,
}
