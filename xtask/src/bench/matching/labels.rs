//! Labels: whether a version of a package is affected by a vulnerability, and who says so.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use advisory::{
    matching::{Kind, Package},
    version::Scheme,
};
use anyhow::Result;
use serde_json::{Value, json};

/// Labels of each kind and record; more of the same record say the same.
const MOST_LISTED: usize = 12;
const MOST_OTHERS: usize = 6;

/// One label.
pub(super) struct Label {
    pub(super) family: String,
    pub(super) package: Package,
    pub(super) vulnerability: String,
    pub(super) affected: bool,
    by: String,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.affected {
            "affected"
        } else {
            "not affected"
        };
        let (name, version) = (&self.package.name, &self.package.version);
        write!(
            f,
            "{} {name} {version} is {word} by {}",
            self.vulnerability, self.by
        )
    }
}

/// Ecosystem, package, version, vulnerability.
type Key = (String, String, String, String);

/// By ecosystem, package and vulnerability: each record's id and what it lists.
type Lists = BTreeMap<(String, String, String), Vec<(String, Vec<String>)>>;

/// Labels as they come; who says yes, who says no.
#[derive(Default)]
pub(super) struct Labels {
    said: BTreeMap<Key, (Option<String>, Option<String>)>,
    /// Records with lists of versions: ecosystem, package, vulnerability, id, versions.
    lists: Vec<(String, String, String, String, Vec<String>)>,
}

/// Writes a record on one line, its id first, by which the format is known.
pub(super) fn line(mut record: Value) -> String {
    let id = record
        .as_object_mut()
        .and_then(|fields| fields.remove("id"));
    let rest = record.to_string();
    let id = id.unwrap_or_default();
    format!("{{\"id\":{id},{}\n", rest.trim_start_matches('{'))
}

/// Takes away what a record lists, so that its ranges alone are matched; records without ranges
/// keep their lists, and give no labels of that kind.
pub(super) fn strip(record: &mut Value) {
    for entry in record["affected"].as_array_mut().into_iter().flatten() {
        if has_ranges(entry) {
            entry["versions"] = json!([]);
        }
    }
}

