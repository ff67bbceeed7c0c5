//! The publisher agreement, to read and to write.

use askama::Template;

use crate::view::{FieldErrors, Html, Layout, When};

/// A version of the agreement.
#[derive(Debug, Template)]
#[template(path = "agreement.html")]
pub struct AgreementPage {
    /// What is around.
    pub layout: Layout,
    /// Which.
    pub version: i64,
    /// Since when.
    pub since: When,
    /// The text.
    pub text: Html,
    /// Whether there is a newer one.
    pub is_superseded: bool,
}

/// Where the operator writes a new version.
#[derive(Debug, Template)]
#[template(path = "agreement_edit.html")]
pub struct AgreementEditPage {
    /// What is around.
    pub layout: Layout,
    /// The current version; none where publishers need accept nothing.
    pub current: Option<i64>,
    /// The text as it is or was typed.
    pub text: String,
    /// What is wrong with it.
    pub errors: FieldErrors,
}
