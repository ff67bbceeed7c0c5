//! `/publisher/{slug}/{product}/versions` and one below it: what the draft of a product said, who
//! saved it, and what differs.

use askama::Template;

use super::ManifestItem;
use crate::view::{Choice, Html, Layout, When};

/// The versions of a product's draft, and two of them compared.
#[derive(Debug, Template)]
#[template(path = "draft_versions.html")]
pub struct DraftVersionsPage {
    /// What is around.
    pub layout: Layout,
    /// Whose draft it is.
    pub of: DraftOf,
    /// The versions, the newest first; that is the draft as it stands.
    pub versions: Vec<VersionRow>,
    /// Versions to choose from as the one before.
    pub befores: Vec<Choice>,
    /// Versions to choose from as the one after.
    pub afters: Vec<Choice>,
    /// What differs, where there are two.
    pub changes: Option<Vec<ChangedItem>>,
}

/// One version of a product's draft.
#[derive(Debug, Template)]
#[template(path = "draft_version.html")]
pub struct DraftVersionPage {
    /// What is around.
    pub layout: Layout,
    /// Whose draft it is.
    pub of: DraftOf,
    /// What is known of it.
    pub row: VersionRow,
    /// The number of the draft as it stands.
    pub newest: i64,
    /// What it says.
    pub items: Vec<ManifestItem>,
    /// Whether the viewer may go back to it.
    pub can_restore: bool,
}

/// Whose draft it is.
#[derive(Debug, Clone)]
pub struct DraftOf {
    /// The publisher's name in addresses.
    pub publisher_slug: String,
    /// The publisher's legal name.
    pub publisher_name: String,
    /// The product's name.
    pub product: String,
    /// Address of the product's editor.
    pub url: String,
}

/// A version among others.
#[derive(Debug, Clone)]
pub struct VersionRow {
    /// Its number.
    pub number: i64,
    /// What differs from the version before.
    pub fields: String,
    /// Who saved it, where that is known.
    pub by: Option<String>,
    /// When.
    pub at: When,
    /// The version that was gone back to, where one was.
    pub restored_from: Option<i64>,
}

/// An item that differs between two versions.
#[derive(Debug, Clone)]
pub struct ChangedItem {
    /// The field's name in the manifest's JSON.
    pub field: String,
    /// Its name for people.
    pub title: String,
    /// What differs.
    pub change: ItemChange,
}

/// What differs in an item.
#[derive(Debug, Clone)]
pub enum ItemChange {
    /// It is short enough to stand there twice: before and after.
    Whole(Html, Html),
    /// Its lines that differ, with a few around them.
    Lines(Vec<ChangedLine>),
}

/// A line of a long text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedLine {
    /// `+`, `−`, a space where it is in both, or `…` where lines are left out.
    pub sign: char,
    /// What it says.
    pub text: String,
}

impl ChangedLine {
    /// Returns how it is shown.
    pub fn class(&self) -> &'static str {
        match self.sign {
            '+' => "added",
            '−' => "removed",
            _ => "muted",
        }
    }

    /// Returns what is said of it to whoever sees no colours.
    pub fn spoken(&self) -> &'static str {
        match self.sign {
            '+' => "new: ",
            '−' => "gone: ",
            _ => "",
        }
    }
}
