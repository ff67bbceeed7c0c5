//! Which installed packages are affected by which vulnerabilities, and why.
//!
//! Distribution packages are matched by what their distribution says of its release: by source
//! package on Debian and its relatives, by origin on Alpine and its, by binary package, epoch and
//! module on rpm systems. Language packages are matched by their ecosystem's ranges. CPE names
//! are asked only of what nobody else knows. All statements about one vulnerability of one
//! package become one [`Match`]; `docs/matching.md` has the rules in a table.

mod beside;
mod compare;
mod cpe;
mod decide;
mod describe;
mod distribution;
mod group;
mod keys;
mod limits;
mod package;
mod ranges;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::database::{Database, DatabaseError};
use crate::record::{Advisory, CPE, Epss, Kev, Kind as RecordKind, SeverityEntry, Ssvc, Status};
use crate::score::{Score, preferred_score};

pub use compare::{Gone, Known, gone};
pub use keys::{RULES_VERSION, keys};
pub use package::{Kind, Package};

use decide::{Outcome, Subject};
use package::Place;

/// How sure a match is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The package does not hold what is affected, or the statement names no version.
    Low,
    /// By a CPE name and its bounds.
    Medium,
    /// By the distribution's or the ecosystem's own statement.
    #[default]
    High,
}

/// The statement that decided, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reason {
    /// The advisory's id.
    pub advisory: String,
    /// The feed it came from.
    pub source: String,
    /// The ecosystem it names.
    pub ecosystem: String,
    /// The package it names.
    pub name: String,
    /// The range that holds the installed version, such as `>= 1.0, < 1.9`.
    pub range: String,
    /// The order by which versions were compared.
    pub order: String,
    /// The feed's own word for the status (`no-dsa`, `Fix deferred`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_word: Option<String>,
    /// What the feed says about the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// One vulnerability of one installed package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// The CVE id, or the advisory's own where there is none.
    pub vulnerability: String,
    /// Whether it is a vulnerability, or a package made to do harm.
    #[serde(default)]
    pub kind: RecordKind,
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
    /// How sure it is.
    #[serde(default)]
    pub confidence: Confidence,
    /// Every rating of every source, in the order in which they are preferred.
    pub severities: Vec<SeverityEntry>,
    /// How likely it is to be exploited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<Epss>,
    /// That it is known to be exploited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kev: Option<Kev>,
    /// CISA's decision points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssvc: Option<Ssvc>,
    /// Since when it is published, as the feeds wrote it: the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// When the deciding advisory was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// One line; the beginning of the description where no feed has a title.
    pub title: String,
    /// The longest text of the most trusted feed that has one.
    pub description: String,
    /// Links, each once.
    pub urls: Vec<String>,
    /// The statement that decided.
    #[serde(default)]
    pub reason: Reason,
    /// Why it matched, in a sentence or two.
    pub explanation: String,
    /// What else to know, such as that only header files are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The version of the database that said so.
    #[serde(default)]
    pub database: String,
}

impl Match {
    /// Returns the score shown, see [`preferred_score`].
    pub fn score(&self) -> Option<Score> {
        preferred_score(&self.severities)
    }

    /// Returns whether it obliges anybody: the package as built holds what is affected.
    pub fn counts(&self) -> bool {
        self.status != Status::Unimportant && self.confidence > Confidence::Low
    }
}

/// What is worth knowing of a package without being a vulnerability: RustSec's informational
/// records (unmaintained, unsound, notice).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The advisory.
    pub advisory: String,
    /// The package's name.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The feed's word: `unmaintained`, `unsound`, `notice`.
    pub word: String,
    /// One line.
    pub title: String,
}

/// What the database says about one package.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// By vulnerability.
    pub matches: Vec<Match>,
    /// What is no vulnerability.
    pub notices: Vec<Notice>,
}

/// The matches of a set of packages, and what could not be matched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// By package, in the order given, then by vulnerability.
    pub matches: Vec<Match>,
    /// What is no vulnerability, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// Packages about which the database cannot say anything; "no match" means nothing there.
    pub uncovered: Vec<Uncovered>,
}

/// Packages that could not be matched, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uncovered {
    /// The distribution's id and version, or the ecosystem.
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
    #[error("nobody publishes advisories for distribution `{distribution}` that are read here")]
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
    /// The distribution does not answer for packages of others.
    #[error("built by {supplier}: the distribution publishes nothing about it")]
    ThirdParty {
        /// Who built it.
        supplier: String,
    },
    /// Neither package manager nor ecosystem, and no CPE name.
    #[error("nobody publishes advisories for packages of its kind")]
    Kind,
    /// The feed is missing.
    #[error("the database has no advisories for {ecosystem}: import a feed with them")]
    NotImported {
        /// The ecosystem.
        ecosystem: String,
    },
}

/// Returns the OSV ecosystem of a package: `Debian:11`, `Alpine:v3.18`, `PyPI`.
pub fn ecosystem(package: &Package) -> Result<String, Unsupported> {
    let place = package.place()?;
    place.ecosystems.into_iter().next().ok_or(Unsupported::Kind)
}

/// Matches packages with one database.
pub struct Matcher<'a> {
    database: &'a Database,
    /// Releases' places, which most packages of an image share.
    known: Vec<&'a str>,
}

impl<'a> Matcher<'a> {
    /// Prepares for matching with a database.
    pub fn new(database: &'a Database) -> Self {
        let known = database.meta().ecosystems.iter().map(String::as_str);
        Self {
            database,
            known: known.collect(),
        }
    }

