//! Partnership with the operator: on a publisher's page, and where its agreement is written.

use askama::Template;

use crate::view::{FieldErrors, Html, Layout, Pill, When};

/// How a publisher stands towards partnership.
#[derive(Debug, Clone, Default)]
pub struct PartnershipPanel {
    /// Its applications, the newest first.
    pub all: Vec<PartnershipRow>,
    /// The version and the text of the agreement that the next one accepts.
    pub agreement: Option<(i64, Html)>,
    /// Whether releases are certified of partners only.
    pub is_needed: bool,
    /// Whether the viewer may apply now.
    pub can_apply: bool,
    /// What the viewer may decide: what the form sends, and what people read.
    pub decisions: Vec<(&'static str, &'static str)>,
    /// The membership as it was typed.
    pub typed: String,
    /// What is wrong with the form.
    pub errors: FieldErrors,
}

/// An application.
#[derive(Debug, Clone)]
pub struct PartnershipRow {
    /// Where it stands.
    pub state: Pill,
    /// How support cases are exchanged, and as whom.
    pub exchange: String,
    /// The version of the agreement that was accepted.
    pub agreement: Option<i64>,
    /// Who applied.
    pub by: String,
    /// When.
    pub at: When,
    /// What was decided last: by whom, when, why.
    pub decided: Option<(String, When, String)>,
}

/// Where the operator writes a new version of the agreement.
#[derive(Debug, Template)]
#[template(path = "partnership_edit.html")]
pub struct PartnershipEditPage {
    /// What is around.
    pub layout: Layout,
    /// The current version.
    pub current: Option<i64>,
    /// The text as it is or was typed.
    pub text: String,
    /// What is wrong with it.
    pub errors: FieldErrors,
}
