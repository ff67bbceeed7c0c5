//! OVAL definitions of Oracle Linux (`https://linux.oracle.com/security/oval/`) and Azure Linux
//! (`https://github.com/microsoft/AzureLinuxVulnerabilityData`); Red Hat's old ones as well.
//!
//! A definition's criteria are a tree of "and" and "or"; what they compare stands in tests,
//! objects and states further down. The comments of the criteria say the same in words, except
//! that Azure's leave epoch and release out, which its states have.

use std::collections::HashMap;
use std::io::BufRead;

use crate::cvss::Severity;
use crate::record::{Advisory, Affected, Authority, Event, Reference, SeverityEntry, Status};

use super::collect::Collector;
use super::rpm::{Fix, Fixes, release_after};
use super::xml::{self, Element};

pub(super) fn read(reader: &mut dyn BufRead, collector: &mut Collector<'_>) {
    let mut definitions = Definitions::default();
    let names = ["definition", "rpminfo_test", "rpminfo_state"];
    xml::elements(reader, collector, &names, &mut |element, collector| {
        match element.name.as_str() {
            "rpminfo_test" | "rpminfo_state" if definitions.waiting.is_empty() => {
                collector.budget().renew();
            }
            "rpminfo_test" => definitions.tests.push((
                element.attribute("id").to_owned(),
                element
                    .first("state")
                    .map_or("", |it| it.attribute("state_ref"))
                    .to_owned(),
            )),
            "rpminfo_state" => {
                let state = element.attribute("id").to_owned();
                definitions
                    .states
                    .insert(state, element.text_of("evr").to_owned());
            }
            _ => match advisory(element, collector.source) {
                Ok((advisory, _)) if !advisory.id.starts_with("AZL-") => {
                    return collector.accept(advisory);
                }
                Ok(waiting) => definitions.waiting.push(waiting),
                Err(reason) => {
                    collector.reject(element.attribute("id"), &reason);
                }
            },
        }
        Ok(())
    });
    definitions.finish(collector);
}

/// What waits for the versions at the end of the file.
#[derive(Default)]
struct Definitions {
    waiting: Vec<(Advisory, String)>,
    tests: Vec<(String, String)>,
    states: HashMap<String, String>,
}

impl Definitions {
    fn finish(self, collector: &mut Collector<'_>) {
        let tests: HashMap<String, String> = self.tests.into_iter().collect();
        for (mut advisory, test) in self.waiting {
            let exact = tests.get(&test).and_then(|state| self.states.get(state));
            for affected in &mut advisory.affected {
                settle(affected, exact.map(String::as_str));
            }
            if collector.accept(advisory).is_err() {
                return;
            }
        }
    }
}

/// Puts the exact version and the release of Azure Linux it tells in place.
fn settle(affected: &mut Affected, exact: Option<&str>) {
    let exact = exact.map(|evr| evr.strip_prefix("0:").unwrap_or(evr));
    let release = |mark| exact.and_then(|evr| release_after(evr, mark));
    let release = release("azl")
        .or_else(|| release("cm"))
        .or_else(|| release("azl"));
    if let Some(release) = release {
        affected.ecosystem = format!("Azure Linux:{release}");
    }
    for event in affected
        .ranges
        .iter_mut()
        .flat_map(|range| &mut range.events)
    {
        if let (Event::Fixed(version) | Event::LastAffected(version), Some(exact)) = (event, exact)
        {
            exact.clone_into(version);
        }
    }
}

/// Returns the advisory, and the first test of its criteria.
fn advisory(definition: &Element, source: &str) -> Result<(Advisory, String), String> {
    let metadata = definition.first("metadata").ok_or("it has no metadata")?;
    let details = metadata.first("advisory").unwrap_or(metadata);
    let references = || metadata.all("reference");
    let title = metadata.text_of("title");
    let criteria = definition.first("criteria").ok_or("it has no criteria")?;
    let mut rules = Rules::default();
    rules.walk(criteria, &Place::default());
    if rules.fixes.is_empty() && rules.open.is_empty() {
        return Err("no criterion of it names a package and a version".to_owned());
    }
    let is_azure = definition.attribute("id").contains("com.microsoft");
    let cves = references().filter(|it| it.attribute("source").eq_ignore_ascii_case("cve"));
    let cves: Vec<String> = cves.map(|it| it.attribute("ref_id").to_owned()).collect();
    let own = references().find(|it| !it.attribute("source").eq_ignore_ascii_case("cve"));
    let id = match own {
        _ if is_azure => format!("AZL-{}", details.text_of("advisory_id")),
        Some(reference) => reference.attribute("ref_id").to_owned(),
        None => cves.first().cloned().ok_or("it has no id and no CVE")?,
    };
    let word = details.text_of("severity");
    let rating = (!["", "N/A", "None"].contains(&word)).then(|| SeverityEntry {
        source: source.to_owned(),
        authority: Authority::Distribution,
        word: Severity::parse(word),
        label: Some(word.to_owned()),
        ..SeverityEntry::default()
    });
    let date = |name| {
        details
            .first(name)
            .map(|it| it.attribute("date").to_owned())
    };
    let published = date("issued").or_else(|| {
        Some(details.text_of("advisory_date").to_owned()).filter(|date| !date.is_empty())
    });
    let mut affected = rules.fixes.into_affected();
    affected.append(&mut rules.open);
    let advisory = Advisory {
        id,
        source: source.to_owned(),
        authority: Authority::Distribution,
        upstream: cves,
        summary: title.to_owned(),
        details: metadata.text_of("description").to_owned(),
        modified: date("updated").or_else(|| published.clone()),
        published,
        severities: rating.into_iter().collect(),
        references: references()
            .map(|it| Reference {
                kind: "ADVISORY".to_owned(),
                url: it.attribute("ref_url").to_owned(),
            })
            .collect(),
        affected,
        ..Advisory::default()
    };
    Ok((advisory, rules.test))
}

