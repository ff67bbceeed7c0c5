//! One vulnerability out of what all feeds say about it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::record::{Advisory, Affected, Authority, Kind, Reference, SeverityEntry};

use super::{Database, DatabaseError, Exploitation};

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
    /// Weaknesses, such as `CWE-79`, sorted.
    pub weaknesses: Vec<String>,
    /// EPSS, KEV and SSVC.
    pub exploitation: Exploitation,
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
    /// What it is about.
    pub kind: Kind,
    /// The feed's word for an informational record.
    pub informational: Option<String>,
    /// When it was taken back, if it was; it says nothing then.
    pub withdrawn: Option<String>,
    /// Why, where the feed says.
    pub withdrawn_reason: Option<String>,
    /// The ratings it gives.
    pub severities: Vec<SeverityEntry>,
    /// The packages it is about.
    pub affected: Vec<Affected>,
}

/// Names followed from alias to alias; a vulnerability has a handful.
const MAX_NAMES: usize = 256;

/// Finds the records that name `id`, those that name one of its aliases, and so on.
///
/// Aliases are followed through records about one vulnerability only, and never into another
/// CVE: a wrong alias in one feed must not make one vulnerability out of two.
pub(super) fn vulnerability(
    database: &Database,
    id: &str,
) -> Result<Option<Vulnerability>, DatabaseError> {
    let mut records: Vec<Arc<Advisory>> = Vec::new();
    let mut cve = is_cve(id).then(|| id.to_owned());
    let mut names = BTreeSet::from([id.to_owned()]);
    let mut open = VecDeque::from([id.to_owned()]);
    while let Some(name) = open.pop_front() {
        let mut found = database.naming(&name)?;
        if name != id {
            found.retain(|record| is_about_one(record));
        }
        if cve.is_none() {
            let mut named = found.iter().filter(|it| is_about_one(it));
            cve = named.find_map(|record| own_cve(record).map(str::to_owned));
        }
        for record in found {
            let stranger = own_cve(&record).is_some_and(|own| cve.as_deref() != Some(own));
            if records.contains(&record) || stranger && is_about_one(&record) && name != id {
                continue;
            }
            if is_about_one(&record) && !stranger {
                let linked = std::iter::once(&record.id)
                    .chain(&record.aliases)
                    .chain(&cve);
                for alias in linked.filter(|alias| !is_cve(alias) || Some(*alias) == cve.as_ref()) {
                    if names.len() < MAX_NAMES && names.insert(alias.clone()) {
                        open.push_back(alias.clone());
                    }
                }
            }
            records.push(record);
        }
    }
    if records.is_empty() {
        return Ok(None);
    }
    records.sort_by_key(|record| record.authority);
    Ok(Some(merge(id, names, &records)))
}

fn is_cve(id: &str) -> bool {
    id.starts_with("CVE-")
}

/// Returns the CVE a record about one vulnerability is about.
fn own_cve(record: &Advisory) -> Option<&str> {
    record.vulnerabilities().into_iter().find(|id| is_cve(id))
}

/// An advisory that bundles several vulnerabilities must not make them aliases of each other.
fn is_about_one(record: &Advisory) -> bool {
    record.upstream.len() <= 1 && record.vulnerabilities().len() == 1
}

fn merge(asked: &str, mut names: BTreeSet<String>, records: &[Arc<Advisory>]) -> Vulnerability {
    let all = || records.iter().map(AsRef::as_ref);
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
    let live = || all().filter(|record: &&Advisory| record.withdrawn.is_none());
    let first = |text: fn(&Advisory) -> &String| {
        live()
            .map(text)
            .find(|text| !text.is_empty())
            .cloned()
            .unwrap_or_default()
    };
    let about_one = live().filter(|record| record.vulnerabilities().len() == 1);
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
        severities: severities(about_one.map(|record| (record, false))),
        weaknesses: live()
            .flat_map(|record| record.weaknesses.iter().cloned())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        exploitation: Exploitation::of(all()),
        references,
        statements: all().map(Statement::of).collect(),
        id,
    }
}

/// Gathers the ratings of records about one vulnerability, each once, in order of preference.
/// Of records marked so, the ratings are another distribution's: it knows its own build, not
/// the one that is asked about.
pub(crate) fn severities<'a>(
    records: impl Iterator<Item = (&'a Advisory, bool)>,
) -> Vec<SeverityEntry> {
    let mut found: Vec<SeverityEntry> = Vec::new();
    for (record, is_others) in records {
        let special = record
            .affected
            .iter()
            .flat_map(|affected| &affected.severities);
        for entry in record.severities.iter().chain(special) {
            let authority = match is_others {
                true => Authority::Other,
                false => entry.authority,
            };
            let same = |known: &SeverityEntry| {
                (known.authority, &known.source) == (authority, &entry.source)
                    && (&known.vector, known.score, known.word, &known.label)
                        == (&entry.vector, entry.score, entry.word, &entry.label)
            };
            if !found.iter().any(same) {
                found.push(SeverityEntry {
                    authority,
                    ..entry.clone()
                });
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
            kind: record.kind,
            informational: record.informational.clone(),
            withdrawn: record.withdrawn.clone(),
            withdrawn_reason: record.withdrawn_reason.clone(),
            severities: record.severities.clone(),
            affected: record.affected.clone(),
        }
    }
}
