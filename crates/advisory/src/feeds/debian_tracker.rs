//! The Debian security tracker's export, `https://security-tracker.debian.org/tracker/data/json`:
//!
//! ```text
//! { package: { id: { "description", "scope", "releases": { codename: {
//!     "status": "resolved" | "open" | "undetermined", "fixed_version", "urgency",
//!     "nodsa", "nodsa_reason": "" | "ignored" | "postponed" } } } } }
//! ```
//!
//! One record comes out per package and vulnerability, with one entry per release.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader};

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::record::{Advisory, Affected, Authority, Range, Reference, Status};

use super::collect::{Collector, Stop};

/// Codenames and the numbers they bear in `VERSION_ID` and in OSV ecosystems.
const RELEASES: [(&str, &str); 12] = [
    ("lenny", "5"),
    ("squeeze", "6"),
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    ("sid", "sid"),
];

/// Returns the OSV ecosystem of a Debian codename, such as `Debian:11` for `bullseye`.
fn ecosystem(codename: &str) -> String {
    let number = RELEASES.iter().find(|(name, _)| *name == codename);
    format!("Debian:{}", number.map_or(codename, |(_, number)| *number))
}

pub(super) fn read(reader: &mut dyn BufRead, collector: &mut Collector<'_>) {
    let mut deserializer = serde_json::Deserializer::from_reader(BufReader::new(reader));
    if let Err(error) = Packages(collector).deserialize(&mut deserializer) {
        collector.break_off(&error.to_string());
    }
}

struct Packages<'c, 'a>(&'c mut Collector<'a>);

impl<'de> DeserializeSeed<'de> for Packages<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Packages<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of packages")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut packages: A) -> Result<(), A::Error> {
        while let Some((package, raw)) = packages.next_entry::<String, Box<RawValue>>()? {
            take_package(&package, &raw, self.0)
                .map_err(|Stop| de::Error::custom("reading was stopped"))?;
        }
        Ok(())
    }
}

fn take_package(package: &str, raw: &RawValue, collector: &mut Collector<'_>) -> Result<(), Stop> {
    let entries = match serde_json::from_str::<BTreeMap<String, &RawValue>>(raw.get()) {
        Ok(entries) => entries,
        Err(error) => {
            collector.reject(package, &error.to_string());
            return Ok(());
        }
    };
    for (id, raw) in entries {
        match serde_json::from_str::<Entry>(raw.get()) {
            Ok(entry) => collector.accept(entry.into_advisory(package, id, collector.source))?,
            Err(error) => collector.reject(&format!("{package} {id}"), &error.to_string()),
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    description: String,
    #[serde(default, deserialize_with = "releases")]
    releases: BTreeMap<String, Release>,
}

/// Reads releases by codename. Where there are none, the tracker has written an empty list.
fn releases<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Release>, D::Error> {
    struct ByCodename;
    impl<'de> Visitor<'de> for ByCodename {
        type Value = BTreeMap<String, Release>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            BTreeMap::deserialize(de::value::MapAccessDeserializer::new(map))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            match list.next_element::<de::IgnoredAny>()? {
                None => Ok(BTreeMap::new()),
                Some(_) => Err(de::Error::invalid_type(de::Unexpected::Seq, &self)),
            }
        }
    }
    deserializer.deserialize_any(ByCodename)
}

#[derive(Deserialize)]
struct Release {
    status: String,
    fixed_version: Option<String>,
    #[serde(default)]
    urgency: String,
    nodsa: Option<String>,
    nodsa_reason: Option<String>,
}

impl Entry {
    fn into_advisory(self, package: &str, id: String, source: &str) -> Advisory {
        let url = format!("https://security-tracker.debian.org/tracker/{id}");
        let releases = self.releases.into_iter();
        Advisory {
            id,
            source: source.to_owned(),
            authority: Authority::Distribution,
            // The tracker's descriptions are sentences cut at some length: details, no title.
            details: self.description,
            references: vec![Reference {
                kind: "ADVISORY".to_owned(),
                url,
            }],
            affected: releases
                .map(|(name, it)| it.into_affected(&name, package))
                .collect(),
            ..Advisory::default()
        }
    }
}

impl Release {
    fn into_affected(self, codename: &str, package: &str) -> Affected {
        let status = self.status();
        let fixed = self
            .fixed_version
            .as_deref()
            .filter(|version| !version.is_empty());
        let has_range = !matches!(status, Status::NotAffected | Status::Undetermined);
        Affected {
            ecosystem: ecosystem(codename),
            package: package.to_owned(),
            status,
            status_word: Some(self.word()),
            ranges: has_range
                .then(|| Range::before(fixed))
                .into_iter()
                .collect(),
            urgency: Some(self.urgency).filter(|urgency| !urgency.is_empty()),
            reason: self.nodsa.filter(|reason| !reason.is_empty()),
            ..Affected::default()
        }
    }

    /// Debian's own word, as `debsecan` and the tracker's pages write it.
    fn word(&self) -> String {
        let word = match (self.nodsa_reason.as_deref(), &self.nodsa) {
            _ if self.fixed_version.as_deref() == Some("0") => "not-affected",
            _ if self.status != "open" => &self.status,
            (Some(""), _) | (None, Some(_)) => "no-dsa",
            (Some(reason), _) => reason,
            (None, None) => "open",
        };
        word.to_owned()
    }

    fn status(&self) -> Status {
        match (self.status.as_str(), self.fixed_version.as_deref()) {
            // "0" is how the tracker writes <not-affected>.
            (_, Some("0")) => return Status::NotAffected,
            ("resolved", _) => return Status::Affected,
            ("undetermined", _) => return Status::Undetermined,
            _ => {}
        }
        match (
            self.urgency.as_str(),
            self.nodsa_reason.as_deref(),
            &self.nodsa,
        ) {
            ("unimportant", _, _) => Status::Unimportant,
            ("end-of-life", _, _) => Status::EndOfLife,
            (_, Some("ignored"), _) => Status::WillNotFix,
            (_, Some(_), _) | (_, _, Some(_)) => Status::FixDeferred,
            _ => Status::Affected,
        }
    }
}
