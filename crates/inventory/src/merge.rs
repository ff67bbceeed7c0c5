//! Puts layer reports together: the final tree, and which layer brought what.

use std::collections::{BTreeMap, HashMap};

use oci::Digest;

use crate::{
    Component, Distribution, Found, Inventory, Kind, LayerReport, LayerSummary, Package, Problem,
    component::PackageKey,
    extract::EXTRACTORS,
    facts,
    purl::purl,
    tree::{Content, Tree},
};

/// Databases whose packages are not among the components; an image that has one says so.
static UNREAD: &[(&str, &str)] = &[
    ("var/lib/rpm/Packages", "rpm"),
    ("var/lib/rpm/Packages.db", "rpm"),
    ("var/lib/rpm/rpmdb.sqlite", "rpm"),
    ("usr/lib/sysimage/rpm/Packages", "rpm"),
    ("usr/lib/sysimage/rpm/Packages.db", "rpm"),
    ("usr/lib/sysimage/rpm/rpmdb.sqlite", "rpm"),
    ("usr/share/rpm/rpmdb.sqlite", "rpm"),
    ("var/lib/pacman/local/ALPM_DB_VERSION", "pacman"),
    ("usr/lib/opkg/status", "opkg"),
];

/// Returns what the image holds whose layers these are, lowest first.
pub fn merge(layers: &[(Digest, LayerReport)]) -> Inventory {
    let extracts = Extracts::new(layers);
    let mut tree = Tree::new(layers.len());
    let mut origins = Origins::default();
    let mut changes = Vec::with_capacity(layers.len());
    for (index, (_, report)) in layers.iter().enumerate() {
        tree.apply(index, report);
        changes.push(origins.step(index, &tree, &extracts));
    }
    let distribution = extracts.live(&tree).find_map(|(_, found)| match found {
        Found::Distribution(distribution) => Some(distribution.clone()),
        _ => None,
    });
    let components = components(&origins, layers, distribution.as_ref(), &tree, &extracts);
    let facts = facts::gather(layers, &tree, &extracts);
    let summary = |(index, (digest, report)): (usize, &(Digest, LayerReport))| LayerSummary {
        digest: digest.clone(),
        diff_id: report.diff_id.clone(),
        size: report.size,
        uncompressed_size: report.uncompressed_size,
        files: report.files.len() as u64,
        whiteouts: (report.whiteouts.len() + report.opaque_dirs.len()) as u64,
        components_added: changes[index].0,
        components_removed: changes[index].1,
        wasted_bytes: tree.wasted[index],
    };
    Inventory {
        distribution,
        components,
        facts,
        layers: layers.iter().enumerate().map(summary).collect(),
        problems: problems(layers, tree),
    }
}

fn problems(layers: &[(Digest, LayerReport)], tree: Tree<'_>) -> Vec<Problem> {
    let unread = UNREAD.iter().filter(|(path, _)| tree.find(path).is_some());
    let unread: Vec<_> = unread
        .map(|(path, kind)| {
            let text = format!("a database of {kind}, whose packages are not among the components");
            Problem::of(path, text)
        })
        .collect();
    let mut problems: Vec<_> = layers
        .iter()
        .flat_map(|(_, r)| r.problems.clone())
        .collect();
    problems.extend(tree.problems);
    problems.extend(unread);
    problems
}

/// What the extractors found, by content.
pub(crate) struct Extracts<'a>(HashMap<Content<'a>, Vec<&'a Found>>);

impl<'a> Extracts<'a> {
    fn new(layers: &'a [(Digest, LayerReport)]) -> Self {
        let mut by_content: HashMap<_, Vec<_>> = HashMap::new();
        for (layer, (_, report)) in layers.iter().enumerate() {
            for extract in &report.extracts {
                let content = Content {
                    layer,
                    path: &extract.path,
                };
                by_content.entry(content).or_default().push(&extract.found);
            }
        }
        Self(by_content)
    }

