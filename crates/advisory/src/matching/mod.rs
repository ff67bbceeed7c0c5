//! Which installed packages are affected by which vulnerabilities, and why.
//!
//! Debian packages are matched by *source* package and source version within their release,
//! Alpine packages by *origin* within their branch. All statements about one vulnerability of
//! one package become one [`Match`]; the distribution's own statement has the last word.

mod decide;
mod ranges;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::database::{Database, DatabaseError, merge};
use crate::record::{Advisory, SeverityEntry, Status};
use crate::score::{Score, preferred_score};
use crate::version::Scheme;

use decide::{Decision, Subject};

/// How a package was installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// By dpkg.
    Deb,
    /// By apk.
    Apk,
}

/// An installed package of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Package {
    /// How it was installed.
    pub kind: Kind,
    /// `ID` of os-release: `debian`, `alpine`.
    pub distribution: String,
    /// `VERSION_ID` of os-release: `11`, `3.18.9`; `edge` or `sid` for the rolling ones.
    pub version_id: String,
    /// Name of the installed (binary) package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Source package (Debian) or origin (Alpine); the package's own name where it has none.
    pub source_name: String,
    /// Version of the source; on Alpine always the package's own.
    pub source_version: String,
    /// Architecture, as the package manager writes it.
    pub architecture: String,
}

/// One vulnerability of one installed package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// The CVE id, or the advisory's own where there is none.
    pub vulnerability: String,
    /// Other names of it, sorted.
    pub aliases: Vec<String>,
    /// Every advisory that says so, sorted.
    pub advisories: Vec<String>,
    /// The feed whose statement decided.
    pub source: String,
    /// The installed package.
    pub package: Package,
    /// The version that was compared: the source's on Debian.
    pub installed: String,
    /// The first version that is no longer affected, if there is one.
    pub fixed_version: Option<String>,
    /// What the deciding feed says besides.
    pub status: Status,
    /// Every rating of every source, in the order in which they are preferred.
    pub severities: Vec<SeverityEntry>,
    /// One line; the beginning of the description where no feed has a title.
    pub title: String,
    /// The longest text of the most trusted feed that has one.
    pub description: String,
    /// Links, each once.
    pub urls: Vec<String>,
    /// Why it matched, in a sentence or two.
    pub explanation: String,
}

impl Match {
    /// Returns the score shown, see [`preferred_score`].
    pub fn score(&self) -> Option<Score> {
        preferred_score(&self.severities)
    }
}

/// The matches of a set of packages, and what could not be matched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// By package, in the order given, then by vulnerability.
    pub matches: Vec<Match>,
    /// Packages about which the database cannot say anything; "no match" means nothing there.
    pub uncovered: Vec<Uncovered>,
}

/// Packages that could not be matched, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uncovered {
    /// The distribution's id and version.
    pub distribution: String,
    /// How many packages.
    pub packages: u64,
    /// Why, and what to do.
    pub reason: String,
}

/// Why a package cannot be matched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// No version order and no rules for this distribution.
    #[error("distribution `{distribution}` is not supported: Debian and Alpine are")]
    Distribution {
        /// Its id.
        distribution: String,
    },
    /// The release is missing or no release of that distribution.
    #[error("`{version_id}` is no release of {distribution} that advisories are published for")]
    Release {
        /// The distribution's id.
        distribution: String,
        /// The release found.
        version_id: String,
    },
}

/// Returns the OSV ecosystem of a package's distribution: `Debian:11`, `Alpine:v3.18`.
pub fn ecosystem(package: &Package) -> Result<String, Unsupported> {
    let distribution = package.distribution.as_str();
    let release = package.version_id.as_str();
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = release.split('.');
    let (major, minor) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    match (package.kind, distribution) {
        (Kind::Deb, "debian") if number(major) => Ok(format!("Debian:{major}")),
        (Kind::Deb, "debian") if release == "sid" => Ok("Debian:sid".to_owned()),
        // Snapshots of edge call themselves 3.22.0_alpha20250108.
        (Kind::Apk, "alpine") if release == "edge" || release.contains("_alpha") => {
            Ok("Alpine:edge".to_owned())
        }
        (Kind::Apk, "alpine") if number(major) && number(minor) => {
            Ok(format!("Alpine:v{major}.{minor}"))
        }
        (Kind::Deb, "debian") | (Kind::Apk, "alpine") => Err(Unsupported::Release {
            distribution: distribution.to_owned(),
            version_id: release.to_owned(),
        }),
        _ => Err(Unsupported::Distribution {
            distribution: distribution.to_owned(),
        }),
    }
}

