//! `/publisher/{slug}/products/imports`: images that are brought from other registries.

use askama::Template;

use crate::view::{Digest, FieldErrors, Layout, Pill, When, megabytes};

/// A publisher's imports.
#[derive(Debug, Template)]
#[template(path = "imports.html")]
pub struct ImportsPage {
    /// What is around.
    pub layout: Layout,
    /// The publisher's name in addresses.
    pub publisher_slug: String,
    /// The publisher's legal name.
    pub publisher_name: String,
    /// The imports, newest first.
    pub imports: Vec<ImportRow>,
    /// The form for another one.
    pub form: ImportForm,
    /// Whether the viewer may import.
    pub can_import: bool,
}

impl ImportsPage {
    /// Returns whether something is under way that the page waits for; a page on which somebody
    /// types waits for nobody.
    fn renews_itself(&self) -> bool {
        self.form.is_empty() && self.imports.iter().any(|import| import.is_open)
    }
}

/// An import.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// Its identifier.
    pub id: String,
    /// The image there.
    pub source: String,
    /// The image here.
    pub target: String,
    /// How it fares.
    pub state: Pill,
    /// Whether it waits or is under way.
    pub is_open: bool,
    /// What it is at.
    pub note: String,
    /// Bytes that are here, and in all.
    pub bytes: (u64, u64),
    /// What was found.
    pub digest: Option<Digest>,
    /// Why it failed.
    pub error: Option<String>,
    /// Who asked for it.
    pub by: String,
    /// When.
    pub at: When,
}

impl ImportRow {
    fn done(&self) -> String {
        megabytes(self.bytes.0)
    }

    fn total(&self) -> String {
        megabytes(self.bytes.1)
    }
}

/// An import as it is typed; a password is typed anew.
#[derive(Debug, Clone, Default)]
pub struct ImportForm {
    /// The image there.
    pub image: String,
    /// The repository here, below the publisher's staging.
    pub into: String,
    /// The tag here.
    pub tag: String,
    /// Who signs in there.
    pub user: String,
    /// What is wrong with it.
    pub errors: FieldErrors,
}

impl ImportForm {
    fn is_empty(&self) -> bool {
        self.image.is_empty() && self.errors.is_empty()
    }
}
