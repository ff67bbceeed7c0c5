//! What follows from several feeds' statements about one vulnerability of one package.

use std::collections::BTreeSet;

use crate::ecosystem::package_name;
use crate::record::{Advisory, Affected, Authority, Status};
use crate::version::Scheme;

use super::limits;
use super::package::Place;
use super::ranges::{Position, position};
use super::{Kind, Package, Reason};

/// What is being decided about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) scheme: Scheme,
    /// Whose statements hold: one ecosystem, or a few that share packages.
    pub(super) ecosystems: &'a [String],
    /// Whose statements hold where the first ones know of no fix.
    pub(super) extended: &'a [String],
    /// The name the statements go by.
    pub(super) name: &'a str,
    /// The version they are compared with.
    pub(super) version: &'a str,
    pub(super) package: &'a Package,
}

impl<'a> Subject<'a> {
    /// Makes it of a package and where it belongs; nothing where nobody orders its versions.
    pub(super) fn of(package: &'a Package, place: &'a Place) -> Option<Self> {
        let (name, version) = package.key();
        let mut ecosystems = place.ecosystems.iter().chain(&place.extended);
        Some(Self {
            scheme: ecosystems.find_map(|name| Scheme::of_ecosystem(name))?,
            ecosystems: &place.ecosystems,
            extended: &place.extended,
            name,
            version,
            package,
        })
    }

    /// Whether a record is another distribution's: it knows its own build, not this one.
    pub(super) fn is_others(self, record: &Advisory) -> bool {
        let same = |a: &str, b: &str| a.split(':').next() == b.split(':').next();
        record.authority == Authority::Distribution
            && !record.affected.iter().any(|entry| {
                let mut own = self.ecosystems.iter();
                own.any(|name| same(name, &entry.ecosystem))
            })
    }
}

/// The package is affected, and this is why.
#[derive(Debug)]
pub(super) struct Decision<'a> {
    pub(super) record: &'a Advisory,
    pub(super) advisories: Vec<String>,
    pub(super) fixed_version: Option<String>,
    pub(super) status: Status,
    pub(super) reason: Reason,
    pub(super) explanation: String,
}

/// What the statements come to.
#[derive(Debug)]
pub(super) enum Outcome<'a> {
    /// It is affected.
    Affected(Box<Decision<'a>>),
    /// It is not, and this statement says why.
    Not(String),
    /// Nobody says anything that can be evaluated.
    Silent,
}

/// One advisory's word on the subject.
struct Verdict<'a> {
    record: &'a Advisory,
    affected: &'a Affected,
    position: Position,
    /// Why the entry is not about this package.
    excluded: Option<String>,
    /// Whether it is about a longer support than everybody has.
    extended: bool,
}

impl Verdict<'_> {
    fn is_affected(&self) -> bool {
        matches!(self.position, Position::Affected { .. })
    }
}

/// Decides by the most trusted statement.
///
/// Trust goes by authority, then a tracker's entry for this very vulnerability before a bundle,
/// which is less exact. Between equals an explicit "not affected" wins, then "affected": the
/// same fix listed twice means the first was incomplete.
pub(super) fn decide<'a>(
    subject: Subject<'_>,
    vulnerability: &str,
    records: &[&'a Advisory],
) -> Outcome<'a> {
    let mut verdicts: Vec<Verdict<'a>> = Vec::new();
    for record in records {
        verdicts.extend(verdicts_of(subject, record));
    }
    let excluded = verdicts.iter().find_map(|verdict| {
        let reason = verdict.excluded.as_ref()?;
        Some(format!("{}: {reason}", cite(verdict.record, vulnerability)))
    });
    verdicts.retain(|it| it.position != Position::Unknown && it.excluded.is_none());
    let (longer, verdicts): (Vec<_>, Vec<_>) = verdicts.into_iter().partition(|it| it.extended);
    let outcome = weigh(subject, vulnerability, &verdicts);
    match outcome {
        Outcome::Affected(decision) if decision.fixed_version.is_some() => {
            Outcome::Affected(decision)
        }
        Outcome::Not(reason) => Outcome::Not(reason),
        // Nothing, or no fix: the longer support may have one.
        other => match (weigh(subject, vulnerability, &longer), other) {
            (Outcome::Silent, Outcome::Silent) => excluded.map_or(Outcome::Silent, Outcome::Not),
            (Outcome::Silent, other) => other,
            (longer, _) => longer,
        },
    }
}

