//! `/publisher/{slug}`: an organisation's products, keys and staging.

use askama::Template;

use super::{
    publisher_portal::ApplicationForm,
    robot::RobotRow,
    storage::{RetentionForm, StorageMeter},
};
use crate::view::{FieldErrors, Layout, Pill, SeverityCounts, When};

/// An organisation's own page.
#[derive(Debug, Template)]
#[template(path = "publisher.html")]
pub struct PublisherPage {
    /// What is around.
    pub layout: Layout,
    /// The profile; its slug is the name in addresses.
    pub profile: ApplicationForm,
    /// Its standing.
    pub state: Pill,
    /// The operator's reason for the standing, if one was given.
    pub state_reason: Option<String>,
    /// Address of its logo.
    pub logo_url: Option<String>,
    /// Whether the viewer may create products.
    pub can_edit: bool,
    /// Whether the viewer may add and revoke keys.
    pub can_manage_keys: bool,
    /// Host and port of the registry, for the push commands.
    pub registry: String,
    /// Its products.
    pub products: Vec<ProductRow>,
    /// What its staging repositories take.
    pub storage: StorageMeter,
    /// By which rules their tags are dropped.
    pub retention: RetentionForm,
    /// Whether those are its own rules.
    pub has_own_rules: bool,
    /// Whether the viewer may set them.
    pub can_set_rules: bool,
    /// The tags that these rules would drop, where that was asked for.
    pub dropped: Option<Vec<DroppedTagRow>>,
    /// Its signing keys.
    pub keys: Vec<KeyRow>,
    /// The new key's name as it was typed.
    pub new_key_name: String,
    /// The new key's PEM as it was typed.
    pub new_key_pem: String,
    /// What is wrong with what was typed.
    pub errors: FieldErrors,
    /// Its robots.
    pub robots: Vec<RobotRow>,
}

/// A product of the organisation.
#[derive(Debug, Clone)]
pub struct ProductRow {
    /// Its name.
    pub name: String,
    /// Address of its edit page.
    pub url: String,
    /// The listing's state.
    pub listing: Pill,
    /// The newest submission, if there is one.
    pub submission: Option<SubmissionLink>,
    /// Findings in what is released or, before that, in the newest submission.
    pub findings: SeverityCounts,
    /// The next promise that ends, if a clock runs.
    pub next_due: Option<When>,
}

/// A submission in a list.
#[derive(Debug, Clone)]
pub struct SubmissionLink {
    /// Its number within the product.
    pub number: u64,
    /// Address of its page.
    pub url: String,
    /// Its state.
    pub state: Pill,
    /// When it was submitted.
    pub submitted_at: When,
}

/// A tag that rules would drop.
#[derive(Debug, Clone)]
pub struct DroppedTagRow {
    /// The repository.
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// When it was set.
    pub set_at: When,
}

/// A signing key.
#[derive(Debug, Clone)]
pub struct KeyRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// When it was registered.
    pub added_at: When,
    /// When it was revoked.
    pub revoked_at: Option<When>,
}