fn has_ranges(entry: &Value) -> bool {
    let ranges = entry["ranges"].as_array().into_iter().flatten();
    ranges.into_iter().any(|range| range["type"] != "GIT")
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

impl Labels {
    fn say(&mut self, key: Key, affected: bool, by: String) {
        let (yes, no) = self.said.entry(key).or_default();
        *(if affected { yes } else { no }) = Some(by);
    }

    /// Adds the labels of an OSV record.
    pub(super) fn of_record(&mut self, record: &Value) {
        if record["withdrawn"].is_string()
            || record["database_specific"]["informational"].is_string()
        {
            return;
        }
        let id = record["id"].as_str().unwrap_or_default().to_owned();
        let named = texts(&record["aliases"]).chain(texts(&record["upstream"]));
        let mut cves = named.filter(|name| name.starts_with("CVE-"));
        let vulnerability = cves.next().map_or_else(|| id.clone(), str::to_owned);
        for entry in record["affected"].as_array().into_iter().flatten() {
            let text = |key: &str| {
                entry["package"][key]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            let (mut ecosystem, name) = (text("ecosystem"), text("name"));
            if ecosystem == "bitnami" {
                // As older records write it.
                ecosystem = "Bitnami".to_owned();
            }
            let informational = &entry["database_specific"]["informational"];
            if ecosystem.is_empty() || !has_ranges(entry) || informational.is_string() {
                continue;
            }
            let key = (ecosystem, name, vulnerability.clone());
            self.of_bounds(&key, entry, &id);
            let versions: Vec<String> = texts(&entry["versions"]).map(str::to_owned).collect();
            if !versions.is_empty() {
                self.lists.push((key.0, key.1, key.2, id.clone(), versions));
            }
        }
    }

    fn of_bounds(
        &mut self,
        (ecosystem, name, vulnerability): &(String, String, String),
        entry: &Value,
        id: &str,
    ) {
        let ranges = entry["ranges"].as_array().into_iter().flatten();
        let events = ranges
            .filter(|range| range["type"] != "GIT")
            .flat_map(|range| range["events"].as_array().into_iter().flatten());
        let introduced: BTreeSet<&str> = events
            .clone()
            .filter_map(|event| event["introduced"].as_str())
            .collect();
        for event in events {
            for (what, affected) in [
                ("introduced", true),
                ("fixed", false),
                ("last_affected", true),
            ] {
                let Some(version) = event[what].as_str() else {
                    continue;
                };
                // Where one range ends another may begin; `-0` marks what is before every release.
                let both = what == "fixed" && introduced.contains(version);
                // Of a module's streams each has its fix, and a label does not say which it means.
                let is_modular = version.contains(".module");
                if version == "0" || version.ends_with("-0") || both || is_modular {
                    continue;
                }
                let key = (
                    ecosystem.clone(),
                    name.clone(),
                    version.to_owned(),
                    vulnerability.clone(),
                );
                self.say(key, affected, format!("{id} ({what})"));
            }
        }
    }

    /// Adds the labels of Debian's advisories; returns them as OSV records.
    pub(super) fn of_debian(&mut self, rows: &str) -> Result<String> {
        let mut records = String::new();
        for text in rows.lines() {
            let row: Value = serde_json::from_str(text)?;
            let id = row["id"].as_str().unwrap_or_default();
            let mut affected = Vec::new();
            for fix in row["fix"].as_array().into_iter().flatten() {
                let parts: Vec<&str> = texts(fix).collect();
                let [codename, package, version] = parts[..] else {
                    continue;
                };
                let Some(release) =
                    release(codename).filter(|_| version.starts_with(|c: char| c.is_ascii_digit()))
                else {
                    continue;
                };
                let ecosystem = format!("Debian:{release}");
                affected.push(json!({
                    "package": { "ecosystem": ecosystem, "name": package },
                    "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": version }] }],
                }));
                for cve in texts(&row["cves"]) {
                    for (version, affected) in
                        [(version.to_owned(), false), (format!("{version}~"), true)]
                    {
                        let key = (
                            ecosystem.clone(),
                            package.to_owned(),
                            version,
                            cve.to_owned(),
                        );
                        self.say(key, affected, id.to_owned());
                    }
                }
            }
            let record = json!({ "id": id, "upstream": row["cves"], "affected": affected });
            records.push_str(&line(record));
        }
        Ok(records)
    }

    /// Returns the labels that nobody contradicts, and how many are left out.
    pub(super) fn settle(mut self) -> (Vec<Label>, u64) {
        self.of_lists();
        let mut labels = Vec::new();
        let mut excluded = 0;
        for ((ecosystem, name, version, vulnerability), said) in self.said {
            let (affected, by) = match said {
                (Some(by), None) => (true, by),
                (None, Some(by)) => (false, by),
                _ => {
                    excluded += 1;
                    continue;
                }
            };
            let Some(package) = package(&ecosystem, &name, &version) else {
                continue;
            };
            let family = ecosystem.split(':').next().unwrap_or_default().to_owned();
            labels.push(Label {
                family,
                package,
                vulnerability,
                affected,
                by,
            });
        }
        (labels, excluded)
    }

    /// What all lists of a vulnerability together hold is affected. What they leave out is not,
    /// unless it lies between two versions of one list: that is a hole in it, as where a version
    /// was not published when the list was made, and says nothing.
    fn of_lists(&mut self) {
        let mut known: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        let mut lists = Lists::new();
        for (ecosystem, name, vulnerability, id, versions) in std::mem::take(&mut self.lists) {
            let all = known.entry((ecosystem.clone(), name.clone())).or_default();
            all.extend(versions.iter().cloned());
            let key = (ecosystem, name, vulnerability);
            lists.entry(key).or_default().push((id, versions));
        }
        for ((ecosystem, name, vulnerability), lists) in &lists {
            let own = lists.iter().flat_map(|(_, versions)| versions);
            let own: BTreeSet<&str> = own.map(String::as_str).collect();
            let key = |version: &str| {
                let version = version.to_owned();
                (
                    ecosystem.clone(),
                    name.clone(),
                    version,
                    vulnerability.clone(),
                )
            };
            let by = &lists[0].0;
            for version in spread(&own, MOST_LISTED) {
                self.say(key(version), true, format!("{by} (listed)"));
            }
            let spans: Vec<_> = (lists.iter())
                .filter_map(|(_, versions)| Span::of(ecosystem, versions))
                .collect();
            let all = &known[&(ecosystem.clone(), name.clone())];
            let others: BTreeSet<&str> = (all.iter().map(String::as_str))
                .filter(|version| !own.contains(version))
                .filter(|version| !spans.iter().any(|span| span.holds(version)))
                .collect();
            for version in spread(&others, MOST_OTHERS) {
                self.say(key(version), false, format!("{by} (not listed)"));
            }
        }
    }
}

