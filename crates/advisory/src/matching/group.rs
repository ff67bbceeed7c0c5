//! Records by the vulnerability they are about: one name for what several databases name.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::Advisory;

/// Groups records about one package, sorted by vulnerability.
///
/// A record that names CVEs is about each of them. One that names none joins the group of a
/// record that names it (`GO-2024-1` and `GHSA-…` of one another), else it is a group of its own.
pub(super) fn by_vulnerability<'a>(
    records: &[&'a Advisory],
) -> BTreeMap<String, Vec<&'a Advisory>> {
    let mut groups: BTreeMap<String, Vec<&Advisory>> = BTreeMap::new();
    let mut nameless: Vec<&Advisory> = Vec::new();
    for record in records {
        let names = record.vulnerabilities();
        if names.iter().any(|name| name.starts_with("CVE-")) {
            for name in names {
                groups.entry(name.to_owned()).or_default().push(record);
            }
        } else {
            nameless.push(record);
        }
    }
    for record in nameless {
        let own: BTreeSet<&String> = names(record).collect();
        let same = |group: &&mut Vec<&Advisory>| {
            // A bundle's names are not those of one vulnerability.
            let alone = group
                .iter()
                .filter(|known| known.vulnerabilities().len() == 1);
            alone
                .into_iter()
                .any(|known| names(known).any(|name| own.contains(name)))
        };
        match groups.values_mut().find(same) {
            Some(group) => group.push(record),
            None => {
                let ghsa = own.iter().find(|name| name.starts_with("GHSA-"));
                let name = ghsa.map_or(record.id.clone(), |name| (*name).clone());
                groups.entry(name).or_default().push(record);
            }
        }
    }
    groups
}

fn names(record: &Advisory) -> impl Iterator<Item = &String> {
    std::iter::once(&record.id).chain(&record.aliases)
}
