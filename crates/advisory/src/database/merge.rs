//! One vulnerability out of what all feeds say about it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::record::{Advisory, Affected, Authority, Reference, SeverityEntry};

use super::{Database, DatabaseError};

/// All that is known of a vulnerability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vulnerability {
    /// The CVE id, or the id asked for where there is none.
    pub id: String,
    /// Its other names, sorted.
    pub aliases: Vec<String>,
    /// The first title found, in the order of authority.
    pub summary: String,
    /// The first description found, likewise.
    pub details: String,
    /// The earliest publication date.
    pub published: Option<String>,
    /// The latest modification date.
    pub modified: Option<String>,
    /// Every rating of every source.
    pub severities: Vec<SeverityEntry>,
    /// Links, each once.
    pub references: Vec<Reference>,
    /// What each source says, unmerged.
    pub statements: Vec<Statement>,
}

/// What one advisory says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// The advisory's id.
    pub advisory: String,
    /// The feed.
    pub source: String,
    /// The weight of its word.
    pub authority: Authority,
    /// When it was taken back, if it was; it says nothing then.
    pub withdrawn: Option<String>,
    /// The packages it is about.
    pub affected: Vec<Affected>,
}

/// Finds the records that name `id`, then those that name one of its aliases.
pub(super) fn vulnerability(
    database: &Database,
    id: &str,
) -> Result<Option<Vulnerability>, DatabaseError> {
    let mut names = BTreeSet::from([id.to_owned()]);
    let mut records: Vec<Advisory> = database.naming(id)?;
    for record in records.iter().filter(|record| is_about_one(record)) {
        names.insert(record.id.clone());
        names.extend(record.aliases.iter().cloned());
    }
    let others: Vec<String> = names.iter().filter(|name| *name != id).cloned().collect();
    for name in others {
        for record in database.naming(&name)? {
            if is_about_one(&record) && !records.contains(&record) {
                records.push(record);
            }
        }
    }
    if records.is_empty() {
        return Ok(None);
    }
    records.sort_by_key(|record| record.authority);
    Ok(Some(merge(id, names, &records)))
}

/// An advisory that bundles several vulnerabilities must not make them aliases of each other.
fn is_about_one(record: &Advisory) -> bool {
    record.upstream.len() <= 1 && record.vulnerabilities().len() == 1
}

fn merge(asked: &str, mut names: BTreeSet<String>, records: &[Advisory]) -> Vulnerability {
    let id = names
        .iter()
        .find(|name| name.starts_with("CVE-"))
        .map_or(asked, String::as_str);
    let id = if asked.starts_with("CVE-") {
        asked.to_owned()
    } else {
        id.to_owned()
    };
    names.remove(&id);
    let live = || records.iter().filter(|record| record.withdrawn.is_none());
    let first = |text: fn(&Advisory) -> &String| {
        live()
            .map(text)
            .find(|text| !text.is_empty())
            .cloned()
            .unwrap_or_default()
    };
    let mut references: Vec<Reference> = Vec::new();
    for reference in live().flat_map(|record| &record.references) {
        if !references.iter().any(|known| known.url == reference.url) {
            references.push(reference.clone());
        }
    }
    Vulnerability {
        aliases: names.into_iter().collect(),
        summary: first(|record| &record.summary),
        details: first(|record| &record.details),
        published: live().filter_map(|record| record.published.clone()).min(),
        modified: live().filter_map(|record| record.modified.clone()).max(),
        severities: severities(live()),
        references,
        statements: records.iter().map(Statement::of).collect(),
        id,
    }
}

/// Returns the ratings of advisories about one vulnerability, each once; a bundle's rating is
/// that of its worst part and says nothing about the others.
pub(crate) fn severities<'a>(records: impl Iterator<Item = &'a Advisory>) -> Vec<SeverityEntry> {
    let mut found: Vec<SeverityEntry> = Vec::new();
    for record in records.filter(|record| record.vulnerabilities().len() == 1) {
        let special = record
            .affected
            .iter()
            .flat_map(|affected| &affected.severities);
        for entry in record.severities.iter().chain(special) {
            if !found.contains(entry) {
                found.push(entry.clone());
            }
        }
    }
    found.sort_by_key(|entry| entry.authority);
    found
}

impl Statement {
    fn of(record: &Advisory) -> Self {
        Self {
            advisory: record.id.clone(),
            source: record.source.clone(),
            authority: record.authority,
            withdrawn: record.withdrawn.clone(),
            affected: record.affected.clone(),
        }
    }
}
