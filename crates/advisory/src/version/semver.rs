//! Semantic versioning and the orders that differ from it by a rule or two.
//!
//! ```text
//! version = ["v" / "="] number *("." number) ["-" pre-release] ["+" build]
//! ```
//!
//! Real feeds leave components away and have too many of them, so any number of components is
//! read, and missing ones are 0. Letters that follow a number at once begin the pre-release
//! (`1.2.3beta`), as npm's loose mode reads them.

use std::cmp::Ordering;

use super::VersionError;
use super::number::{Number, lexicographic};

/// What a relative of semantic versioning does its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// As <https://semver.org> says: build metadata do not count.
    Plain,
    /// Pub and Julia: build metadata count last, and having some is newer than having none.
    Build,
    /// NuGet: letters in any case are the same.
    NuGet,
    /// Bitnami: a bare number after the hyphen is the revision of the packaging, hence newer.
    Bitnami,
}

pub(super) fn compare(dialect: Dialect, a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (Semver::parse(a)?, Semver::parse(b)?);
    Ok(lexicographic(a.release(), b.release(), Number::ZERO)
        .then_with(|| a.suffix(dialect).cmp(&b.suffix(dialect)))
        .then_with(|| identifiers(dialect, a.pre.unwrap_or(""), b.pre.unwrap_or("")))
        .then_with(|| match dialect {
            Dialect::Build => {
                a.build.is_some().cmp(&b.build.is_some()).then_with(|| {
                    identifiers(dialect, a.build.unwrap_or(""), b.build.unwrap_or(""))
                })
            }
            _ => Ordering::Equal,
        }))
}

struct Semver<'a> {
    /// Numbers with single dots between them.
    release: &'a str,
    pre: Option<&'a str>,
    build: Option<&'a str>,
}

/// What stands behind the release, in ascending order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Suffix {
    PreRelease,
    Nothing,
    Revision,
}

impl<'a> Semver<'a> {
    fn parse(version: &'a str) -> Result<Self, VersionError> {
        let text = version.trim_start_matches(['v', 'V', '=']);
        let (text, build) = match text.split_once('+') {
            Some((text, build)) => (text, Some(build)),
            None => (text, None),
        };
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (release, rest) = text.split_at(end.unwrap_or(text.len()));
        let release = release.strip_suffix('.').unwrap_or(release);
        let numbers = release.split('.').all(|part| !part.is_empty());
        if !numbers {
            return Err(VersionError::Form {
                version: version.to_owned(),
                expected: "numbers with dots between them",
            });
        }
        let pre = (!rest.is_empty()).then(|| rest.strip_prefix('-').unwrap_or(rest));
        Ok(Self {
            release,
            pre,
            build,
        })
    }

    fn release(&self) -> impl Iterator<Item = Number<'a>> + use<'a> {
        self.release
            .split('.')
            .map(|part| Number::of(part.as_bytes()))
    }

    fn suffix(&self, dialect: Dialect) -> Suffix {
        match self.pre {
            None => Suffix::Nothing,
            Some(text) if dialect == Dialect::Bitnami && Number::parse(text).is_some() => {
                Suffix::Revision
            }
            Some(_) => Suffix::PreRelease,
        }
    }
}

/// Semantic versioning 2.0.0, item 11.4; variants stand in ascending order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier<'a> {
    End,
    Number(Number<'a>),
    Text(&'a str),
}

fn identifiers(dialect: Dialect, a: &str, b: &str) -> Ordering {
    if dialect == Dialect::NuGet {
        let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
        return lexicographic(cut(&a), cut(&b), Identifier::End);
    }
    lexicographic(cut(a), cut(b), Identifier::End)
}

fn cut(text: &str) -> impl Iterator<Item = Identifier<'_>> {
    let parts = text.split('.').filter(|part| !part.is_empty());
    parts.map(|part| Number::parse(part).map_or(Identifier::Text(part), Identifier::Number))
}
