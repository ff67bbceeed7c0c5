//! What one image holds otherwise than another.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Inventory, Kind};

/// A package that one of two images lacks, or has in another version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageChange {
    /// Which ecosystem.
    pub kind: Kind,
    /// Its name, as people of its ecosystem write it.
    pub name: String,
    /// The versions before, sorted as text; none if it is new.
    pub before: Vec<String>,
    /// The versions after; none if it is gone.
    pub after: Vec<String>,
}

/// A package by ecosystem and name, and its versions.
type Packages = BTreeMap<(Kind, String), BTreeSet<String>>;

/// Returns what is different in `after`, by ecosystem and name. A package is the same if these
/// two are; several inventories, such as those of an index, count as one.
pub fn package_changes<'i>(
    before: impl IntoIterator<Item = &'i Inventory>,
    after: impl IntoIterator<Item = &'i Inventory>,
) -> Vec<PackageChange> {
    let (mut before, mut after) = (by_name(before), by_name(after));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
    let change = |key: (Kind, String)| {
        let old = before.remove(&key).unwrap_or_default();
        let new = after.remove(&key).unwrap_or_default();
        (old != new).then(|| PackageChange {
            kind: key.0,
            name: key.1,
            before: old.into_iter().collect(),
            after: new.into_iter().collect(),
        })
    };
    keys.into_iter().filter_map(change).collect()
}

fn by_name<'i>(inventories: impl IntoIterator<Item = &'i Inventory>) -> Packages {
    let mut packages = Packages::new();
    for component in inventories.into_iter().flat_map(|it| &it.components) {
        let versions = packages.entry((component.kind, component.full_name()));
        versions.or_default().insert(component.version.clone());
    }
    packages
}
