//! `/operator/storage`: collections, scrubs, why something is kept, what publishers take.

use askama::Template;

use crate::view::{FieldErrors, Layout, Onward, Pill, When};

/// The operator's page on the store.
#[derive(Debug, Template)]
#[template(path = "storage.html")]
pub struct StoragePage {
    /// What is around.
    pub layout: Layout,
    /// The newest collection.
    pub collection: Option<RunView>,
    /// The newest dry run, unless a collection is newer.
    pub dry_run: Option<RunView>,
    /// The newest scrub.
    pub scrub: Option<RunView>,
    /// Blobs whose bytes are missing or wrong.
    pub damaged: Vec<DamagedRow>,
    /// The digest that was asked about, as it was typed.
    pub asked: String,
    /// Why it is kept.
    pub why: Option<WhyView>,
    /// What publishers take.
    pub publishers: Vec<StorageRow>,
    /// The ways to the rest of them.
    pub publishers_onward: Onward,
    /// The rules for tags of publishers that have none of their own.
    pub retention: RetentionForm,
    /// What is wrong with what was typed.
    pub errors: FieldErrors,
}

/// A collection or scrub.
#[derive(Debug, Clone)]
pub struct RunView {
    /// Under way, done or failed.
    pub state: Pill,
    /// When it was asked for.
    pub started_at: When,
    /// What it is at, or why it failed.
    pub note: String,
    /// What it did and found: what, and how much.
    pub figures: Vec<(&'static str, String)>,
}

/// A blob whose bytes are missing or wrong.
#[derive(Debug, Clone)]
pub struct DamagedRow {
    /// Its digest.
    pub digest: String,
    /// What is wrong.
    pub problem: String,
    /// Since when that is known.
    pub found_at: When,
    /// Who has it.
    pub repositories: Vec<String>,
}

/// Why a digest is kept.
#[derive(Debug, Clone)]
pub struct WhyView {
    /// Whether its bytes are in the store, and how many.
    pub stored: String,
    /// Each place: repository, reason, and the way there.
    pub places: Vec<WhyRow>,
}

/// Why a digest is kept in one place.
#[derive(Debug, Clone)]
pub struct WhyRow {
    /// The repository.
    pub repository: String,
    /// `manifest` or `blob`.
    pub kind: String,
    /// What keeps it.
    pub because: String,
    /// What is between.
    pub way: Vec<String>,
}

/// What a publisher's staging repositories take.
#[derive(Debug, Clone)]
pub struct StorageRow {
    /// The publisher's name in addresses.
    pub slug: String,
    /// What they take and may take.
    pub meter: StorageMeter,
    /// The quota as it is typed; empty where the configured one counts.
    pub own_quota: String,
}

/// How full a publisher's staging repositories are.
#[derive(Debug, Clone)]
pub struct StorageMeter {
    /// Its name on the page.
    pub id: String,
    /// What they take, as people read it.
    pub used: String,
    /// What they may take, as people read it; none without a limit.
    pub quota: Option<String>,
    /// Hundredths, at most 100.
    pub percent: i64,
    /// Whether pushes carry a warning.
    pub is_tight: bool,
}

/// Rules for tags as they are typed.
#[derive(Debug, Clone, Default)]
pub struct RetentionForm {
    /// The newest so many are kept.
    pub keep_newest: String,
    /// What was used within so many days is kept.
    pub unused_days: String,
    /// Patterns, with spaces between.
    pub keep_tags: String,
}
