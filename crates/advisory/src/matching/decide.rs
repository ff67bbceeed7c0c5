//! What follows from several feeds' statements about one vulnerability of one package.

use std::collections::BTreeSet;

use crate::record::{Advisory, Affected, Authority, Status};
use crate::version::Scheme;

use super::ranges::{Position, position};
use super::{Kind, Package};

/// What is being decided about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) scheme: Scheme,
    pub(super) ecosystem: &'a str,
    pub(super) package: &'a Package,
}

impl Subject<'_> {
    /// Takes another distribution's rating down: it knows its own build, not this one.
    pub(super) fn demote(self, record: &mut Advisory) {
        let family = |ecosystem: &str| ecosystem.split(':').next().map(str::to_owned);
        let own = family(self.ecosystem);
        let is_own = record
            .affected
            .iter()
            .any(|entry| family(&entry.ecosystem) == own);
        if record.authority == Authority::Distribution && !is_own {
            record.authority = Authority::Other;
            let special = record
                .affected
                .iter_mut()
                .flat_map(|entry| &mut entry.severities);
            for entry in record.severities.iter_mut().chain(special) {
                entry.authority = Authority::Other;
            }
        }
    }
}

/// The package is affected, and this is why.
#[derive(Debug)]
pub(super) struct Decision<'a> {
    pub(super) source: &'a str,
    pub(super) advisories: Vec<String>,
    pub(super) fixed_version: Option<String>,
    pub(super) status: Status,
    pub(super) explanation: String,
}

/// One advisory's word on the subject.
struct Verdict<'a> {
    record: &'a Advisory,
    affected: &'a Affected,
    position: Position,
}

impl Verdict<'_> {
    fn is_affected(&self) -> bool {
        matches!(self.position, Position::Affected { .. })
    }
}

/// Decides by the most trusted statement; `None` means not affected, or nobody says so.
///
/// Trust goes by authority, then a statement about this vulnerability alone before a bundle
/// (a tracker's entry is more exact than a collective advisory). Between equals an explicit "not
/// affected" wins, then "affected": the same fix listed twice means the first was incomplete.
pub(super) fn decide<'a>(
    subject: Subject<'_>,
    vulnerability: &str,
    records: &[&'a Advisory],
) -> Option<Decision<'a>> {
    let mut verdicts: Vec<Verdict<'a>> = Vec::new();
    for record in records {
        verdicts.extend(verdicts_of(subject, record));
    }
    verdicts.retain(|verdict| verdict.position != Position::Unknown);
    let rank = |verdict: &Verdict<'_>| {
        (
            verdict.record.authority,
            verdict.record.vulnerabilities().len() > 1,
        )
    };
    let best = verdicts.iter().map(rank).min()?;
    let deciding: Vec<&Verdict<'a>> = verdicts.iter().filter(|it| rank(it) == best).collect();
    if deciding
        .iter()
        .any(|verdict| verdict.position == Position::NotAffected)
    {
        return None;
    }
    let verdict = deciding
        .iter()
        .filter(|verdict| verdict.is_affected())
        .reduce(|a, b| {
            if later_fix(subject.scheme, &a.position, &b.position) {
                b
            } else {
                a
            }
        })?;
    let Position::Affected { fixed } = &verdict.position else {
        return None;
    };
    Some(Decision {
        source: &verdict.record.source,
        advisories: advisories(&verdicts),
        fixed_version: fixed.clone(),
        status: verdict.affected.status,
        explanation: explain(subject, vulnerability, verdict, fixed.as_deref()),
    })
}

/// Every advisory that calls the package affected, sorted.
fn advisories(verdicts: &[Verdict<'_>]) -> Vec<String> {
    let affected = verdicts.iter().filter(|verdict| verdict.is_affected());
    let ids: BTreeSet<&String> = affected.map(|verdict| &verdict.record.id).collect();
    ids.into_iter().cloned().collect()
}

fn verdicts_of<'a>(subject: Subject<'_>, record: &'a Advisory) -> Vec<Verdict<'a>> {
    let own = record.affected.iter().filter(|affected| {
        affected.ecosystem == subject.ecosystem && affected.package == subject.package.source_name
    });
    own.map(|affected| {
        let installed = &subject.package.source_version;
        let mut place = position(subject.scheme, installed, affected);
        if matches!(place, Position::Affected { fixed: None }) && has_fix_of_sid(subject, record) {
            place = Position::NotAffected;
        }
        Verdict {
            record,
            affected,
            position: place,
        }
    })
    .collect()
}

/// Debian leaves a release "open" when its version already contains sid's fix, as backports and
/// point releases do; whoever has sid's fixed version is not affected.
fn has_fix_of_sid(subject: Subject<'_>, record: &Advisory) -> bool {
    let sid = record.affected.iter().filter(|affected| {
        affected.ecosystem == "Debian:sid" && affected.package == subject.package.source_name
    });
    let installed = &subject.package.source_version;
    sid.into_iter().any(|affected| {
        matches!(
            position(subject.scheme, installed, affected),
            Position::Fixed { .. }
        )
    })
}

/// Whether `b` is fixed later than `a`, or never.
fn later_fix(scheme: Scheme, a: &Position, b: &Position) -> bool {
    match (a, b) {
        (Position::Affected { fixed: Some(a) }, Position::Affected { fixed: Some(b) }) => {
            scheme.compare(a, b).is_ok_and(std::cmp::Ordering::is_lt)
        }
        // An open statement beside one with a fix says less.
        (Position::Affected { fixed: None }, Position::Affected { fixed: Some(_) }) => true,
        _ => false,
    }
}

fn explain(
    subject: Subject<'_>,
    vulnerability: &str,
    verdict: &Verdict<'_>,
    fixed: Option<&str>,
) -> String {
    let package = subject.package;
    let what = match package.kind {
        Kind::Deb => "source package",
        Kind::Apk => "origin",
    };
    let release = subject.ecosystem.replacen(':', " ", 1);
    let (source, id) = (&verdict.record.source, &verdict.record.id);
    let place = format!("{what} {} in {release}", package.source_name);
    let advisory = if id == vulnerability {
        source.clone()
    } else {
        format!("{source} ({id})")
    };
    let installed = &package.source_version;
    let mut text = match fixed {
        Some(fixed) => {
            format!("{advisory}: {place} is fixed in {fixed}; installed is the older {installed}.")
        }
        None => format!("{advisory}: {place} has no fixed version; installed is {installed}."),
    };
    if verdict.affected.status != Status::Affected {
        text.push_str(&format!(
            " Its status is: {}",
            verdict.affected.status.as_str()
        ));
        if let Some(reason) = &verdict.affected.reason {
            text.push_str(&format!(" ({reason})"));
        }
        text.push('.');
    }
    text
}