fn weigh<'a>(subject: Subject<'_>, vulnerability: &str, verdicts: &[Verdict<'a>]) -> Outcome<'a> {
    let rank = |verdict: &Verdict<'_>| {
        let record = verdict.record;
        let is_tracker = record.authority == Authority::Distribution;
        let is_own = is_tracker && record.id.ends_with(vulnerability);
        (record.authority, !is_own)
    };
    let Some(best) = verdicts.iter().map(rank).min() else {
        return Outcome::Silent;
    };
    let deciding: Vec<&Verdict<'a>> = verdicts.iter().filter(|it| rank(it) == best).collect();
    let denied = deciding
        .iter()
        .find(|it| it.position == Position::NotAffected);
    let affected = deciding.iter().filter(|verdict| verdict.is_affected());
    let affected =
        affected.reduce(
            |a, b| match later_fix(subject.scheme, &a.position, &b.position) {
                true => b,
                false => a,
            },
        );
    match (denied, affected) {
        (None, Some(verdict)) => Outcome::Affected(Box::new(decision(
            subject,
            vulnerability,
            verdict,
            verdicts,
        ))),
        (Some(verdict), _) => Outcome::Not(deny(subject, vulnerability, verdict)),
        (None, None) => {
            let fixed = deciding
                .iter()
                .find(|it| matches!(it.position, Position::Fixed { .. }));
            let Some(verdict) = fixed.or_else(|| deciding.first()) else {
                return Outcome::Silent;
            };
            Outcome::Not(deny(subject, vulnerability, verdict))
        }
    }
}

fn verdicts_of<'a>(subject: Subject<'_>, record: &'a Advisory) -> Vec<Verdict<'a>> {
    let is_in = |names: &[String], entry: &Affected| {
        let ecosystem = &entry.ecosystem;
        names.contains(ecosystem)
            && package_name(ecosystem, &entry.package) == package_name(ecosystem, subject.name)
    };
    let entries = record.affected.iter().filter_map(|entry| {
        let extended = is_in(subject.extended, entry);
        (extended || is_in(subject.ecosystems, entry)).then_some((entry, extended))
    });
    entries
        .map(|(affected, extended)| {
            let mut place = position(subject.scheme, subject.version, affected);
            let open = matches!(place, Position::Affected { fixed: None, .. });
            if let Some(since) = sids_fix(subject, record).filter(|_| open) {
                place = Position::Fixed { since };
            }
            Verdict {
                record,
                affected,
                position: place,
                excluded: limits::excluded(subject.package, record, affected),
                extended,
            }
        })
        .collect()
}

/// Debian leaves a release "open" when its version already contains sid's fix, as backports and
/// point releases do; whoever has sid's fixed version is not affected.
fn sids_fix(subject: Subject<'_>, record: &Advisory) -> Option<String> {
    let is_debian = subject
        .ecosystems
        .iter()
        .any(|name| name.starts_with("Debian:"));
    let mut sid = record.affected.iter().filter(|affected| {
        is_debian && affected.ecosystem == "Debian:sid" && affected.package == subject.name
    });
    sid.find_map(
        |affected| match position(subject.scheme, subject.version, affected) {
            Position::Fixed { since } => Some(since),
            _ => None,
        },
    )
}

