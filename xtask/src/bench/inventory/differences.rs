//! What one program found and the other did not, and why.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use inventory::{Inventory, PackageUrl};
use serde_json::Value;

use super::Found;
use crate::run::say;

/// Examples of each reason that are shown.
const SHOWN: usize = 8;

/// Returns what a CycloneDX document lists.
pub(super) fn of_cyclonedx(document: &[u8]) -> Result<Found> {
    purls(document, "components")
}

/// Returns what syft's own document lists.
pub(super) fn of_syft(document: &[u8]) -> Result<Found> {
    purls(document, "artifacts")
}

fn purls(document: &[u8], list: &str) -> Result<Found> {
    let document: Value = serde_json::from_slice(document)?;
    let all = document[list].as_array().context("a list of packages")?;
    let name = |one: &Value| {
        let purl = one["purl"].as_str().filter(|purl| !purl.is_empty())?;
        Some(key(purl))
    };
    Ok(all.iter().filter_map(name).collect())
}

/// Returns a package URL without qualifiers.
fn key(purl: &str) -> String {
    match purl.parse::<PackageUrl>() {
        Ok(url) => {
            let namespace = match url.namespace.as_str() {
                "" => String::new(),
                namespace => format!("{namespace}/"),
            };
            format!("{}/{namespace}{}@{}", url.kind, url.name, url.version)
        }
        Err(_) => purl
            .trim_start_matches("pkg:")
            .split('?')
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

/// Says what differs, by reason.
pub(super) fn tell(own: &Found, other: &Found, inventory: &Inventory) {
    let covered: Found = inventory.covered.iter().map(|c| key(&c.purl)).collect();
    let removed: Found = inventory.removed.iter().map(|r| key(&r.purl)).collect();
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in other.difference(own) {
        let reason = if covered.contains(package) {
            "only syft: part of a distribution package, which counts"
        } else if removed.contains(package) {
            "only syft: an upper layer took it away"
        } else if of_other_version(package, own) {
            "only syft: another version of what both found"
        } else if package.starts_with("generic/") {
            "only syft: a program known by its bytes"
        } else {
            "only syft: not found"
        };
        reasons.entry(reason).or_default().push(package);
    }
    for package in own.difference(other) {
        let reason = if of_other_version(package, other) {
            "only plimsoll: another version of what both found"
        } else {
            "only plimsoll: not found by syft"
        };
        reasons.entry(reason).or_default().push(package);
    }
    if reasons.is_empty() {
        say("no difference");
    }
    for (reason, packages) in reasons {
        let shown = packages.iter().take(SHOWN).copied().collect::<Vec<_>>();
        say(&format!(
            "{} × {reason}: {}",
            packages.len(),
            shown.join(", ")
        ));
    }
}

/// Says what both peers found and Plimsoll did not.
pub(super) fn tell_missed(own: &Found, other: &Found, third: &Found) {
    let missed: Vec<_> = other
        .intersection(third)
        .filter(|it| !own.contains(*it))
        .collect();
    say(&format!(
        "{} × found by syft and trivy alike, not by plimsoll: {missed:?}",
        missed.len()
    ));
}

fn of_other_version(package: &str, found: &Found) -> bool {
    let (name, _) = package.rsplit_once('@').unwrap_or((package, ""));
    let start = format!("{name}@");
    found
        .range(start.clone()..)
        .next()
        .is_some_and(|next| next.starts_with(&start))
}
