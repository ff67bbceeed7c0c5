//! Exact version orders: which of two versions of a package is the newer one.

mod apk;
mod dpkg;

use std::cmp::Ordering;

/// Longest version string that is compared, in bytes; longer ones are an error.
pub const MAX_VERSION_LENGTH: usize = 512;

/// A packaging system's rule for ordering versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Debian and its derivatives (Debian Policy 5.6.12).
    Dpkg,
    /// Alpine Linux (apk-tools, `version.c`).
    Apk,
}

impl Scheme {
    /// Returns the scheme of an OSV ecosystem such as `Debian:11`, or `None` where versions of
    /// that ecosystem cannot be ordered here.
    pub fn of_ecosystem(ecosystem: &str) -> Option<Self> {
        match ecosystem.split(':').next().unwrap_or_default() {
            "Debian" => Some(Self::Dpkg),
            "Alpine" => Some(Self::Apk),
            _ => None,
        }
    }

    /// Orders two versions; surrounding white space is ignored.
    pub fn compare(self, a: &str, b: &str) -> Result<Ordering, VersionError> {
        let (a, b) = (checked(a)?, checked(b)?);
        match self {
            Self::Dpkg => dpkg::compare(a, b),
            Self::Apk => Ok(apk::compare(a, b)),
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
}

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
    match version
        .chars()
        .find(|character| !character.is_ascii_graphic())
    {
        Some(character) => Err(VersionError::Character {
            version: version.to_owned(),
            character,
        }),
        None => Ok(version),
    }
}
