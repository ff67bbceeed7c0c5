//! `/review/advisories`: vulnerabilities that the certification team added by hand.

use askama::Template;

use crate::view::{Choice, FieldErrors, Layout, Onward, Pill, When};

/// Vulnerabilities added by hand.
#[derive(Debug, Template)]
#[template(path = "own_advisories.html")]
pub struct OwnAdvisoriesPage {
    /// What is around.
    pub layout: Layout,
    /// A part of those that count, or of the withdrawn; newest first.
    pub rows: Vec<OwnAdvisoryRow>,
    /// Which of them there are to see: label, address, and whether they are shown.
    pub which: Vec<(&'static str, String, bool)>,
    /// The ways to the rest of them.
    pub onward: Onward,
    /// What is typed so far.
    pub form: OwnAdvisoryForm,
    /// What is wrong with the form.
    pub errors: FieldErrors,
}

/// A vulnerability that was added by hand.
#[derive(Debug, Clone)]
pub struct OwnAdvisoryRow {
    /// Its id.
    pub id: String,
    /// The vulnerability.
    pub name: String,
    /// One line on what it is.
    pub title: String,
    /// The package, and which of its versions, in words.
    pub about: String,
    /// The class.
    pub class: Pill,
    /// The CVSS vector.
    pub vector: Option<String>,
    /// Why it was added.
    pub reason: String,
    /// By whom.
    pub author: String,
    /// When.
    pub at: When,
    /// Whether it counts.
    pub counts: bool,
    /// Who withdrew it, when and why.
    pub withdrawn: Option<String>,
}

/// A new one as form fields.
#[derive(Debug, Clone, Default)]
pub struct OwnAdvisoryForm {
    /// Its name.
    pub name: String,
    /// The ecosystem.
    pub ecosystem: String,
    /// The package.
    pub package: String,
    /// The first affected version.
    pub introduced: String,
    /// The first version no longer affected.
    pub fixed: String,
    /// The last affected version.
    pub last_affected: String,
    /// One line.
    pub title: String,
    /// The CVSS vector.
    pub vector: String,
    /// The classes, and that it follows from the vector.
    pub classes: Vec<Choice>,
    /// Why it is added.
    pub reason: String,
}
