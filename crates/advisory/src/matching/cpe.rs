//! Matching by CPE names, for programs that no package manager and no ecosystem knows.
//!
//! Vendor and product must be the same, the version within the bounds. A name for another
//! target (`wordpress`, `node.js`) or one that runs on another system only is not meant. A name
//! without any bound is all that many old records have; its confidence is low.

use std::cmp::Ordering;

use crate::database::{Database, DatabaseError};
use crate::record::{Advisory, CPE, CpeMatch};
use crate::version::Scheme;

use super::decide::{Decision, Subject};
use super::{Answer, Confidence, Match, Package, Reason, describe, group};

/// The attributes of a CPE 2.3 name that count here.
struct Name<'a> {
    part: &'a str,
    vendor: &'a str,
    product: &'a str,
    version: &'a str,
    update: &'a str,
    target: &'a str,
}

impl<'a> Name<'a> {
    /// Reads `cpe:2.3:a:vendor:product:version:update:edition:language:sw_edition:target_sw:…`.
    fn parse(text: &'a str) -> Option<Self> {
        let fields = split(text.strip_prefix("cpe:2.3:")?);
        let field = |at: usize| fields.get(at).copied();
        Some(Self {
            part: field(0)?,
            vendor: field(1)?,
            product: field(2)?,
            version: field(3).unwrap_or("*"),
            update: field(4).unwrap_or("*"),
            target: field(8).unwrap_or("*"),
        })
    }

    fn key(&self) -> String {
        format!("{}:{}:{}", self.part, self.vendor, self.product)
    }

    /// Returns the version with its update, where both are values.
    fn full_version(&self) -> Option<String> {
        if matches!(self.version, "*" | "-") {
            return None;
        }
        let version = self.version.replace('\\', "");
        Some(match self.update {
            "*" | "-" => version,
            update => format!("{version}-{}", update.replace('\\', "")),
        })
    }
}

/// Returns the key under which statements about a name's product are found.
pub(super) fn key(name: &str) -> Option<String> {
    Name::parse(name).map(|name| name.key())
}

/// Cuts at colons that no backslash stands before.
fn split(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut fields = Vec::new();
    let mut start = 0;
    for at in 0..bytes.len() {
        if bytes[at] == b':' && (at == 0 || bytes[at - 1] != b'\\') {
            fields.push(&text[start..at]);
            start = at + 1;
        }
    }
    fields.push(&text[start..]);
    fields
}

/// Whether an applicability statement holds for a version, and how sure that is.
fn applies(statement: &CpeMatch, own: &Name<'_>, version: &str) -> Option<(Confidence, String)> {
    let name = Name::parse(&statement.criteria)?;
    let other_target = !matches!(name.target, "*" | "-") && name.target != own.target;
    if name.key() != own.key() || other_target || !runs_here(statement) {
        return None;
    }
    let order = |bound: &str| Scheme::Generic.compare(version, bound).ok();
    type Bound<'b> = (&'b Option<String>, &'static str, fn(Ordering) -> bool);
    let bounds: [Bound<'_>; 4] = [
        (&statement.start_including, ">=", Ordering::is_ge),
        (&statement.start_excluding, ">", Ordering::is_gt),
        (&statement.end_including, "<=", Ordering::is_le),
        (&statement.end_excluding, "<", Ordering::is_lt),
    ];
    let mut range = Vec::new();
    for (bound, sign, holds) in bounds {
        if let Some(bound) = bound {
            order(bound).filter(|order| holds(*order))?;
            range.push(format!("{sign} {bound}"));
        }
    }
    if !range.is_empty() {
        return Some((Confidence::Medium, range.join(", ")));
    }
    match name.full_version() {
        Some(exact) => {
            order(&exact).filter(|order| order.is_eq())?;
            Some((Confidence::Medium, format!("= {exact}")))
        }
        None if name.version == "*" => Some((Confidence::Low, "every version".to_owned())),
        None => None,
    }
}

/// Images run on Linux; a statement for firmware or another system is not about them.
fn runs_here(statement: &CpeMatch) -> bool {
    let is_linux = |name: &String| {
        let name = Name::parse(name);
        name.is_none_or(|name| name.part == "a" || name.product.contains("linux"))
    };
    statement.running_on.is_empty() || statement.running_on.iter().any(is_linux)
}

