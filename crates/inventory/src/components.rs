//! Components of the final tree: packages with their origin, less those that a
//! distribution package brought and answers for.

use std::{cell::RefCell, collections::HashMap};

use oci::Digest;

use crate::{
    Claim, Component, Distribution, Evidence, Found, Kind, LayerReport, Linked, Package, Removed,
    analyser::Analyser,
    claims, declared,
    licenses::file,
    linking::Linking,
    merge::Extracts,
    origins::{Gone, Origin, Origins, Sight},
    ownership::Ownership,
    purl::purl,
    tree::{Node, Tree},
};

/// What is in an image, what counts under another name, and what is no longer in it.
pub(crate) struct Gathered {
    pub components: Vec<Component>,
    pub covered: Vec<Component>,
    pub removed: Vec<Removed>,
    pub linked: Vec<Linked>,
}

struct Gather<'g, 'a> {
    /// The licences that lie in a folder: many packages may have one.
    in_folder: RefCell<HashMap<String, Vec<String>>>,
    layers: &'g [(Digest, LayerReport)],
    distribution: Option<&'g Distribution>,
    tree: &'g Tree<'a>,
    extracts: &'g Extracts<'a>,
}

/// Makes components of all packages.
pub(crate) fn gather<'a>(
    origins: &Origins<'a>,
    layers: &[(Digest, LayerReport)],
    distribution: Option<&Distribution>,
    tree: &Tree<'a>,
    extracts: &Extracts<'a>,
) -> Gathered {
    let gather = Gather {
        in_folder: RefCell::default(),
        layers,
        distribution,
        tree,
        extracts,
    };
    let each = || origins.packages.values();
    let mut all: Vec<_> = each().map(|origin| gather.component(origin)).collect();
    let linking = Linking::new(tree, extracts);
    linking.mark(&mut all, tree, extracts);
    let ownership = Ownership::new(&all, distribution, tree, extracts);
    let (mut components, mut covered) = (Vec::new(), Vec::new());
    for (component, origin) in all.iter().zip(each()) {
        let mut component = component.clone();
        match ownership
            .owner(&mut component, origin, &all)
            .or_else(|| ownership.counted(&component))
        {
            Some(owner) => {
                component.covered_by = Some(all[owner].purl.clone());
                covered.push(component);
            }
            None => components.push(component),
        }
    }
    claims::join(&mut components);
    declared::drop_answered(&mut components);
    let removed = origins.gone.iter();
    let removed = removed.map(|gone| gather.removed(gone, origins));
    Gathered {
        components,
        covered,
        removed: removed.collect(),
        linked: linking.facts(),
    }
}

/// Returns the folder that holds one package alone, which a sight of it shows.
fn own_folder(package: &Package, sight: &Sight<'_>) -> Option<String> {
    if package.claim != Claim::Installed || !package.within.is_empty() {
        return None;
    }
    let analyser = Analyser::named(sight.analyser)?;
    (analyser.own_folder)(package, &sight.path)
}

impl<'a> Gather<'_, 'a> {
    fn component(&self, origin: &Origin<'a>) -> Component {
        let first = &origin.sights[0];
        let mut package = first.package.clone();
        let or = |text: &mut String, other: &str| {
            if text.is_empty() {
                other.clone_into(text);
            }
        };
        for sight in &origin.sights[1..] {
            let other = sight.package;
            package.claim = package.claim.min(other.claim);
            package.confidence = package.confidence.min(other.confidence);
            // What is kept of a package may be in several files.
            or(&mut package.source_name, &other.source_name);
            or(&mut package.source_version, &other.source_version);
            if package.maintainer.is_none() {
                package.maintainer.clone_from(&other.maintainer);
            }
            if package.licenses.is_empty() {
                package.licenses.clone_from(&other.licenses);
            }
        }
        if package.licenses.is_empty() {
            package.licenses = self.licenses(&package, first);
        }
        let (name, version) = (package.name.clone(), package.version.clone());
        or(&mut package.source_name, &name);
        or(&mut package.source_version, &version);
        claims::settle(&mut package, self.distribution);
        Component {
            purl: purl(&package, self.distribution),
            layer: self.layers[origin.layer].0.clone(),
            layer_index: origin.layer,
            path: first.path.clone(),
            evidence: self.evidence(origin),
            linked: None,
            covered_by: None,
            package,
        }
    }

    fn evidence(&self, origin: &Origin<'a>) -> Vec<Evidence> {
        let of = origin.sights.iter().map(|sight| Evidence {
            path: sight.path.clone(),
            within: sight.package.within.clone(),
            layer: self.layers[sight.content.layer].0.clone(),
            analyser: sight.analyser.to_owned(),
        });
        of.collect()
    }

    fn removed(&self, gone: &Gone<'a>, origins: &Origins<'a>) -> Removed {
        let package: &Package = gone.origin.sights[0].package;
        let mut own = package.clone();
        claims::settle(&mut own, self.distribution);
        Removed {
            purl: purl(&own, self.distribution),
            path: gone.origin.sights[0].path.clone(),
            layer: self.layers[gone.origin.layer].0.clone(),
            layer_index: gone.origin.layer,
            by: self.layers[gone.by].0.clone(),
            by_index: gone.by,
            replaced_by: origins.successor(package),
        }
    }

    /// Returns the licences whose files came with a package that states none, which `sight` shows.
    fn licenses(&self, package: &Package, sight: &Sight<'a>) -> Vec<String> {
        let name = &package.name;
        let files = match package.kind {
            // Debian's databases have no licences; the package's documentation has.
            Kind::Deb => self.tree.find(&format!("usr/share/doc/{name}/copyright")),
            _ => None,
        };
        if let Some(file) = files {
            return self.stated(&[file]);
        }
        let folder = match package.kind.is_distribution() {
            true => Some(format!("usr/share/licenses/{name}")),
            false => own_folder(package, sight),
        };
        let Some(folder) = folder else {
            return Vec::new();
        };
        if let Some(known) = self.in_folder.borrow().get(&folder) {
            return known.clone();
        }
        // Python's newer metadata keep them one folder below.
        let within = [format!("{folder}/licenses"), folder.clone()];
        let mut files: Vec<_> = within.iter().flat_map(|at| self.tree.list(at)).collect();
        files.retain(|(path, _)| file::is_license(path.rsplit('/').next().unwrap_or(path)));
        let licenses = self.stated(&files);
        self.in_folder.borrow_mut().insert(folder, licenses.clone());
        licenses
    }

    /// Returns the licences that files state.
    fn stated(&self, files: &[(String, Node<'a>)]) -> Vec<String> {
        let found = files
            .iter()
            .flat_map(|(_, node)| self.extracts.of(node.content));
        let licenses = found.filter_map(|extract| match extract.found {
            Found::Licenses(licenses) => Some(licenses),
            _ => None,
        });
        let mut all: Vec<_> = licenses.flatten().cloned().collect();
        all.sort();
        all.dedup();
        all
    }
}