/// Whether `b` is fixed later than `a`, or never.
fn later_fix(scheme: Scheme, a: &Position, b: &Position) -> bool {
    match (a, b) {
        (Position::Affected { fixed: Some(a), .. }, Position::Affected { fixed: Some(b), .. }) => {
            scheme.compare(a, b).is_ok_and(std::cmp::Ordering::is_lt)
        }
        // An open statement beside one with a fix says less.
        (Position::Affected { fixed: None, .. }, Position::Affected { fixed: Some(_), .. }) => true,
        _ => false,
    }
}

fn decision<'a>(
    subject: Subject<'_>,
    vulnerability: &str,
    verdict: &Verdict<'a>,
    verdicts: &[Verdict<'a>],
) -> Decision<'a> {
    let (fixed, range) = match &verdict.position {
        Position::Affected { fixed, range } => (fixed.clone(), range.clone()),
        _ => (None, String::new()),
    };
    let affected = verdicts.iter().filter(|verdict| verdict.is_affected());
    let ids: BTreeSet<&String> = affected.map(|verdict| &verdict.record.id).collect();
    let reason = Reason {
        advisory: verdict.record.id.clone(),
        source: verdict.record.source.clone(),
        ecosystem: verdict.affected.ecosystem.clone(),
        name: verdict.affected.package.clone(),
        range,
        order: subject.scheme.as_str().to_owned(),
        status_word: verdict.affected.status_word.clone(),
        comment: verdict.affected.reason.clone(),
    };
    Decision {
        explanation: explain(subject, vulnerability, verdict, &reason, fixed.as_deref()),
        record: verdict.record,
        advisories: ids.into_iter().cloned().collect(),
        fixed_version: fixed,
        status: verdict.affected.status,
        reason,
    }
}

/// Names a source, and its advisory where that has a name of its own.
fn cite(record: &Advisory, vulnerability: &str) -> String {
    match record.id == vulnerability {
        true => record.source.clone(),
        false => format!("{} ({})", record.source, record.id),
    }
}

/// What the statements call the package, and where.
fn place(subject: Subject<'_>, ecosystem: &str) -> String {
    let what = match subject.package.kind {
        Kind::Deb => "source package",
        Kind::Apk => "origin",
        _ => "package",
    };
    format!(
        "{what} {} in {}",
        subject.name,
        ecosystem.replacen(':', " ", 1)
    )
}

fn explain(
    subject: Subject<'_>,
    vulnerability: &str,
    verdict: &Verdict<'_>,
    reason: &Reason,
    fixed: Option<&str>,
) -> String {
    let place = place(subject, &verdict.affected.ecosystem);
    let advisory = cite(verdict.record, vulnerability);
    let installed = subject.version;
    let mut text = match fixed {
        Some(fixed) => {
            format!("{advisory}: {place} is fixed in {fixed}; installed is the older {installed}.")
        }
        None => format!("{advisory}: {place} has no fixed version; installed is {installed}."),
    };
    if reason.range.starts_with(['>', '=']) || reason.range.starts_with("<=") {
        text.push_str(&format!(" Affected is {}.", reason.range));
    }
    if verdict.affected.status != Status::Affected {
        text.push_str(&format!(
            " Its status is: {}",
            verdict.affected.status.as_str()
        ));
        if let Some(comment) = &reason.comment {
            text.push_str(&format!(" ({comment})"));
        }
        text.push('.');
    }
    text
}

fn deny(subject: Subject<'_>, vulnerability: &str, verdict: &Verdict<'_>) -> String {
    let advisory = cite(verdict.record, vulnerability);
    let place = place(subject, &verdict.affected.ecosystem);
    let installed = subject.version;
    match &verdict.position {
        Position::Fixed { since } => {
            format!("{advisory}: {place} is fixed since {since}; installed is {installed}.")
        }
        Position::NotAffected => {
            let comment = verdict.affected.reason.as_deref();
            let comment = comment.map(|text| format!(" ({text})")).unwrap_or_default();
            format!("{advisory}: {place} is not affected{comment}.")
        }
        _ => format!("{advisory}: {place} is not affected in {installed}."),
    }
}
