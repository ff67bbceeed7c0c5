//! Which layer brought a package, and which took it away again.

use std::collections::{BTreeMap, HashSet};

use crate::{
    Found, Package,
    component::PackageKey,
    merge::{Extracts, at_places},
    tree::{Content, Tree},
};

/// A file that shows a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sight<'a> {
    /// Where it is in the tree.
    pub path: String,
    /// Its bytes.
    pub content: Content<'a>,
    /// Who read it.
    pub analyser: &'a str,
    /// What it says.
    pub package: &'a Package,
}

/// Where a package comes from.
#[derive(Debug, Clone)]
pub(crate) struct Origin<'a> {
    /// The layer that brought it.
    pub layer: usize,
    /// Where it is seen; never empty.
    pub sights: Vec<Sight<'a>>,
}

/// A package that a later layer took away.
#[derive(Debug, Clone)]
pub(crate) struct Gone<'a> {
    /// Where it came from.
    pub origin: Origin<'a>,
    /// The layer that took it away.
    pub by: usize,
}

/// Every package's origin, after some layers. Databases are compared layer by
/// layer and all together, so that one that moves brings nothing new, and a
/// package that goes and comes back belongs to the later layer.
#[derive(Default)]
pub(crate) struct Origins<'a> {
    contents: Vec<(String, Content<'a>)>,
    /// What is there.
    pub packages: BTreeMap<PackageKey<'a>, Origin<'a>>,
    /// What is no longer there.
    pub gone: Vec<Gone<'a>>,
}

impl<'a> Origins<'a> {
    /// Takes note of what the layer changed; returns how many came and went.
    pub(crate) fn step(
        &mut self,
        layer: usize,
        tree: &Tree<'a>,
        extracts: &Extracts<'a>,
    ) -> (u64, u64) {
        let contents = contents(tree, extracts);
        if contents == self.contents {
            return (0, 0);
        }
        let mut packages: BTreeMap<PackageKey<'a>, Origin<'a>> = BTreeMap::new();
        let mut added = 0;
        for sight in sights(&contents, extracts) {
            let key = sight.package.key();
            let origin = packages.entry(key).or_insert_with(|| {
                let old = self.packages.get(&key).map(|origin| origin.layer);
                added += u64::from(old.is_none());
                Origin {
                    layer: old.unwrap_or(layer),
                    sights: Vec::new(),
                }
            });
            origin.sights.push(sight);
        }
        for origin in packages.values_mut() {
            // What is there says more of itself than who asks for it.
            origin.sights.sort_by_key(|sight| sight.package.claim);
        }
        let old = std::mem::replace(&mut self.packages, packages);
        let gone = old
            .into_iter()
            .filter(|(key, _)| !self.packages.contains_key(key));
        let before = self.gone.len();
        self.gone
            .extend(gone.map(|(_, origin)| Gone { origin, by: layer }));
        self.contents = contents;
        (added, (self.gone.len() - before) as u64)
    }

    /// Returns the version of the same package that is there now.
    pub(crate) fn successor(&self, package: &Package) -> Option<String> {
        let mut from = package.key();
        from.version = "";
        let mut after = self.packages.range(from..);
        let (key, _) = after.next()?;
        let same = (key.kind, key.namespace, key.name)
            == (package.kind, &*package.namespace, &*package.name);
        same.then(|| key.version.to_owned())
    }
}

/// Returns the files that have packages: databases first, in the analysers' order.
fn contents<'a>(tree: &Tree<'a>, extracts: &Extracts<'a>) -> Vec<(String, Content<'a>)> {
    let mut contents = at_places(tree);
    contents.retain(|(_, content)| {
        extracts
            .of(*content)
            .any(|extract| matches!(extract.found, Found::Packages(_)))
    });
    let mut seen: HashSet<_> = contents.iter().map(|(_, content)| *content).collect();
    for (path, content) in &tree.shown {
        if seen.insert(*content) {
            contents.push((path.clone(), *content));
        }
    }
    contents
}

fn sights<'a>(
    contents: &[(String, Content<'a>)],
    extracts: &Extracts<'a>,
) -> impl Iterator<Item = Sight<'a>> {
    contents.iter().flat_map(move |(path, content)| {
        extracts.of(*content).flat_map(move |extract| {
            let packages: &'a [Package] = match extract.found {
                Found::Packages(packages) => packages,
                _ => &[],
            };
            packages.iter().map(move |package| Sight {
                path: path.clone(),
                content: *content,
                analyser: extract.analyser,
                package,
            })
        })
    })
}
