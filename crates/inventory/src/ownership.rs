//! Files belong to the distribution package that brought them: a Python module, a jar or a
//! program of a distribution package is that package, and is not counted twice.

use std::collections::{HashMap, HashSet};

use crate::{
    Claim, Component, Distribution, Found, Kind, OwnedFiles, Package,
    lang::conda,
    merge::Extracts,
    origins::{Origin, Sight},
    suppliers::third_party,
    tree::{Content, Tree},
};

/// The owner of each file that shows a component, if it has one.
pub(crate) struct Ownership<'g, 'a> {
    extracts: &'g Extracts<'a>,
    distribution: Option<&'g Distribution>,
    owners: HashMap<String, Option<usize>>,
    /// What each package of Conda brought: the component of that name and version.
    brought: HashMap<String, usize>,
}

impl<'g, 'a> Ownership<'g, 'a> {
    /// Looks the files of `components` up in the lists of the distribution's packages.
    pub(crate) fn new(
        components: &[Component],
        distribution: Option<&'g Distribution>,
        tree: &Tree<'a>,
        extracts: &'g Extracts<'a>,
    ) -> Self {
        let others = components
            .iter()
            .filter(|component| !component.kind.is_distribution());
        let paths = others.flat_map(|component| &component.evidence);
        let mut owners: HashMap<_, _> = paths
            .map(|evidence| (evidence.path.clone(), None))
            .collect();
        if !owners.is_empty() {
            let mut places = Places::new(tree);
            for (owner, list) in lists(components, tree, extracts) {
                for path in list.paths.lines() {
                    if let Some(slot) = owners.get_mut(places.real(path)) {
                        slot.get_or_insert(owner);
                    }
                }
            }
        }
        Self {
            extracts,
            distribution,
            owners,
            brought: brought(components, tree, extracts),
        }
    }

    /// Returns the place of the package for which a package of Conda is only the wrapping: the
    /// one it brought, of its own name and version.
    pub(crate) fn counted(&self, component: &Component) -> Option<usize> {
        let is_conda = component.kind == Kind::Conda;
        let key = is_conda.then(|| conda::owner(&component.name, &component.version))?;
        self.brought.get(&key).copied()
    }

    /// Returns the place of the package that brought all of a component's evidence, its
    /// `origin`'s, and answers for it; evidence with an owner is dropped where there is other.
    pub(crate) fn owner(
        &self,
        component: &mut Component,
        origin: &Origin<'a>,
        all: &[Component],
    ) -> Option<usize> {
        if component.kind.is_distribution() {
            return None;
        }
        let owner = |sight: &Sight<'a>| {
            let owner = self.owners.get(&sight.path).copied().flatten()?;
            let is_its = self.answers(&all[owner]) && self.is_as_brought(sight, &all[owner]);
            is_its.then_some(owner)
        };
        let owners: Vec<_> = origin.sights.iter().map(owner).collect();
        if owners.iter().all(Option::is_some) {
            return owners.first().copied().flatten();
        }
        let mut owned = owners.iter().map(Option::is_some);
        component
            .evidence
            .retain(|_| !owned.next().unwrap_or_default());
        component.path.clone_from(&component.evidence[0].path);
        None
    }

    /// Returns whether advisories of the distribution speak of a package.
    fn answers(&self, owner: &Component) -> bool {
        let distribution = self.distribution.map_or("", |it| &it.id);
        let supplier = owner.vendor.as_ref().or(owner.maintainer.as_ref());
        let supplier = supplier.map_or("", String::as_str);
        third_party(owner.kind, distribution, &owner.version, supplier).is_none()
    }

    /// Returns whether a file is what its owner brought: a layer above may have written another
    /// version over it, as `npm install --global npm` does. A copy with other rights is the same.
    fn is_as_brought(&self, sight: &Sight<'a>, owner: &Component) -> bool {
        if sight.content.layer <= owner.layer_index {
            return true;
        }
        let below = (0..=owner.layer_index).rev().map(|layer| Content {
            layer,
            path: sight.content.path,
        });
        let mut found = below.map(|content| self.extracts.packages(content).collect::<Vec<_>>());
        let first = found.find(|packages| !packages.is_empty());
        first.is_some_and(|packages: Vec<&Package>| {
            packages.iter().any(|it| it.key() == sight.package.key())
        })
    }
}

