//! Why a finding of an earlier matching is no longer there.

use serde::{Deserialize, Serialize};

use crate::database::{Database, DatabaseError};
use crate::ecosystem::package_name;
use crate::record::{Advisory, Kind as RecordKind};

use super::{Match, Matcher, Package};

/// A finding as it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The vulnerability.
    pub vulnerability: String,
    /// The package it was found in.
    pub package: Package,
}

/// A finding that disappeared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// The finding.
    pub finding: Known,
    /// Why, in a sentence.
    pub why: String,
}

/// Returns the findings of `before` that are not in `after`, each with the reason.
///
/// `packages` are those that were matched now.
///
/// # Errors
/// The database cannot be read.
pub fn gone(
    database: &Database,
    before: &[Known],
    packages: &[Package],
    after: &[Match],
) -> Result<Vec<Gone>, DatabaseError> {
    let matcher = Matcher::new(database);
    let mut gone = Vec::new();
    for known in before {
        let is_there = |found: &Match| {
            found.package == known.package
                && (found.vulnerability == known.vulnerability
                    || found.aliases.contains(&known.vulnerability))
        };
        if after.iter().any(is_there) {
            continue;
        }
        gone.push(Gone {
            finding: known.clone(),
            why: why(database, &matcher, known, packages)?,
        });
    }
    Ok(gone)
}

fn why(
    database: &Database,
    matcher: &Matcher<'_>,
    known: &Known,
    packages: &[Package],
) -> Result<String, DatabaseError> {
    let package = &known.package;
    if !packages.contains(package) {
        return Ok(other_version(package, packages));
    }
    if let Some(reason) = matcher.why_not(package, &known.vulnerability)? {
        return Ok(reason);
    }
    let records = database.naming(&known.vulnerability)?;
    // Ratings of the vulnerability, such as NVD's, neither keep a finding nor end it.
    let about: Vec<_> = records.iter().filter(|it| is_about(it, package)).collect();
    let withdrawn = about.iter().find(|record| record.withdrawn.is_some());
    if let (Some(record), true) = (withdrawn, about.iter().all(|it| it.withdrawn.is_some())) {
        let when = record.withdrawn.as_deref().unwrap_or_default();
        let reason = record.withdrawn_reason.as_deref();
        let reason = reason.map(|text| format!(": {text}")).unwrap_or_default();
        return Ok(format!(
            "{} ({}) was withdrawn on {when}{reason}.",
            record.source, record.id
        ));
    }
    if let Some(record) = records
        .iter()
        .find(|it| it.kind == RecordKind::Informational)
    {
        return Ok(format!(
            "{} ({}) is informational, not a vulnerability.",
            record.source, record.id
        ));
    }
    let name = package.key().0;
    let names_packages = records.iter().any(|record| !record.affected.is_empty());
    Ok(match names_packages {
        false => format!("The database no longer knows {}.", known.vulnerability),
        true => format!(
            "No advisory about {} names {name} any more.",
            known.vulnerability
        ),
    })
}

fn is_about(record: &Advisory, package: &Package) -> bool {
    let (source, _) = package.key();
    record.affected.iter().any(|entry| {
        let stated = package_name(&entry.ecosystem, &entry.package);
        [source, &package.name]
            .iter()
            .any(|name| package_name(&entry.ecosystem, name) == stated)
    })
}

fn other_version(package: &Package, packages: &[Package]) -> String {
    let same = |other: &&Package| other.kind == package.kind && other.name == package.name;
    match packages.iter().find(same) {
        Some(other) => format!(
            "{} {} was replaced by {}.",
            package.name, package.version, other.version
        ),
        None => format!("{} {} is no longer there.", package.name, package.version),
    }
}
