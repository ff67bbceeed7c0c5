//! `/publisher/{slug}`: an organisation's products, keys and staging.

use askama::Template;

use super::{
    partnership::PartnershipPanel,
    proofs::ProofsView,
    publisher_portal::ApplicationForm,
    robot::RobotRow,
    storage::{RetentionForm, StorageMeter},
    team::TeamView,
    terms::TermsView,
};
use crate::view::{Commands, FieldErrors, Layout, Paging, Pill, SeverityCounts, When};

/// An organisation's own page.
#[derive(Debug, Template)]
#[template(path = "publisher.html")]
pub struct PublisherPage {
    /// What is around.
    pub layout: Layout,
    /// The profile; its slug is the name in addresses.
    pub profile: ApplicationForm,
    /// What it proves.
    pub proofs: ProofsView,
    /// Who belongs to it.
    pub team: TeamView,
    /// What it owes, where that is the viewer's to know.
    pub terms: Option<TermsView>,
    /// How it stands towards partnership.
    pub partnership: PartnershipPanel,
    /// The profile as it was typed, to be mended.
    pub typed: ApplicationForm,
    /// What is wrong with that.
    pub profile_errors: FieldErrors,
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
    /// A page of its products.
    pub products: Vec<ProductRow>,
    /// Where in the list of what comes if nothing is done one is.
    pub forecast_paging: Paging,
    /// Where in the list of products one is.
    pub paging: Paging,
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
    /// What becomes of its listings if nothing is done.
    pub forecasts: Vec<ForecastRow>,
    /// Since when the viewer's calendar of that has an address.
    pub calendar_since: Option<When>,
    /// The address that was just made, shown this once.
    pub new_calendar: Option<String>,
    /// The version of the publisher agreement that is still to be accepted.
    pub agreement_due: Option<i64>,
    /// Whether the viewer may accept it.
    pub can_accept: bool,
    /// What was accepted, the newest version first.
    pub accepted: Vec<AcceptedRow>,
}

/// An accepted version of the publisher agreement.
#[derive(Debug, Clone)]
pub struct AcceptedRow {
    /// Which.
    pub version: i64,
    /// Who did.
    pub account: String,
    /// When.
    pub at: When,
}

/// What becomes of a listing if nothing is done.
#[derive(Debug, Clone)]
pub struct ForecastRow {
    /// The product's name.
    pub name: String,
    /// Address of its edit page.
    pub url: String,
    /// Whether it is on hold already.
    pub is_held: bool,
    /// When it is put on hold, or was.
    pub hold_at: When,
    /// When it is revoked; nothing where the operator decides whether it goes on hold.
    pub revoked_at: Option<When>,
    /// Until when the operator waits with what is broken.
    pub grace_until: Option<When>,
    /// Findings to fix, however soon.
    pub findings: i64,
    /// Address of the page that has them.
    pub findings_url: Option<String>,
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

/// A signing key or certificate.
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
    /// `key` or `certificate`.
    pub kind: &'static str,
    /// How it stands.
    pub state: Pill,
    /// Since when, or from when on.
    pub since: Option<When>,
    /// When it will end, where that is set.
    pub ends_at: Option<When>,
    /// Whether it has ended.
    pub has_ended: bool,
    /// Whether its owner has to prove it.
    pub needs_proof: bool,
    /// How, where there is a text to sign.
    pub proof: Option<ProofTask>,
}

/// What proves that a key is its owner's.
#[derive(Debug, Clone)]
pub struct ProofTask {
    /// The ways to sign the text.
    pub commands: Vec<Commands>,
    /// Until when the text is good.
    pub ends_at: When,
}
