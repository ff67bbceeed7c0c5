//! `/publisher/{slug}/{product}/vex`: what is stated about vulnerabilities in a product, and the
//! forms to state, to take in a document, and to decide.

use askama::Template;

use crate::view::{Choice, FieldErrors, Layout, Onward, Pill, When};

/// A product's statements.
#[derive(Debug, Template)]
#[template(path = "vex.html")]
pub struct VexPage {
    /// What is around.
    pub layout: Layout,
    /// Address of this page; forms post below it.
    pub url: String,
    /// The product's name.
    pub product: String,
    /// Address of the product's editor, for its publisher.
    pub product_url: Option<String>,
    /// Address of the public document, where there is one.
    pub public_url: Option<String>,
    /// What is and was stated, newest first.
    pub statements: Vec<VexRow>,
    /// The one vulnerability that they are about; empty: all of them.
    pub about: String,
    /// The ways to the rest of them.
    pub onward: Onward,
    /// What a new statement says so far, for whoever may make one.
    pub form: Option<VexForm>,
    /// A document as it was pasted, if it was refused.
    pub document: String,
    /// What is wrong with the form or the document.
    pub errors: FieldErrors,
}

/// A statement.
#[derive(Debug, Clone)]
pub struct VexRow {
    /// Its id.
    pub id: String,
    /// The vulnerability.
    pub vulnerability: String,
    /// What within the product, in words.
    pub about: String,
    /// What is stated.
    pub claim: String,
    /// In the author's words.
    pub text: String,
    /// Where it stands.
    pub standing: Pill,
    /// Who stated it.
    pub author: String,
    /// When.
    pub at: When,
    /// Which version of its scope it is, and the document it came in.
    pub origin: String,
    /// Who decided.
    pub decider: Option<String>,
    /// When it was decided on.
    pub decided_at: Option<When>,
    /// Why.
    pub reason: Option<String>,
    /// Until when it counts.
    pub until: Option<When>,
    /// Whether the viewer may accept it.
    pub can_accept: bool,
    /// Whether the viewer may refuse it, or take its acceptance back.
    pub can_refuse: bool,
}

/// A new statement as form fields.
#[derive(Debug, Clone)]
pub struct VexForm {
    /// The vulnerability.
    pub vulnerability: String,
    /// The digest of an image; empty for every image.
    pub image: String,
    /// A component; empty for every component.
    pub component: String,
    /// What is stated.
    pub statuses: Vec<Choice>,
    /// Why the product is not affected.
    pub justifications: Vec<Choice>,
    /// In the author's words.
    pub text: String,
}

/// A statement that waits, in the reviewers' queue.
#[derive(Debug, Clone)]
pub struct WaitingVex {
    /// Address of the place where it is decided on.
    pub url: String,
    /// The vulnerability.
    pub vulnerability: String,
    /// What is stated.
    pub claim: String,
    /// About which product, and what within it.
    pub about: String,
    /// The publisher's name.
    pub publisher: String,
    /// Since when it waits.
    pub since: When,
    /// Whether the viewer belongs to the publisher and so may not decide.
    pub is_own_work: bool,
}