/// Oracle builds packages with live patches and validated ones beside the others, in channels of
/// their own; their versions have the mark.
const BUILT_APART: [&str; 2] = ["ksplice", "_fips"];

/// What holds where a criterion stands.
#[derive(Clone, Default)]
struct Place {
    ecosystem: String,
    architecture: String,
    module: Option<String>,
}

#[derive(Default)]
struct Rules {
    fixes: Fixes,
    open: Vec<Affected>,
    test: String,
}

impl Rules {
    /// Follows the tree; what an "and" demands holds for everything in it.
    fn walk(&mut self, criteria: &Element, place: &Place) {
        let mut place = place.clone();
        for criterion in criteria.all("criterion") {
            place.learn(criterion.attribute("comment"));
        }
        for criterion in criteria.all("criterion") {
            self.take(criterion, &place);
        }
        for inner in criteria.all("criteria") {
            self.walk(inner, &place);
        }
    }

    fn take(&mut self, criterion: &Element, place: &Place) {
        let comment = criterion.attribute("comment");
        if let Some((name, rest)) = comment.split_once(" is earlier than ") {
            if self.test.is_empty() {
                criterion.attribute("test_ref").clone_into(&mut self.test);
            }
            let version = rest.split([',', ' ']).next().unwrap_or_default();
            let version = version.strip_prefix("0:").unwrap_or(version);
            let fix = Fix {
                ecosystem: place.ecosystem.clone(),
                name: name.strip_prefix("Package ").unwrap_or(name).to_owned(),
                evr: version.to_owned(),
                module: place.module.clone(),
                repository: BUILT_APART
                    .into_iter()
                    .find(|mark| version.contains(mark))
                    .map(str::to_owned),
            };
            self.fixes.add(fix, &place.architecture);
        } else if let Some((name, version)) = or_earlier(comment) {
            if self.test.is_empty() {
                criterion.attribute("test_ref").clone_into(&mut self.test);
            }
            let events = vec![
                Event::Introduced("0".to_owned()),
                Event::LastAffected(version.to_owned()),
            ];
            let kind = crate::record::RangeKind::Ecosystem;
            self.open.push(Affected {
                ecosystem: place.ecosystem.clone(),
                package: name.to_owned(),
                ranges: vec![crate::record::Range { kind, events }],
                ..Affected::default()
            });
        } else if let Some(name) = comment.strip_prefix("Package ")
            && let Some((name, _)) = name.split_once(" is installed, affected by ")
        {
            self.open.push(Affected {
                ecosystem: place.ecosystem.clone(),
                package: name.to_owned(),
                status: Status::Affected,
                ranges: vec![crate::record::Range::before(None)],
                ..Affected::default()
            });
        }
    }
}

/// Reads Azure's words for what has no fix yet: `Package ceph is installed with version
/// 16.2.10-4 or earlier`. A later build may have the fix, or not: nobody says.
fn or_earlier(comment: &str) -> Option<(&str, &str)> {
    let (name, rest) = comment
        .strip_prefix("Package ")?
        .split_once(" is installed with version ")?;
    let (version, _) = rest.split_once(" or earlier")?;
    Some((name, version))
}

impl Place {
    fn learn(&mut self, comment: &str) {
        let words: Vec<&str> = comment.split_whitespace().collect();
        match words.as_slice() {
            ["Oracle", "Linux", release, "is", "installed"] => {
                self.ecosystem = format!("Oracle Linux:{release}");
            }
            [
                "Red",
                "Hat",
                "Enterprise",
                "Linux",
                release,
                "is",
                "installed",
            ] => {
                self.ecosystem = format!("Red Hat:{release}");
            }
            ["Oracle", "Linux", "arch", "is", architecture] => {
                (*architecture).clone_into(&mut self.architecture);
            }
            ["Module", stream, "is", "enabled"] => {
                self.module = Some(super::rpm::module(stream));
            }
            ["Package", ..] if self.ecosystem.is_empty() => {
                "Azure Linux".clone_into(&mut self.ecosystem);
            }
            _ => {}
        }
    }
}
