//! `/p/{publisher}/{product}/compare`: two releases beside each other. What is in the layers is
//! only there for those who may see it.

use askama::Template;
use market::Class;

use super::tags::ProductLine;
use crate::view::{Choice, Digest, Layout, Paging, Pill, Tone, class_pill, megabytes};

/// Two releases.
#[derive(Debug, Template)]
#[template(path = "compare.html")]
pub struct ComparePage {
    /// What is around.
    pub layout: Layout,
    /// The product.
    pub product: ProductLine,
    /// Releases to choose from as the older one.
    pub olds: Vec<Choice>,
    /// Releases to choose from as the newer one.
    pub news: Vec<Choice>,
    /// What differs, where there are two.
    pub content: Option<ChangedContent>,
}

/// What differs between two images.
#[derive(Debug, Clone, Default)]
pub struct ChangedContent {
    /// Layers that are new.
    pub layers_added: Vec<ChangedLayer>,
    /// Layers that are gone.
    pub layers_removed: Vec<ChangedLayer>,
    /// What differs in them; only for those who may see it.
    pub inside: Option<ChangedInside>,
}

impl ChangedContent {
    /// Returns whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.layers_added.is_empty()
            && self.layers_removed.is_empty()
            && self.inside.as_ref().is_none_or(ChangedInside::is_empty)
    }
}

/// A layer that one of two images has.
#[derive(Debug, Clone)]
pub struct ChangedLayer {
    /// Its digest.
    pub digest: Digest,
    /// What made it.
    pub instruction: String,
    /// Compressed size in bytes.
    pub size: u64,
}

impl ChangedLayer {
    /// Returns the compressed size in MB.
    pub fn megabytes(&self) -> String {
        megabytes(self.size)
    }
}

/// What differs in components and findings.
#[derive(Debug, Clone, Default)]
pub struct ChangedInside {
    /// Packages; perhaps only a part of them.
    pub packages: Vec<ChangedPackage>,
    /// Where among the packages one is.
    pub packages_paging: Paging,
    /// Findings that are gone, the worst first; perhaps only a part of them.
    pub fixed: Vec<ChangedFinding>,
    /// Where among them one is.
    pub fixed_paging: Paging,
    /// Findings that are new, the worst first; perhaps only a part of them.
    pub introduced: Vec<ChangedFinding>,
    /// Where among them one is.
    pub introduced_paging: Paging,
}

impl ChangedInside {
    fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.fixed.is_empty() && self.introduced.is_empty()
    }
}

/// A package that is new, gone or there in another version.
#[derive(Debug, Clone)]
pub struct ChangedPackage {
    /// Its name.
    pub name: String,
    /// Its ecosystem.
    pub ecosystem: &'static str,
    /// The versions before, or empty.
    pub before: String,
    /// The versions after, or empty.
    pub after: String,
}

impl ChangedPackage {
    /// Returns what became of it.
    pub fn pill(&self) -> Pill {
        match (self.before.is_empty(), self.after.is_empty()) {
            (true, _) => Pill::new(Tone::Good, "Added"),
            (_, true) => Pill::new(Tone::Quiet, "Removed"),
            _ => Pill::new(Tone::Active, "Changed"),
        }
    }
}

/// A finding that one of two images has.
#[derive(Debug, Clone)]
pub struct ChangedFinding {
    /// For example `CVE-2022-0778`.
    pub id: String,
    /// Address of its entry.
    pub url: Option<String>,
    /// The component's name.
    pub component: String,
    /// The programme's class.
    pub class: Class,
}

impl ChangedFinding {
    /// Returns the class as a pill.
    pub fn pill(&self) -> Pill {
        class_pill(self.class)
    }
}
