//! Packages as a database records them, and components as an image has them.

use oci::Digest;
use serde::{Deserialize, Serialize};

/// Which package manager installed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Alpine and its relatives.
    Apk,
    /// Debian and its relatives.
    Deb,
}

impl Kind {
    /// Returns the package URL's type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apk => "apk",
            Self::Deb => "deb",
        }
    }
}

/// One installed package, as its database records it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Which package manager.
    pub kind: Kind,
    /// The binary package's name.
    pub name: String,
    /// The binary package's version.
    pub version: String,
    /// The package manager's word for the architecture, or empty.
    pub architecture: String,
    /// The source package (Debian `Source`, Alpine origin); advisories go by it.
    pub source_name: String,
    /// The source package's version.
    pub source_version: String,
    /// Licences as declared; an expression counts as one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<String>,
    /// Who maintains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintainer: Option<String>,
    /// The package manager's state, where it records one (`install ok installed`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

impl Package {
    /// Returns what makes a package the same one in two layers.
    pub(crate) fn key(&self) -> PackageKey<'_> {
        (self.kind, &self.name, &self.version, &self.architecture)
    }
}

/// Kind, name, version, architecture.
pub(crate) type PackageKey<'a> = (Kind, &'a str, &'a str, &'a str);

/// One package of an image, with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Which package manager.
    pub kind: Kind,
    /// The binary package's name.
    pub name: String,
    /// The binary package's version.
    pub version: String,
    /// The package manager's word for the architecture, or empty.
    pub architecture: String,
    /// The source package; advisories go by it.
    pub source_name: String,
    /// The source package's version.
    pub source_version: String,
    /// Licences as declared; an expression counts as one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<String>,
    /// Who maintains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintainer: Option<String>,
    /// The package manager's state, where it records one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The package URL.
    pub purl: String,
    /// The layer that brought this name and version, and has kept it since.
    pub layer: Digest,
    /// That layer's place, counted from 0, lowest first.
    pub layer_index: usize,
    /// The database that records it.
    pub path: String,
}