    /// Returns what was found in a content.
    pub(crate) fn of(&self, content: Content<'a>) -> impl Iterator<Item = &'a Found> {
        self.0.get(&content).into_iter().flatten().copied()
    }

    /// Returns, in the order of the extractors' locations, what lies there
    /// in the final tree, with its path; every content once.
    pub(crate) fn live(&self, tree: &Tree<'a>) -> impl Iterator<Item = (String, &'a Found)> {
        let contents = live_contents(tree);
        contents
            .into_iter()
            .flat_map(|(path, content)| self.of(content).map(move |found| (path.clone(), found)))
    }
}

fn live_contents<'a>(tree: &Tree<'a>) -> Vec<(String, Content<'a>)> {
    let mut contents: Vec<(String, Content<'a>)> = Vec::new();
    for location in EXTRACTORS.iter().flat_map(|extractor| extractor.locations) {
        let found = match location.strip_suffix('/') {
            Some(folder) => tree.list(folder),
            None => tree.find(location).into_iter().collect(),
        };
        for (path, node) in found {
            contents.push((path, node.content));
        }
    }
    let mut seen = std::collections::HashSet::new();
    contents.retain(|(_, content)| seen.insert(*content));
    contents
}

/// Where a package comes from.
#[derive(Clone)]
struct Origin<'a> {
    package: &'a Package,
    layer: usize,
    path: String,
}

/// Every package's origin, after some layers. Databases are compared layer by
/// layer and all together, so that one that moves brings nothing new, and a
/// package that goes and comes back belongs to the later layer.
#[derive(Default)]
struct Origins<'a> {
    contents: Vec<(String, Content<'a>)>,
    packages: BTreeMap<PackageKey<'a>, Origin<'a>>,
}

impl<'a> Origins<'a> {
    /// Takes note of what the layer changed; returns how many came and went.
    fn step(&mut self, layer: usize, tree: &Tree<'a>, extracts: &Extracts<'a>) -> (u64, u64) {
        let mut contents = live_contents(tree);
        contents.retain(|(_, content)| {
            extracts
                .of(*content)
                .any(|found| matches!(found, Found::Packages(_)))
        });
        if contents == self.contents {
            return (0, 0);
        }
        let mut packages = BTreeMap::new();
        let mut added = 0;
        for (path, content) in &contents {
            for package in extracts.of(*content).flat_map(packages_of) {
                let old = self.packages.get(&package.key()).map(|origin| origin.layer);
                packages.entry(package.key()).or_insert_with(|| {
                    added += u64::from(old.is_none());
                    Origin {
                        package,
                        layer: old.unwrap_or(layer),
                        path: path.clone(),
                    }
                });
            }
        }
        let removed = self
            .packages
            .keys()
            .filter(|key| !packages.contains_key(*key))
            .count();
        self.contents = contents;
        self.packages = packages;
        (added, removed as u64)
    }
}

fn packages_of(found: &Found) -> &[Package] {
    match found {
        Found::Packages(packages) => packages,
        _ => &[],
    }
}

fn components<'a>(
    origins: &Origins<'a>,
    layers: &[(Digest, LayerReport)],
    distribution: Option<&Distribution>,
    tree: &Tree<'a>,
    extracts: &Extracts<'a>,
) -> Vec<Component> {
    let component = |origin: &Origin<'a>| {
        let package = origin.package.clone();
        let licenses = match package.kind {
            Kind::Deb => copyright(&package.name, tree, extracts),
            Kind::Apk => package.licenses.clone(),
        };
        Component {
            purl: purl(&package, distribution),
            kind: package.kind,
            name: package.name,
            version: package.version,
            architecture: package.architecture,
            source_name: package.source_name,
            source_version: package.source_version,
            licenses,
            maintainer: package.maintainer,
            status: package.status,
            layer: layers[origin.layer].0.clone(),
            layer_index: origin.layer,
            path: origin.path.clone(),
        }
    };
    origins.packages.values().map(component).collect()
}

/// Debian's databases have no licences; the package's documentation has.
fn copyright<'a>(name: &str, tree: &Tree<'a>, extracts: &Extracts<'a>) -> Vec<String> {
    let file = tree.find(&format!("usr/share/doc/{name}/copyright"));
    let found = file
        .into_iter()
        .flat_map(|(_, node)| extracts.of(node.content));
    let licenses = found.filter_map(|found| match found {
        Found::Licenses(licenses) => Some(licenses.clone()),
        _ => None,
    });
    licenses.flatten().collect()
}
