//! What other feeds know of a vulnerability that matched: titles, ratings, links, exploits.

use crate::database::{Database, DatabaseError, merge};
use crate::record::{Advisory, Authority, Kind as RecordKind};

use super::decide::{Decision, Subject};
use super::{Confidence, Match, distribution};

/// A record about the vulnerability.
struct Known<'a> {
    record: &'a Advisory,
    /// Whether it is another distribution's, see [`Subject::is_others`].
    is_others: bool,
    /// Whether it is about this vulnerability only: a bundle's title and exploits are not those
    /// of one of its vulnerabilities.
    alone: bool,
}

impl<'a> Known<'a> {
    fn of(subject: Subject<'_>, record: &'a Advisory) -> Self {
        Self {
            is_others: subject.is_others(record),
            alone: record.vulnerabilities().len() == 1,
            record,
        }
    }

    fn authority(&self) -> Authority {
        match self.is_others {
            true => Authority::Other,
            false => self.record.authority,
        }
    }
}

/// Makes a match of a decision.
pub(super) fn describe(
    database: &Database,
    subject: Subject<'_>,
    vulnerability: &str,
    decision: Decision<'_>,
) -> Result<Match, DatabaseError> {
    let named = database.naming(vulnerability)?;
    let live = named.iter().filter(|record| record.withdrawn.is_none());
    let mut known: Vec<Known<'_>> = live.map(|record| Known::of(subject, record)).collect();
    if named.is_empty() {
        known.push(Known::of(subject, decision.record));
    }
    known.sort_by_key(Known::authority);
    let note = distribution::kernel_note(subject.package);
    let mut described = Match {
        vulnerability: vulnerability.to_owned(),
        kind: decision.record.kind,
        aliases: aliases(&known, vulnerability),
        advisories: decision.advisories,
        source: decision.record.source.clone(),
        package: subject.package.clone(),
        installed: subject.version.to_owned(),
        fixed_version: decision.fixed_version,
        status: decision.status,
        confidence: match note {
            Some(_) => Confidence::Low,
            None => Confidence::High,
        },
        severities: Vec::new(),
        epss: None,
        kev: None,
        ssvc: None,
        published: None,
        modified: decision.record.modified.clone(),
        title: String::new(),
        description: String::new(),
        urls: Vec::new(),
        reason: decision.reason,
        explanation: decision.explanation,
        note: note.map(str::to_owned),
        database: database.meta().version.clone(),
    };
    if described.kind == RecordKind::Malicious {
        described.note =
            Some("The package was made to do harm; whoever ran it is compromised.".to_owned());
    }
    fill_in(&mut described, &known);
    Ok(described)
}

/// Adds what records about a vulnerability say, the most trusted first.
fn fill_in(described: &mut Match, known: &[Known<'_>]) {
    let first = |pick: fn(&Advisory) -> &String| {
        let all = known.iter().map(|known| known.record);
        let texts = alone(known).chain(all).map(pick);
        let mut texts = texts.filter(|text| !text.is_empty());
        texts.next().cloned().unwrap_or_default()
    };
    described.description = first(|record| &record.details);
    described.title = first(|record| &record.summary);
    if described.title.is_empty() {
        described.title = beginning(&described.description);
    }
    let about_it = known.iter().filter(|known| known.alone);
    described.severities = merge::severities(about_it.map(|it| (it.record, it.is_others)));
    described.epss = alone(known).find_map(|record| record.epss.clone());
    described.kev = alone(known).find_map(|record| record.kev.clone());
    described.ssvc = alone(known).find_map(|record| record.ssvc.clone());
    described.published = known
        .iter()
        .filter_map(|known| known.record.published.as_ref())
        .min()
        .cloned();
    described.urls = urls(known);
}

fn alone<'a>(known: &'a [Known<'a>]) -> impl Iterator<Item = &'a Advisory> {
    let alone = known.iter().filter(|known| known.alone);
    alone.map(|known| known.record)
}

/// Returns other names of it. The name of a distribution's advisory is that of an update, of
/// which one vulnerability may have several.
fn aliases(known: &[Known<'_>], vulnerability: &str) -> Vec<String> {
    let is_name = |record: &&Advisory| {
        record.authority != Authority::Distribution || record.id.ends_with(vulnerability)
    };
    let ids = alone(known).filter(is_name).map(|record| &record.id);
    let mut aliases: Vec<String> = ids
        .chain(alone(known).flat_map(|record| &record.aliases))
        .filter(|name| *name != vulnerability)
        .cloned()
        .collect();
    aliases.sort();
    aliases.dedup();
    aliases
}

/// Returns every link once.
fn urls(known: &[Known<'_>]) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    for reference in known.iter().flat_map(|known| &known.record.references) {
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