/// Returns the components that packages of Conda brought, each by its package's word.
fn brought<'a>(
    components: &[Component],
    tree: &Tree<'a>,
    extracts: &Extracts<'a>,
) -> HashMap<String, usize> {
    let mut brought = HashMap::new();
    if components
        .iter()
        .all(|component| component.kind != Kind::Conda)
    {
        return brought;
    }
    let mut shown = HashMap::new();
    for (place, component) in components.iter().enumerate() {
        if matches!(component.kind, Kind::Pypi | Kind::Generic) {
            let paths = component.evidence.iter().map(|evidence| &*evidence.path);
            shown.extend(paths.map(|path| (path, place)));
        }
    }
    let all = tree
        .shown
        .values()
        .flat_map(|content| extracts.of(*content));
    for extract in all.filter(|extract| extract.analyser == conda::ANALYSER.name) {
        let Found::Owned(lists) = extract.found else {
            continue;
        };
        for list in lists {
            for place in list.paths.lines().filter_map(|path| shown.get(path)) {
                let word = conda::owner(&components[*place].name, &components[*place].version);
                if list.package == word {
                    brought.insert(word, *place);
                }
            }
        }
    }
    brought
}

/// Returns the lists of files, each with the place of its package among the components.
pub(crate) fn lists<'a>(
    components: &[Component],
    tree: &Tree<'a>,
    extracts: &Extracts<'a>,
) -> Vec<(usize, &'a OwnedFiles)> {
    let (mut lists, mut read) = (Vec::new(), HashSet::new());
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, component) in components.iter().enumerate() {
        // A claim brings no files.
        if component.kind.is_distribution() && component.claim == Claim::Installed {
            places.entry(&component.name).or_insert(place);
        }
        if component.kind == Kind::Deb {
            let own = of_debian(component, tree, extracts);
            let own = own.filter(|(content, _)| read.insert(*content));
            lists.extend(
                own.iter()
                    .flat_map(|(_, own)| own)
                    .map(|list| (place, *list)),
            );
        }
    }
    let anywhere = tree.shown.values();
    let anywhere = anywhere.flat_map(|content| extracts.of(*content));
    let at_places = extracts.live(tree).map(|(_, extract)| extract);
    for extract in at_places.chain(anywhere) {
        let Found::Owned(all) = extract.found else {
            continue;
        };
        let known = |list: &'a OwnedFiles| Some((*places.get(&*list.package)?, list));
        lists.extend(all.iter().filter_map(known));
    }
    lists
}

/// dpkg has a file for each package; packages that may be installed for several architectures
/// have theirs in the name. Distroless images, and some that were thinned, have checksums only.
fn of_debian<'a>(
    package: &Component,
    tree: &Tree<'a>,
    extracts: &Extracts<'a>,
) -> Option<(Content<'a>, Vec<&'a OwnedFiles>)> {
    let (name, architecture) = (&package.name, &package.architecture);
    let paths = [
        format!("var/lib/dpkg/info/{name}.list"),
        format!("var/lib/dpkg/info/{name}:{architecture}.list"),
        format!("var/lib/dpkg/info/{name}.md5sums"),
        format!("var/lib/dpkg/info/{name}:{architecture}.md5sums"),
        format!("var/lib/dpkg/status.d/{name}.md5sums"),
    ];
    let mut found = paths.iter().filter_map(|path| tree.find(path));
    found.find_map(|(_, node)| {
        extracts
            .of(node.content)
            .find_map(|extract| match extract.found {
                Found::Owned(lists) => Some((node.content, lists.iter().collect())),
                _ => None,
            })
    })
}

/// Where listed paths really are: on many systems `/lib` and `/bin` are links into `/usr`.
pub(crate) struct Places<'t, 'a> {
    tree: &'t Tree<'a>,
    tops: HashMap<String, String>,
    path: String,
}

impl<'t, 'a> Places<'t, 'a> {
    /// Starts without knowing any.
    pub(crate) fn new(tree: &'t Tree<'a>) -> Self {
        Self {
            tree,
            tops: HashMap::new(),
            path: String::new(),
        }
    }

    /// Returns where the file of a list really is.
    pub(crate) fn real<'s>(&'s mut self, path: &'s str) -> &'s str {
        let Some((top, rest)) = path.split_once('/') else {
            return path;
        };
        if !self.tops.contains_key(top) {
            let real = self.tree.resolve(top).unwrap_or_else(|| top.to_owned());
            self.tops.insert(top.to_owned(), real);
        }
        let real = &self.tops[top];
        if real == top {
            return path;
        }
        self.path.clear();
        self.path.push_str(real);
        self.path.push('/');
        self.path.push_str(rest);
        &self.path
    }
}
