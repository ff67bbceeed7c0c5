//! Puts layer reports together: the final tree, and which layer brought what.

use std::collections::HashMap;

use oci::Digest;

use crate::{
    Distribution, Found, Inventory, LayerReport, LayerSummary, Package, Problem,
    analyser::{ANALYSERS, Counts},
    components, facts,
    origins::Origins,
    tree::{Content, Tree},
};

/// Returns what the image holds whose layers these are, lowest first.
pub fn merge(layers: &[(Digest, LayerReport)]) -> Inventory {
    let extracts = Extracts::new(layers);
    let mut tree = Tree::new(extracts.anywhere());
    let mut origins = Origins::default();
    let mut changes = Vec::with_capacity(layers.len());
    for (index, (_, report)) in layers.iter().enumerate() {
        tree.apply(index, report);
        changes.push(origins.step(index, &tree, &extracts));
    }
    let distribution = distribution(&tree, &extracts);
    let found = components::gather(&origins, layers, distribution.as_ref(), &tree, &extracts);
    let wasted = tree.wasted(layers.len());
    let mut facts = facts::gather(layers, &wasted, &tree, &extracts);
    facts.linked = found.linked;
    let summary = |(index, (digest, report)): (usize, &(Digest, LayerReport))| LayerSummary {
        digest: digest.clone(),
        diff_id: report.diff_id.as_ref().unwrap_or(digest).clone(),
        size: report.size,
        uncompressed_size: report.uncompressed_size,
        files: report.files.len() as u64,
        whiteouts: (report.whiteouts.len() + report.opaque_dirs.len()) as u64,
        components_added: changes[index].0,
        components_removed: changes[index].1,
        wasted_bytes: wasted[index],
    };
    Inventory {
        distribution,
        repositories: repositories(&tree, &extracts),
        components: found.components,
        covered: found.covered,
        removed: found.removed,
        facts,
        layers: layers.iter().enumerate().map(summary).collect(),
        problems: problems(layers, tree),
    }
}

fn distribution<'a>(tree: &Tree<'a>, extracts: &Extracts<'a>) -> Option<Distribution> {
    extracts
        .live(tree)
        .find_map(|(_, extract)| match extract.found {
            Found::Distribution(distribution) => Some(distribution.clone()),
            _ => None,
        })
}

fn repositories<'a>(tree: &Tree<'a>, extracts: &Extracts<'a>) -> Vec<String> {
    let live = extracts.live(tree);
    let names = live.filter_map(|(_, extract)| match extract.found {
        Found::Repositories(names) => Some(names),
        _ => None,
    });
    let mut names: Vec<_> = names.flatten().cloned().collect();
    names.sort();
    names.dedup();
    names
}

fn problems(layers: &[(Digest, LayerReport)], tree: Tree<'_>) -> Vec<Problem> {
    let mut problems: Vec<_> = layers
        .iter()
        .flat_map(|(_, r)| r.problems.clone())
        .collect();
    problems.extend(tree.problems());
    problems
}

/// What one analyser found in a content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extracted<'a> {
    /// The analyser's name.
    pub analyser: &'a str,
    /// What it found.
    pub found: &'a Found,
}

/// What the analysers found, by content.
pub(crate) struct Extracts<'a>(HashMap<Content<'a>, Vec<Extracted<'a>>>);

impl<'a> Extracts<'a> {
    fn new(layers: &'a [(Digest, LayerReport)]) -> Self {
        let mut by_content: HashMap<_, Vec<_>> = HashMap::new();
        for (layer, (_, report)) in layers.iter().enumerate() {
            for extract in &report.extracts {
                let content = Content {
                    layer,
                    path: &extract.path,
                };
                by_content.entry(content).or_default().push(Extracted {
                    analyser: &extract.analyser,
                    found: &extract.found,
                });
            }
        }
        Self(by_content)
    }

    /// Returns what was found in a content.
    pub(crate) fn of(&self, content: Content<'a>) -> impl Iterator<Item = Extracted<'a>> {
        self.0.get(&content).into_iter().flatten().copied()
    }

    /// Returns the packages that were found in a content.
    pub(crate) fn packages(&self, content: Content<'a>) -> impl Iterator<Item = &'a Package> {
        self.of(content).flat_map(|extract| match extract.found {
            Found::Packages(packages) => packages.as_slice(),
            _ => &[],
        })
    }

    /// Returns the contents that count wherever they are.
    fn anywhere(&self) -> std::collections::HashSet<Content<'a>> {
        let names: Vec<_> = ANALYSERS
            .iter()
            .filter(|analyser| matches!(analyser.counts, Counts::Anywhere))
            .map(|analyser| analyser.name)
            .collect();
        let counts = |all: &Vec<Extracted<'_>>| all.iter().any(|one| names.contains(&one.analyser));
        let contents = self.0.iter().filter(|(_, all)| counts(all));
        contents.map(|(content, _)| *content).collect()
    }

    /// Returns, in the order of the analysers' places, what lies there
    /// in the final tree, with its path; every content once.
    pub(crate) fn live(&self, tree: &Tree<'a>) -> impl Iterator<Item = (String, Extracted<'a>)> {
        let contents = at_places(tree);
        contents
            .into_iter()
            .flat_map(|(path, content)| self.of(content).map(move |found| (path.clone(), found)))
    }
}

/// Returns what lies where the analysers say that their files count, every content once.
pub(crate) fn at_places<'a>(tree: &Tree<'a>) -> Vec<(String, Content<'a>)> {
    let mut contents: Vec<(String, Content<'a>)> = Vec::new();
    let places = ANALYSERS.iter().flat_map(|analyser| match analyser.counts {
        Counts::At(places) => places,
        Counts::Anywhere | Counts::Asked => &[],
    });
    for place in places {
        let found = match place.strip_suffix('/') {
            Some(folder) => tree.list(folder),
            None => tree.find(place).into_iter().collect(),
        };
        for (path, node) in found {
            contents.push((path, node.content));
        }
    }
    let mut seen = std::collections::HashSet::new();
    contents.retain(|(_, content)| seen.insert(*content));
    contents
}
