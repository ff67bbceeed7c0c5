//! Components of the final tree: packages with their origin, less those that a
//! distribution package brought and answers for.

use oci::Digest;

use crate::{
    Component, Distribution, Evidence, Found, Kind, LayerReport, Linked, Package, Removed,
    declared,
    linking::Linking,
    merge::Extracts,
    origins::{Gone, Origin, Origins},
    ownership::Ownership,
    purl::purl,
    tree::Tree,
};

/// What is in an image, what counts under another name, and what is no longer in it.
pub(crate) struct Gathered {
    pub components: Vec<Component>,
    pub covered: Vec<Component>,
    pub removed: Vec<Removed>,
    pub linked: Vec<Linked>,
}

struct Gather<'g, 'a> {
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
        layers,
        distribution,
        tree,
        extracts,
    };
    let all = origins.packages.values();
    let mut all: Vec<_> = all.map(|origin| gather.component(origin)).collect();
    let linking = Linking::new(tree, extracts);
    linking.mark(&mut all, tree, extracts);
    let ownership = Ownership::new(&all, tree, extracts);
    let (mut components, mut covered) = (Vec::new(), Vec::new());
    for component in &all {
        let mut component = component.clone();
        match ownership.owner(&mut component, &all) {
            Some(owner) => {
                component.covered_by = Some(all[owner].purl.clone());
                covered.push(component);
            }
            None => components.push(component),
        }
    }
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

impl<'a> Gather<'_, 'a> {
    fn component(&self, origin: &Origin<'a>) -> Component {
        let first = &origin.sights[0];
        let mut package = first.package.clone();
        if package.kind == Kind::Deb {
            package.licenses = self.copyright(&package.name);
        }
        let or = |text: &mut String, other: &str| {
            if text.is_empty() {
                other.clone_into(text);
            }
        };
        let (name, version) = (package.name.clone(), package.version.clone());
        or(&mut package.source_name, &name);
        or(&mut package.source_version, &version);
        for sight in &origin.sights[1..] {
            package.claim = package.claim.min(sight.package.claim);
            package.confidence = package.confidence.min(sight.package.confidence);
        }
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
        Removed {
            purl: purl(package, self.distribution),
            path: gone.origin.sights[0].path.clone(),
            layer: self.layers[gone.origin.layer].0.clone(),
            by: self.layers[gone.by].0.clone(),
            replaced_by: origins.successor(package),
        }
    }

    /// Debian's databases have no licences; the package's documentation has.
    fn copyright(&self, name: &str) -> Vec<String> {
        let file = self.tree.find(&format!("usr/share/doc/{name}/copyright"));
        let found = file
            .into_iter()
            .flat_map(|(_, node)| self.extracts.of(node.content));
        let licenses = found.filter_map(|extract| match extract.found {
            Found::Licenses(licenses) => Some(licenses.clone()),
            _ => None,
        });
        licenses.flatten().collect()
    }
}
