//! Exact version orders: which of two versions of a package is the newer one.
//!
//! One file per order, each a total order, each held to every public vector there is. They are
//! our own, a page each: strict parsers such as those of the crates `semver` and `pep440_rs`
//! refuse what real feeds hold (two numbers, five numbers, versions from before PEP 440), and one
//! version that cannot be read would void an advisory.

mod apk;
mod composer;
mod conan;
mod dotted;
mod dpkg;
mod gem;
mod generic;
mod go;
mod maven;
mod npm_range;
mod number;
mod pacman;
mod pep440;
mod pep440_legacy;
mod rpm;
mod semver;

use std::borrow::Cow;
use std::cmp::Ordering;

pub use npm_range::npm_ranges;

use semver::Dialect;

/// Longest version string that is compared, in bytes; longer ones are an error.
pub const MAX_VERSION_LENGTH: usize = 512;

macro_rules! schemes {
    ($($(#[$doc:meta])+ $name:ident = $word:literal,)+) => {
        /// A packaging system's rule for ordering versions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Scheme {
            $($(#[$doc])+ $name,)+
        }

        impl Scheme {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the name used in explanations.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

schemes! {
    /// Debian and its derivatives (Debian Policy 5.6.12).
    Dpkg = "dpkg",
    /// Alpine Linux and its relatives (apk-tools, `version.c`).
    Apk = "apk",
    /// Red Hat, SUSE and their relatives (rpm, `rpmvercmp`).
    Rpm = "rpm",
    /// Arch Linux (pacman, `vercmp`).
    Pacman = "pacman",
    /// Semantic versioning 2.0.0: npm, crates.io, Hex, Swift and others.
    Semver = "semver",
    /// Go modules and the Go toolchain.
    Go = "Go",
    /// Pub and Julia: semantic versioning in which build metadata count.
    SemverBuild = "semver with build",
    /// NuGet: semantic versioning with four numbers, in any case.
    NuGet = "NuGet",
    /// Bitnami: semantic versioning with a packaging revision.
    Bitnami = "Bitnami",
    /// Python (PEP 440).
    Pep440 = "PEP 440",
    /// Maven (Version Order Specification).
    Maven = "Maven",
    /// RubyGems (`Gem::Version`).
    Gem = "RubyGems",
    /// Composer (PHP's `version_compare`).
    Composer = "Composer",
    /// CRAN and Hackage: lists of numbers.
    Dotted = "list of numbers",
    /// Conan.
    Conan = "Conan",
    /// Whatever people write; used with CPE names.
    Generic = "generic",
}

/// Families of OSV ecosystems and the orders of their versions.
const ECOSYSTEMS: &[(Scheme, &[&str])] = &[
    (Scheme::Dpkg, &["Debian", "Ubuntu", "Echo", "Raspbian"]),
    (
        Scheme::Apk,
        &[
            "Alpine",
            "Alpaquita",
            "BellSoft Hardened Containers",
            "Chainguard",
            "MinimOS",
            "Wolfi",
            "SecureOS",
            "postmarketOS",
        ],
    ),
    (
        Scheme::Rpm,
        &[
            "AlmaLinux",
            "Amazon Linux",
            "Azure Linux",
            "Bottlerocket",
            "CentOS",
            "CBL-Mariner",
            "Fedora",
            "Hummingbird",
            "Mageia",
            "Mariner",
            "openEuler",
            "openSUSE",
            "Oracle Linux",
            "Photon OS",
            "Red Hat",
            "Rocky Linux",
            "SUSE",
        ],
    ),
    (Scheme::Pacman, &["Arch Linux"]),
    (
        Scheme::Semver,
        &[
            "crates.io",
            "npm",
            "Hex",
            "SwiftURL",
            "GitHub Actions",
            "Kubernetes",
            "VSCode",
        ],
    ),
    (Scheme::Go, &["Go"]),
    (Scheme::SemverBuild, &["Pub", "Julia"]),
    (Scheme::NuGet, &["NuGet"]),
    (Scheme::Bitnami, &["Bitnami"]),
    (Scheme::Pep440, &["PyPI"]),
    (Scheme::Maven, &["Maven"]),
    (Scheme::Gem, &["RubyGems"]),
    (Scheme::Composer, &["Packagist", "WordPress"]),
    (Scheme::Dotted, &["CRAN", "Bioconductor", "Hackage", "GHC"]),
    (Scheme::Conan, &["ConanCenter"]),
    (Scheme::Generic, &["CPE", "opam", "CPAN"]),
];

impl Scheme {
    /// Returns the scheme of an OSV ecosystem such as `Debian:11`, or `None` where versions of
    /// that ecosystem cannot be ordered here.
    pub fn of_ecosystem(ecosystem: &str) -> Option<Self> {
        let family = ecosystem.split(':').next().unwrap_or_default();
        let has = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(family));
        let found = ECOSYSTEMS.iter().find(|(_, names)| has(names));
        // SUSE's products are families of their own: `SUSE Linux Enterprise Server`, ….
        let suse = || family.starts_with("SUSE ").then_some(Self::Rpm);
        found.map(|(scheme, _)| *scheme).or_else(suse)
    }

    /// Orders two versions; surrounding white space is ignored.
    pub fn compare(self, a: &str, b: &str) -> Result<Ordering, VersionError> {
        let (a, b) = (checked(a)?, checked(b)?);
        match self {
            Self::Dpkg => dpkg::compare(a, b),
            Self::Apk => Ok(apk::compare(a, b)),
            Self::Rpm => Ok(rpm::compare(a, b)),
            Self::Pacman => Ok(pacman::compare(a, b)),
            Self::Semver => semver::compare(Dialect::Plain, a, b),
            Self::Go => go::compare(a, b),
            Self::SemverBuild => semver::compare(Dialect::Build, a, b),
            Self::NuGet => semver::compare(Dialect::NuGet, a, b),
            Self::Bitnami => semver::compare(Dialect::Bitnami, a, b),
            Self::Pep440 => Ok(pep440::compare(a, b)),
            Self::Maven => Ok(maven::compare(a, b)),
            Self::Gem => gem::compare(a, b),
            Self::Composer => composer::compare(a, b),
            Self::Dotted => dotted::compare(a, b),
            Self::Conan => Ok(conan::compare(a, b)),
            Self::Generic => generic::compare(a, b),
        }
    }

    /// Returns the form in which the ecosystem's own tools compare a version with a range.
    pub fn normal(self, version: &str) -> Cow<'_, str> {
        match self {
            Self::Composer => composer::normal(version),
            _ => Cow::Borrowed(version),
        }
    }

    /// Checks that a version can be ordered at all.
    pub fn check(self, version: &str) -> Result<(), VersionError> {
        self.compare(version, version).map(|_| ())
    }
}

/// Why a string is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VersionError {
    /// Nothing but white space.
    #[error("the version is empty")]
    Empty,
    /// Longer than [`MAX_VERSION_LENGTH`].
    #[error("the version has {length} bytes; at most {MAX_VERSION_LENGTH} are compared")]
    TooLong {
        /// Bytes found.
        length: usize,
    },
    /// A character no version may hold.
    #[error("version `{version}` holds {character:?}, which no version may hold")]
    Character {
        /// The version as given.
        version: String,
        /// The first such character.
        character: char,
    },
    /// The part before `:` is not a number that fits 32 bits.
    #[error("the epoch of version `{version}` is not a small number")]
    Epoch {
        /// The version as given.
        version: String,
    },
    /// Nothing stands between epoch and revision.
    #[error("version `{version}` has no upstream part")]
    NoUpstream {
        /// The version as given.
        version: String,
    },
    /// It is not made as the order's versions are.
    #[error("`{version}` is no version of this order: expected {expected}")]
    Form {
        /// The version as given.
        version: String,
        /// How they are made.
        expected: &'static str,
    },
}

/// White space and control characters are in no version; letters beyond ASCII are in a few
/// (rpm ignores them).
fn checked(version: &str) -> Result<&str, VersionError> {
    let version = version.trim();
    if version.is_empty() {
        return Err(VersionError::Empty);
    }
    if version.len() > MAX_VERSION_LENGTH {
        return Err(VersionError::TooLong {
            length: version.len(),
        });
    }
    let bad = |c: &char| c.is_control() || c.is_whitespace();
    match version.chars().find(bad) {
        // The Go toolchain writes its experiments after a space: `go1.22 X:boringcrypto`.
        Some(' ') if version.starts_with("go1.") => Ok(version),
        Some(character) => Err(VersionError::Character {
            version: version.to_owned(),
            character,
        }),
        None => Ok(version),
    }
}