/// Matches a package by its CPE names, sorted by vulnerability.
pub(super) fn answer(database: &Database, package: &Package) -> Result<Answer, DatabaseError> {
    let mut answer = Answer::default();
    for cpe in &package.cpes {
        let Some(name) = Name::parse(cpe) else {
            continue;
        };
        let records = database.lookup(CPE, &name.key())?;
        let live = records.iter().filter(|it| it.withdrawn.is_none());
        let live: Vec<&Advisory> = live.map(AsRef::as_ref).collect();
        for (vulnerability, records) in group::by_vulnerability(&live) {
            let is_known = |known: &Match| known.vulnerability == vulnerability;
            if answer.matches.iter().any(is_known) {
                continue;
            }
            let own = (&name, cpe.as_str());
            if let Some(found) = found(database, package, own, &vulnerability, &records)? {
                answer.matches.push(found);
            }
        }
    }
    answer
        .matches
        .sort_by(|a, b| a.vulnerability.cmp(&b.vulnerability));
    Ok(answer)
}

fn found(
    database: &Database,
    package: &Package,
    (name, cpe): (&Name<'_>, &str),
    vulnerability: &str,
    records: &[&Advisory],
) -> Result<Option<Match>, DatabaseError> {
    let entries = records.iter().flat_map(|record| {
        let statements = record
            .affected
            .iter()
            .filter_map(|entry| entry.cpe.as_ref());
        statements.map(move |statement| (*record, statement))
    });
    let holding = entries.filter_map(|(record, statement)| {
        let (confidence, range) = applies(statement, name, &package.version)?;
        Some((confidence, range, record, statement))
    });
    let Some((confidence, range, record, statement)) = holding.max_by_key(|(sure, ..)| *sure)
    else {
        return Ok(None);
    };
    let reason = Reason {
        advisory: record.id.clone(),
        source: record.source.clone(),
        ecosystem: CPE.to_owned(),
        name: statement.criteria.clone(),
        range: range.clone(),
        order: Scheme::Generic.as_str().to_owned(),
        ..Reason::default()
    };
    let fixed = statement.end_excluding.clone();
    let decision = Decision {
        record,
        advisories: vec![record.id.clone()],
        fixed_version: fixed,
        status: crate::record::Status::Affected,
        explanation: format!(
            "{}: {} is affected {range}; installed is {}. No package manager knows the program, so it is matched by its name {cpe}.",
            record.source,
            name.key(),
            package.version
        ),
        reason,
    };
    let subject = Subject {
        scheme: Scheme::Generic,
        ecosystems: &[],
        extended: &[],
        name: &package.name,
        version: &package.version,
        package,
    };
    let mut found = describe::describe(database, subject, vulnerability, decision)?;
    found.confidence = found.confidence.min(confidence);
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(criteria: &str, end: Option<&str>) -> CpeMatch {
        CpeMatch {
            criteria: criteria.to_owned(),
            end_excluding: end.map(str::to_owned),
            ..CpeMatch::default()
        }
    }

    fn sure(statement: &CpeMatch, version: &str) -> Option<Confidence> {
        let own = Name::parse("cpe:2.3:a:openssl:openssl:1:*:*:*:*:*:*:*").expect("a name");
        applies(statement, &own, version).map(|(confidence, _)| confidence)
    }

    #[test]
    fn bounds_names_and_targets_count() {
        let open = "cpe:2.3:a:openssl:openssl:*:*:*:*:*:*:*:*";
        let bounded = statement(open, Some("1.1.1k"));
        assert_eq!(sure(&bounded, "1.1.1j"), Some(Confidence::Medium));
        assert_eq!(sure(&bounded, "1.1.1k"), None);
        assert_eq!(sure(&statement(open, None), "9"), Some(Confidence::Low));
        let exact = statement("cpe:2.3:a:openssl:openssl:1.0.2:beta1:*:*:*:*:*:*", None);
        assert_eq!(sure(&exact, "1.0.2-beta1"), Some(Confidence::Medium));
        assert_eq!(sure(&exact, "1.0.2"), None);
        let target = statement("cpe:2.3:a:openssl:openssl:*:*:*:*:*:node.js:*:*", Some("2"));
        assert_eq!(sure(&target, "1"), None);
        let other = statement("cpe:2.3:a:openssl:openssh:*:*:*:*:*:*:*:*", Some("2"));
        assert_eq!(sure(&other, "1"), None);
        let mut windows = bounded.clone();
        windows.running_on = vec!["cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*".to_owned()];
        assert_eq!(sure(&windows, "1.1.1j"), None);
    }

    #[test]
    fn escaped_colons_do_not_part() {
        assert_eq!(split("a:b\\:c:d"), ["a", "b\\:c", "d"]);
    }
}
