//! Which files distribution packages brought, in the layers where they did.

use std::collections::HashMap;

use oci::Digest;

use crate::{Found, LayerReport, ownership::Places, tree::Tree};

/// The package of each of some files.
pub(crate) struct Brought<'a>(HashMap<(usize, &'a str), &'a str>);

impl<'a> Brought<'a> {
    /// Looks for the files of `asked`, by layer and path, in the lists of packages that came in
    /// the same layer. What an upper layer puts in the place of a package's file is somebody
    /// else's; and a package that an upper layer takes away brought what it did.
    pub(crate) fn new(
        asked: impl Iterator<Item = (usize, &'a str)>,
        layers: &'a [(Digest, LayerReport)],
        tree: &Tree<'_>,
    ) -> Self {
        let mut places = Places::new(tree);
        // As lists say it and as the layer says it, `/lib` may be a link or not.
        let mut by_layer: HashMap<usize, HashMap<String, Vec<&'a str>>> = HashMap::new();
        for (layer, path) in asked {
            let real = places.real(path).to_owned();
            let paths = by_layer.entry(layer).or_default();
            paths.entry(real).or_default().push(path);
        }
        let mut found = HashMap::new();
        for (layer, paths) in by_layer {
            let lists = layers[layer].1.extracts.iter();
            let lists = lists.filter_map(|extract| match &extract.found {
                Found::Owned(lists) => Some(lists),
                _ => None,
            });
            for list in lists.flatten() {
                for line in list.paths.lines() {
                    for path in paths.get(places.real(line)).into_iter().flatten() {
                        let package = list.package.split(':').next().unwrap_or_default();
                        found.entry((layer, *path)).or_insert(package);
                    }
                }
            }
        }
        Self(found)
    }

    /// Returns the package that brought a file, of those asked for, if one did.
    pub(crate) fn package<'s>(&'s self, layer: usize, path: &'s str) -> Option<&'s str> {
        self.0.get(&(layer, path)).copied()
    }
}