/// Matches packages against a database; packages of unknown distributions are reported, not
/// errors. Each package is matched by itself, so the result does not depend on the others.
pub fn match_packages(database: &Database, packages: &[Package]) -> Result<Report, DatabaseError> {
    let mut report = Report::default();
    let mut uncovered: BTreeMap<(String, String), u64> = BTreeMap::new();
    let known = &database.meta().ecosystems;
    for package in packages {
        let reason = match ecosystem(package) {
            Ok(ecosystem) if known.contains(&ecosystem) => {
                report
                    .matches
                    .extend(match_in(database, package, &ecosystem)?);
                continue;
            }
            Ok(ecosystem) => {
                format!("the database has no advisories for {ecosystem}: import a feed with them")
            }
            Err(unsupported) => unsupported.to_string(),
        };
        let distribution = format!("{} {}", package.distribution, package.version_id);
        *uncovered.entry((distribution, reason)).or_default() += 1;
    }
    report.uncovered = uncovered
        .into_iter()
        .map(|((distribution, reason), packages)| Uncovered {
            distribution,
            packages,
            reason,
        })
        .collect();
    Ok(report)
}

/// Matches one package, sorted by vulnerability.
fn match_in(
    database: &Database,
    package: &Package,
    ecosystem: &str,
) -> Result<Vec<Match>, DatabaseError> {
    let Some(scheme) = Scheme::of_ecosystem(ecosystem) else {
        return Ok(Vec::new());
    };
    let records = database.lookup(ecosystem, &package.source_name)?;
    let mut by_vulnerability: BTreeMap<&str, Vec<&Advisory>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.withdrawn.is_none()) {
        for vulnerability in record.vulnerabilities() {
            by_vulnerability
                .entry(vulnerability)
                .or_default()
                .push(record);
        }
    }
    let subject = Subject {
        scheme,
        ecosystem,
        package,
    };
    let mut matches = Vec::new();
    for (vulnerability, records) in by_vulnerability {
        if let Some(decision) = decide::decide(subject, vulnerability, &records) {
            matches.push(describe(database, subject, vulnerability, decision)?);
        }
    }
    Ok(matches)
}

/// Fills in what other feeds know of the vulnerability: titles, ratings, links.
fn describe(
    database: &Database,
    subject: Subject<'_>,
    vulnerability: &str,
    decision: Decision<'_>,
) -> Result<Match, DatabaseError> {
    let mut known = database.naming(vulnerability)?;
    known.retain(|record| record.withdrawn.is_none());
    known.iter_mut().for_each(|record| subject.demote(record));
    known.sort_by_key(|record| record.authority);
    let alone = || {
        known
            .iter()
            .filter(|record| record.vulnerabilities().len() == 1)
    };
    let mut aliases: Vec<String> = alone()
        .flat_map(|record| std::iter::once(&record.id).chain(&record.aliases))
        .filter(|name| *name != vulnerability)
        .cloned()
        .collect();
    aliases.sort();
    aliases.dedup();
    let text = |pick: fn(&Advisory) -> &String| {
        let mut texts = alone().chain(&known).map(pick);
        texts
            .find(|text| !text.is_empty())
            .cloned()
            .unwrap_or_default()
    };
    let description = text(|record| &record.details);
    let mut title = text(|record| &record.summary);
    if title.is_empty() {
        title = beginning(&description);
    }
    Ok(Match {
        vulnerability: vulnerability.to_owned(),
        aliases,
        advisories: decision.advisories,
        source: decision.source.to_owned(),
        package: subject.package.clone(),
        installed: subject.package.source_version.clone(),
        fixed_version: decision.fixed_version,
        status: decision.status,
        severities: merge::severities(known.iter()),
        title,
        description,
        urls: urls(&known),
        explanation: decision.explanation,
    })
}

/// Returns every link once.
fn urls(known: &[Advisory]) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    for reference in known.iter().flat_map(|record| &record.references) {
        if !urls.contains(&reference.url) {
            urls.push(reference.url.clone());
        }
    }
    urls
}

/// Returns the first sentence or line of a description, at most 120 characters.
fn beginning(description: &str) -> String {
    let line = description
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let sentence = line
        .split_once(". ")
        .map_or(line, |(first, _)| first)
        .trim();
    let mut short: String = sentence.chars().take(120).collect();
    if short.len() < sentence.len() {
        short.push('…');
    }
    short
}
