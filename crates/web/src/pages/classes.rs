//! `/review/classes`: what waits to be classified, and what was classified by hand.

use askama::Template;

use crate::view::{Choice, FieldErrors, Layout, Onward, Pill, When};

/// Classes by hand.
#[derive(Debug, Template)]
#[template(path = "classes.html")]
pub struct ClassesPage {
    /// What is around.
    pub layout: Layout,
    /// Vulnerabilities that nobody scored, the oldest first.
    pub unscored: Vec<UnscoredRow>,
    /// A part of those that count, or no longer do; newest first.
    pub rows: Vec<ClassRow>,
    /// Which of them there are to see: label, address, and whether they are shown.
    pub which: Vec<(&'static str, String, bool)>,
    /// The ways to the rest of them.
    pub onward: Onward,
    /// What is typed so far.
    pub form: ClassForm,
    /// What is wrong with the form.
    pub errors: FieldErrors,
}

/// A vulnerability without a score.
#[derive(Debug, Clone)]
pub struct UnscoredRow {
    /// Its name.
    pub vulnerability: String,
    /// How many products have it.
    pub products: u64,
    /// How many findings.
    pub findings: u64,
    /// Since when it is known.
    pub since: When,
    /// Address of the form with its name filled in.
    pub url: String,
}

/// A class by hand.
#[derive(Debug, Clone)]
pub struct ClassRow {
    /// Its id.
    pub id: String,
    /// The vulnerability.
    pub vulnerability: String,
    /// The product, or that it is about every product.
    pub about: String,
    /// The class.
    pub class: Pill,
    /// Why.
    pub reason: String,
    /// Who classified.
    pub author: String,
    /// When.
    pub at: When,
    /// Whether it counts.
    pub counts: bool,
    /// What ended it, in words.
    pub ended: Option<String>,
}

/// A new class as form fields.
#[derive(Debug, Clone, Default)]
pub struct ClassForm {
    /// The vulnerability.
    pub vulnerability: String,
    /// The product as `publisher/product`; empty for every product.
    pub product: String,
    /// The classes.
    pub classes: Vec<Choice>,
    /// Why.
    pub reason: String,
}
