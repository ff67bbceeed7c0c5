//! What an image holds in the end.

use oci::Digest;
use serde::{Deserialize, Serialize};

use crate::{Component, Distribution, Facts, Problem, Removed, os::repositories};

/// An image, taken apart and put together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// Which distribution it is, if it says.
    pub distribution: Option<Distribution>,
    /// Addresses or names of the repositories that packages come from, where images say so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
    /// Packages, by kind, namespace, name, version.
    pub components: Vec<Component>,
    /// Packages that a distribution package brought, which is what counts: its advisories
    /// say which versions are mended, whatever the package within says of itself. And packages
    /// of Conda that brought one of a language, of which advisories speak and of Conda's not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covered: Vec<Component>,
    /// Packages of lower layers that upper ones took away, in the order of the layers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Removed>,
    /// The layers, lowest first.
    pub layers: Vec<LayerSummary>,
    /// What is worth knowing of its files.
    pub facts: Facts,
    /// What was not understood, in any layer.
    pub problems: Vec<Problem>,
}

impl Inventory {
    /// Returns the CPE names by which Red Hat's advisories know the repositories; nothing where
    /// not all of its content sets are known.
    pub fn repository_cpes(&self) -> Vec<String> {
        let sets = self.repositories.iter();
        let sets = sets.filter(|name| name.ends_with("-rpms"));
        let names: Option<Vec<_>> = sets.map(|name| repositories::cpe(name)).collect();
        let mut names = names.unwrap_or_default();
        names.dedup();
        names
    }

    /// Returns whether packages come from Alpine's edge alone, whatever release the image names.
    pub fn is_of_edge(&self) -> bool {
        let alpine = self
            .repositories
            .iter()
            .filter(|name| name.contains("/alpine/"));
        let mut alpine = alpine.map(|name| name.contains("/alpine/edge/")).peekable();
        alpine.peek().is_some() && alpine.all(|edge| edge)
    }
}

/// One layer at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerSummary {
    /// The blob's digest.
    pub digest: Digest,
    /// The uncompressed stream's digest.
    pub diff_id: Digest,
    /// Bytes of the blob.
    pub size: u64,
    /// Bytes of the uncompressed stream.
    pub uncompressed_size: u64,
    /// Paths it adds or replaces.
    pub files: u64,
    /// Paths it removes.
    pub whiteouts: u64,
    /// Components it adds, new versions included.
    pub components_added: u64,
    /// Components it removes, old versions included.
    pub components_removed: u64,
    /// Bytes of its files that upper layers hide.
    pub wasted_bytes: u64,
}
