//! Packages as they are matched, and where statements about them are found.

use serde::{Deserialize, Serialize};

use super::{Unsupported, distribution};

macro_rules! kinds {
    ($($(#[$doc:meta])+ $name:ident = $purl:literal in $ecosystem:expr,)+) => {
        /// Who names and numbers a package.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Kind {
            $($(#[$doc])+ $name,)+
            /// Anybody else; matched by CPE alone.
            #[default]
            Other,
        }

        impl Kind {
            /// All that have advisories of their own.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the kind of a package URL's type.
            pub fn of_purl(kind: &str) -> Self {
                match kind { $($purl => Self::$name,)+ _ => Self::Other }
            }

            /// Returns the OSV ecosystem, where it does not depend on a distribution.
            pub fn ecosystem(self) -> Option<&'static str> {
                match self { $(Self::$name => $ecosystem,)+ Self::Other => None }
            }
        }
    };
}

kinds! {
    /// dpkg: Debian and its relatives.
    Deb = "deb" in None,
    /// apk: Alpine and its relatives.
    Apk = "apk" in None,
    /// rpm: Red Hat, SUSE and their relatives.
    Rpm = "rpm" in None,
    /// pacman: Arch Linux.
    Pacman = "alpm" in None,
    /// Python.
    Pypi = "pypi" in Some("PyPI"),
    /// JavaScript.
    Npm = "npm" in Some("npm"),
    /// Java.
    Maven = "maven" in Some("Maven"),
    /// Go, its standard library included.
    Golang = "golang" in Some("Go"),
    /// Rust.
    Cargo = "cargo" in Some("crates.io"),
    /// Ruby.
    Gem = "gem" in Some("RubyGems"),
    /// PHP.
    Composer = "composer" in Some("Packagist"),
    /// .NET.
    Nuget = "nuget" in Some("NuGet"),
    /// Swift.
    Swift = "swift" in Some("SwiftURL"),
    /// Dart.
    Pub = "pub" in Some("Pub"),
    /// Elixir and Erlang.
    Hex = "hex" in Some("Hex"),
    /// Haskell.
    Hackage = "hackage" in Some("Hackage"),
    /// R.
    Cran = "cran" in Some("CRAN"),
    /// Julia.
    Julia = "julia" in Some("Julia"),
    /// Bitnami's components.
    Bitnami = "bitnami" in Some("Bitnami"),
    /// C and C++, by Conan.
    Conan = "conan" in Some("ConanCenter"),
    /// Workflow actions.
    Github = "github" in Some("GitHub Actions"),
    /// OCaml.
    Opam = "opam" in Some("opam"),
}

/// An installed package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Package {
    /// Who names and numbers it.
    pub kind: Kind,
    /// `ID` of os-release: `debian`, `alpine`; of distribution packages only.
    pub distribution: String,
    /// `VERSION_ID` of os-release: `11`, `3.18.9`; the codename (`sid`) where there is none.
    pub version_id: String,
    /// Name of the installed (binary) package, with its namespace as its ecosystem writes it:
    /// `@scope/name`, `group:artifact`, `github.com/owner/module`, `vendor/name`.
    pub name: String,
    /// Its version; an rpm's with its epoch.
    pub version: String,
    /// Source package (Debian) or origin (Alpine); the package's own name where it has none.
    pub source_name: String,
    /// Version of the source; on Alpine always the package's own.
    pub source_version: String,
    /// Architecture, as the package manager writes it; `GOARCH` of Go programs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub architecture: String,
    /// `GOOS` of Go programs, the target's of Rust's; or empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operating_system: String,
    /// An rpm's module label, `nodejs:18:8090020240101:abcd`; or empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub module: String,
    /// Vendor or maintainer; or empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub supplier: String,
    /// Who built it, where its distribution publishes nothing about what they build. Follows
    /// from the rest, by a rule that may change, and is therefore not kept.
    #[serde(skip)]
    pub third_party: Option<String>,
    /// Repositories (content sets, CPE names) it may come from; empty if that is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
    /// CPE 2.3 names, of programs that no package manager knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cpes: Vec<String>,
}

/// Where statements about a package are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) ecosystems: Vec<String>,
    pub(super) extended: Vec<String>,
}

impl Package {
    /// Returns the canonical ecosystems whose statements hold for it.
    pub(super) fn place(&self) -> Result<Place, Unsupported> {
        if let Some(ecosystem) = self.kind.ecosystem() {
            let mut ecosystems = vec![ecosystem.to_owned()];
            // R's two archives name their packages apart from each other.
            if self.kind == Kind::Cran {
                ecosystems.push("Bioconductor".to_owned());
            }
            return Ok(Place {
                ecosystems,
                extended: Vec::new(),
            });
        }
        if self.kind == Kind::Other {
            return Err(Unsupported::Kind);
        }
        if let Some(supplier) = &self.third_party {
            return Err(Unsupported::ThirdParty {
                supplier: supplier.clone(),
            });
        }
        let (ecosystems, extended) = distribution::ecosystems(self)?;
        Ok(Place {
            ecosystems,
            extended,
        })
    }

    /// Returns the name and version that statements go by.
    pub(super) fn key(&self) -> (&str, &str) {
        match self.kind {
            Kind::Deb | Kind::Apk => (
                or(&self.source_name, &self.name),
                or(&self.source_version, &self.version),
            ),
            Kind::Gem => (&self.name, without_platform(&self.version)),
            _ => (&self.name, &self.version),
        }
    }
}

fn or<'a>(value: &'a str, other: &'a str) -> &'a str {
    if value.is_empty() { other } else { value }
}

/// Takes the platform off a gem's version: `1.13.9-x86_64-linux`.
fn without_platform(version: &str) -> &str {
    match version.split_once('-') {
        Some((bare, platform)) if platform.contains('-') || platform == "java" => bare,
        _ => version,
    }
}
