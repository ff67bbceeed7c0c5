//! The security database of Alpine, `https://secdb.alpinelinux.org/v3.18/main.json`, and that of
//! Wolfi and Chainguard, which have no `distroversion`:
//!
//! ```text
//! { "distroversion": "v3.18", "reponame": "main",
//!   "packages": [ { "pkg": { "name": "openssl", "secfixes": { version: [ ids ] } } } ] }
//! ```
//!
//! A version of `0` means that no version was ever affected.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::record::{Advisory, Affected, Authority, Range, Reference, Status};

use super::collect::{Collector, Stop};

#[derive(Deserialize)]
struct Database<'a> {
    #[serde(default)]
    distroversion: String,
    #[serde(default)]
    reponame: String,
    #[serde(default)]
    urlprefix: String,
    #[serde(borrow)]
    packages: Vec<&'a RawValue>,
}

impl Database<'_> {
    fn ecosystem(&self) -> Option<String> {
        let release = self.distroversion.as_str();
        if !release.is_empty() {
            return Some(format!("Alpine:{release}"));
        }
        match (self.urlprefix.as_str(), self.reponame.as_str()) {
            (prefix, _) if prefix.contains("wolfi") => Some("Wolfi".to_owned()),
            (prefix, name) if prefix.contains("cgr.dev") || name == "chainguard" => {
                Some("Chainguard".to_owned())
            }
            (prefix, _) if prefix.contains("minimos") || prefix.contains("minimus") => {
                Some("MinimOS".to_owned())
            }
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Entry {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    secfixes: BTreeMap<String, Option<Vec<String>>>,
}

pub(super) fn read(reader: &mut dyn BufRead, collector: &mut Collector<'_>) {
    // The largest is a few hundred kilobytes; the record limit bounds it.
    let mut text = String::new();
    if let Err(error) = reader.read_to_string(&mut text) {
        return collector.break_off(&error.to_string());
    }
    let database: Database<'_> = match serde_json::from_str(&text) {
        Ok(database) => database,
        Err(error) => return collector.break_off(&error.to_string()),
    };
    let Some(ecosystem) = database.ecosystem() else {
        return collector
            .break_off("neither `distroversion` nor `urlprefix` tells the distribution");
    };
    for raw in database.packages {
        let outcome = match serde_json::from_str::<Entry>(raw.get()) {
            Ok(entry) => take_package(&entry.pkg, &ecosystem, collector),
            Err(error) => {
                let place = collector.place();
                collector.reject(&place, &error.to_string());
                Ok(())
            }
        };
        if outcome.is_err() {
            return;
        }
    }
}

fn take_package(
    package: &Package,
    ecosystem: &str,
    collector: &mut Collector<'_>,
) -> Result<(), Stop> {
    for (version, entries) in &package.secfixes {
        for entry in entries.iter().flatten() {
            // "CVE-2019-14697 XSA-123": other names of the same fix follow the first.
            let mut ids = entry
                .split_whitespace()
                .filter(|word| is_id(word))
                .map(str::to_owned);
            match ids.next() {
                Some(id) => {
                    let affected = affected(package, version, ecosystem);
                    collector.accept(advisory(id, ids.collect(), affected, collector.source))?;
                }
                None => collector.reject(
                    &format!("{} {version}", package.name),
                    &format!("`{entry}` names no vulnerability"),
                ),
            }
        }
    }
    Ok(())
}

/// An identifier such as `CVE-2019-14697`, `XSA-123` or `GHSA-…`.
fn is_id(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_uppercase())
        && word.contains('-')
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c))
}

fn affected(package: &Package, version: &str, ecosystem: &str) -> Affected {
    let never = version == "0";
    let ranges = (!never)
        .then(|| Range::before(Some(version)))
        .into_iter()
        .collect();
    Affected {
        ecosystem: ecosystem.to_owned(),
        package: package.name.clone(),
        status: if never {
            Status::NotAffected
        } else {
            Status::Affected
        },
        ranges,
        ..Affected::default()
    }
}

fn advisory(id: String, aliases: Vec<String>, affected: Affected, source: &str) -> Advisory {
    let is_alpine = affected.ecosystem.starts_with("Alpine:");
    let url = match is_alpine {
        true => format!("https://security.alpinelinux.org/vuln/{id}"),
        false => format!("https://images.chainguard.dev/security/{id}"),
    };
    Advisory {
        id,
        source: source.to_owned(),
        authority: Authority::Distribution,
        aliases,
        references: vec![Reference {
            kind: "ADVISORY".to_owned(),
            url,
        }],
        affected: vec![affected],
        ..Advisory::default()
    }
}