    /// Matches one package; the answer does not depend on any other package. The inner error
    /// says why nothing can be said about it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn package(&self, package: &Package) -> Result<Result<Answer, Unsupported>, DatabaseError> {
        match self.place(package) {
            Ok(place) => self.answer(package, &place).map(Ok),
            // What a distribution or an ecosystem answers for is theirs, imported or not.
            Err(Unsupported::Kind) if !package.cpes.is_empty() => {
                match self.known.binary_search(&CPE) {
                    Ok(_) => cpe::answer(self.database, package).map(Ok),
                    Err(_) => Ok(Err(Unsupported::NotImported {
                        ecosystem: CPE.to_owned(),
                    })),
                }
            }
            Err(unsupported) => Ok(Err(unsupported)),
        }
    }

    fn place(&self, package: &Package) -> Result<Place, Unsupported> {
        let mut place = package.place()?;
        let first = place.ecosystems.first().cloned().unwrap_or_default();
        let is_known = |name: &String| self.known.binary_search(&name.as_str()).is_ok();
        place.ecosystems.retain(&is_known);
        place.extended.retain(&is_known);
        match place.ecosystems.is_empty() && place.extended.is_empty() {
            true => Err(Unsupported::NotImported { ecosystem: first }),
            false => Ok(place),
        }
    }

    fn answer(&self, package: &Package, place: &Place) -> Result<Answer, DatabaseError> {
        let Some(subject) = Subject::of(package, place) else {
            return Ok(Answer::default());
        };
        let records = self.records(subject)?;
        let live = |record: &&Advisory| record.withdrawn.is_none();
        let (notices, records): (Vec<&Advisory>, Vec<&Advisory>) = records
            .iter()
            .map(AsRef::as_ref)
            .filter(live)
            .partition(|record| record.kind == RecordKind::Informational);
        let mut answer = Answer {
            notices: notices_of(subject, &notices),
            ..Answer::default()
        };
        for (vulnerability, records) in group::by_vulnerability(&records) {
            if let Outcome::Affected(decision) = decide::decide(subject, &vulnerability, &records) {
                let described =
                    describe::describe(self.database, subject, &vulnerability, *decision)?;
                answer.matches.push(described);
            }
        }
        Ok(answer)
    }

    /// Returns every record about the subject, each once: one may speak of several ecosystems.
    fn records(&self, subject: Subject<'_>) -> Result<Vec<Arc<Advisory>>, DatabaseError> {
        let mut ecosystems = subject.ecosystems.iter().chain(subject.extended);
        if let (Some(only), None) = (ecosystems.next(), ecosystems.next()) {
            return self.database.lookup(only, subject.name);
        }
        let (mut records, mut ids) = (Vec::new(), HashSet::new());
        for ecosystem in subject.ecosystems.iter().chain(subject.extended) {
            for record in self.database.lookup(ecosystem, subject.name)? {
                // Only those with the same id can be the same.
                if ids.insert(record.id.clone()) || !records.contains(&record) {
                    records.push(record);
                }
            }
        }
        Ok(records)
    }

    /// Returns what the statements of a vulnerability say about a package that is not affected:
    /// one sentence, or `None` if they say nothing or say that it is.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn why_not(
        &self,
        package: &Package,
        vulnerability: &str,
    ) -> Result<Option<String>, DatabaseError> {
        let Ok(place) = self.place(package) else {
            return Ok(None);
        };
        let Some(subject) = Subject::of(package, &place) else {
            return Ok(None);
        };
        let records = self.database.naming(vulnerability)?;
        let live = records.iter().filter(|it| it.withdrawn.is_none());
        let live: Vec<&Advisory> = live.map(AsRef::as_ref).collect();
        Ok(match decide::decide(subject, vulnerability, &live) {
            Outcome::Not(reason) => Some(reason),
            _ => None,
        })
    }
}

/// Returns the informational records that hold for the installed version.
fn notices_of(subject: Subject<'_>, records: &[&Advisory]) -> Vec<Notice> {
    let affected = records.iter().filter(|record| {
        matches!(
            decide::decide(subject, &record.id, &[record]),
            Outcome::Affected(_)
        )
    });
    let notice = |record: &&&Advisory| Notice {
        advisory: record.id.clone(),
        package: subject.package.name.clone(),
        version: subject.package.version.clone(),
        word: record
            .informational
            .clone()
            .unwrap_or_else(|| "notice".to_owned()),
        title: record.summary.clone(),
    };
    affected.map(|record| notice(&record)).collect()
}

/// Matches packages against a database; packages of unknown distributions are reported, not
/// errors. Each package is matched by itself, so the result does not depend on the others.
pub fn match_packages(database: &Database, packages: &[Package]) -> Result<Report, DatabaseError> {
    let matcher = Matcher::new(database);
    let mut report = Report::default();
    let mut uncovered = Uncoverings::default();
    for package in packages {
        match matcher.package(package)? {
            Ok(answer) => {
                report.matches.extend(answer.matches);
                report.notices.extend(answer.notices);
            }
            Err(reason) => uncovered.add(package, &reason),
        }
    }
    report.uncovered = uncovered.into_list();
    Ok(report)
}

/// Counts packages that could not be matched, by reason.
#[derive(Debug, Default)]
pub struct Uncoverings(BTreeMap<(String, String), u64>);

impl Uncoverings {
    /// Adds a package.
    pub fn add(&mut self, package: &Package, reason: &Unsupported) {
        let what = match package.kind.ecosystem() {
            Some(ecosystem) => ecosystem.to_owned(),
            None => format!("{} {}", package.distribution, package.version_id),
        };
        *self.0.entry((what, reason.to_string())).or_default() += 1;
    }

    /// Returns them by distribution, then by reason.
    pub fn into_list(self) -> Vec<Uncovered> {
        let each = self.0.into_iter();
        each.map(|((distribution, reason), packages)| Uncovered {
            distribution,
            packages,
            reason,
        })
        .collect()
    }
}
