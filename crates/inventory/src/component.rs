//! Packages as a file records them, and components as an image has them.

use std::collections::BTreeMap;

use oci::Digest;
use serde::{Deserialize, Serialize};

use crate::{Kind, claims};

/// How a file stands to the package it names.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Claim {
    /// The package is there: its own metadata, its program, or the package manager's database.
    #[default]
    Installed,
    /// A lock file or manifest asks for it, or an archive waits to be installed.
    Declared,
    /// A bill of materials within the image says so; nothing of it was seen.
    Claimed,
}

impl Claim {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How sure name and version are.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// They are written down by whoever made or installed the package.
    #[default]
    High,
    /// They are read from something made for another purpose, such as a version message.
    Medium,
    /// They are guessed, such as from a file's name.
    Low,
}

impl Confidence {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// One package, as a file records it. Made with [`Package::new`], so that an analyser
/// names only what it knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Which ecosystem.
    pub kind: Kind,
    /// npm scope, Maven group, PHP vendor and the like, without a slash at the end; or empty.
    /// Distribution packages get theirs from the image's os-release, but for those that a bill
    /// of materials claims of another distribution.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The (binary) package's name, normalised as its ecosystem compares names.
    pub name: String,
    /// The (binary) package's version, as written; an rpm's with its epoch, if that is not 0.
    pub version: String,
    /// The package manager's word for the architecture, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub architecture: String,
    /// The source package (Debian `Source`, Alpine origin, rpm `SOURCERPM`); advisories go by
    /// it. Empty means as the package's own name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source_name: String,
    /// The source package's version. Empty means as the package's own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source_version: String,
    /// More qualifiers of the package URL, such as `rpmmod` or `classifier`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub qualifiers: BTreeMap<String, String>,
    /// Licences as declared; an expression counts as one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<String>,
    /// Who maintains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintainer: Option<String>,
    /// Who built it, where that is recorded (rpm `Vendor`, Debian `Origin`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// The package manager's state, where it records one (`install ok installed`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Names of packages that it says it needs, without versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<String>,
    /// CPE 2.3 names, only of programs without any package.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpes: Vec<String>,
    /// How the file stands to the package.
    #[serde(default, skip_serializing_if = "Claim::is_default")]
    pub claim: Claim,
    /// How sure name and version are.
    #[serde(default, skip_serializing_if = "Confidence::is_default")]
    pub confidence: Confidence,
    /// Where within the file, such as a jar within a jar; or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub within: String,
}

impl Package {
    /// Makes an installed package of which nothing but name and version is known.
    pub fn new(kind: Kind, name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            kind,
            namespace: String::new(),
            name: name.into(),
            version: version.into(),
            architecture: String::new(),
            source_name: String::new(),
            source_version: String::new(),
            qualifiers: BTreeMap::new(),
            licenses: Vec::new(),
            maintainer: None,
            vendor: None,
            status: None,
            dependencies: Vec::new(),
            cpes: Vec::new(),
            claim: Claim::Installed,
            confidence: Confidence::High,
            within: String::new(),
        }
    }

    /// Returns its name as people of its ecosystem write it, with the namespace.
    pub fn full_name(&self) -> String {
        match self.namespace.as_str() {
            "" => self.name.clone(),
            namespace => format!("{namespace}/{}", self.name),
        }
    }

    /// Returns id and release, which may be empty, of the distribution that a claim names where
    /// it is not the image's.
    pub fn other_distribution(&self) -> Option<(&str, &str)> {
        let distro = self.qualifiers.get("distro").map_or("", String::as_str);
        let is_other = self.claim == Claim::Claimed && self.kind.is_distribution();
        if !is_other || (self.namespace.is_empty() && distro.is_empty()) {
            return None;
        }
        let namespace = claims::id(&self.namespace);
        let has_release = |release: &str| release.starts_with(|c: char| c.is_ascii_digit());
        Some(match distro.rsplit_once('-') {
            Some((id, release)) if has_release(release) => (claims::id(id), release),
            _ if has_release(distro) => (namespace, distro),
            _ if distro.is_empty() => (namespace, ""),
            _ => (distro, ""),
        })
    }

    /// Returns what makes a package the same one in two places.
    pub(crate) fn key(&self) -> PackageKey<'_> {
        PackageKey {
            kind: self.kind,
            namespace: &self.namespace,
            name: &self.name,
            version: &self.version,
            architecture: &self.architecture,
            qualifiers: &self.qualifiers,
        }
    }
}

/// What makes a package the same one in two places; in the order of the inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PackageKey<'a> {
    pub kind: Kind,
    pub namespace: &'a str,
    pub name: &'a str,
    pub version: &'a str,
    pub architecture: &'a str,
    pub qualifiers: &'a BTreeMap<String, String>,
}

/// A place that shows a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The file, where it is in the final tree.
    pub path: String,
    /// Where within the file, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub within: String,
    /// The layer that brought it.
    pub layer: Digest,
    /// The analyser that read it.
    pub analyser: String,
}

/// A package that an upper layer took away, or replaced by another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// The package URL.
    pub purl: String,
    /// The file that recorded it.
    pub path: String,
    /// The layer that brought it.
    pub layer: Digest,
    /// That layer's place, from 0.
    #[serde(default)]
    pub layer_index: usize,
    /// The layer after which it is no longer there.
    pub by: Digest,
    /// That layer's place, from 0.
    #[serde(default)]
    pub by_index: usize,
    /// The version of the same package that the image holds in the end, if it holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
}

/// One package of an image, with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// What it is. The source is filled in.
    #[serde(flatten)]
    pub package: Package,
    /// The package URL.
    pub purl: String,
    /// The layer that brought this name and version, and has kept it since.
    pub layer: Digest,
    /// That layer's place, counted from 0, lowest first.
    pub layer_index: usize,
    /// The file that records it: the first of `evidence`.
    pub path: String,
    /// Every place that shows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Whether anything in the image is linked with a shared library of this distribution
    /// package; nothing if it has none. A library that programs open by name as they run, as
    /// they do modules, has nothing linked with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<bool>,
    /// The package URL of the distribution package that brought it, which is what counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered_by: Option<String>,
}

impl std::ops::Deref for Component {
    type Target = Package;

    fn deref(&self) -> &Package {
        &self.package
    }
}