/// From the first version of a list to the last.
struct Span<'a> {
    scheme: Scheme,
    first: &'a str,
    last: &'a str,
}

impl<'a> Span<'a> {
    fn of(ecosystem: &str, versions: &'a [String]) -> Option<Self> {
        let scheme = Scheme::of_ecosystem(ecosystem)?;
        let order =
            |a: &&String, b: &&String| scheme.compare(a, b).unwrap_or(std::cmp::Ordering::Equal);
        Some(Self {
            scheme,
            first: versions.iter().min_by(order)?,
            last: versions.iter().max_by(order)?,
        })
    }

    fn holds(&self, version: &str) -> bool {
        let is_not_after = |a: &str, b: &str| {
            self.scheme
                .compare(a, b)
                .is_ok_and(std::cmp::Ordering::is_le)
        };
        is_not_after(self.first, version) && is_not_after(version, self.last)
    }
}

/// Takes at most so many, evenly from the whole.
fn spread<'a>(all: &BTreeSet<&'a str>, most: usize) -> Vec<&'a str> {
    let step = all.len().div_ceil(most).max(1);
    all.iter().step_by(step).copied().collect()
}

fn release(codename: &str) -> Option<u8> {
    let names = [
        "lenny", "squeeze", "wheezy", "jessie", "stretch", "buster", "bullseye", "bookworm",
    ];
    let place = names.iter().position(|name| *name == codename)?;
    u8::try_from(place).ok().map(|place| place + 5)
}

/// Returns the package that an image would hold, or `None` for ecosystems without images.
fn package(ecosystem: &str, name: &str, version: &str) -> Option<Package> {
    let (family, release) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
    let (kind, distribution) = match family {
        "Debian" => (Kind::Deb, "debian"),
        "Ubuntu" => (Kind::Deb, "ubuntu"),
        "Alpine" => (Kind::Apk, "alpine"),
        "AlmaLinux" => (Kind::Rpm, "almalinux"),
        "Rocky Linux" => (Kind::Rpm, "rocky"),
        "Wolfi" => (Kind::Apk, "wolfi"),
        "Chainguard" => (Kind::Apk, "chainguard"),
        _ => {
            let same = |kind: &&Kind| {
                kind.ecosystem()
                    .is_some_and(|own| own.eq_ignore_ascii_case(ecosystem))
            };
            (*Kind::ALL.iter().find(same)?, "")
        }
    };
    let release = release.trim_end_matches(":LTS").trim_start_matches("Pro:");
    Some(Package {
        kind,
        distribution: distribution.to_owned(),
        version_id: release.trim_start_matches('v').to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        ..Package::default()
    })
}
