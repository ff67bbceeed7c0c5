//! Which files distribution packages brought, in the layers where they did.

use std::collections::{HashMap, HashSet};

use oci::Digest;

use crate::{
    Extract, Found, LayerReport,
    analyser::{ANALYSERS, Analyser, Counts},
    lang::conda,
    os::dpkg_files,
    ownership::Places,
    tree::Tree,
};

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
        let databases = Databases::new(tree);
        let mut found = HashMap::new();
        for (layer, paths) in by_layer {
            let mut lists = Vec::new();
            for extract in &layers[layer].1.extracts {
                if let Found::Owned(all) = &extract.found
                    && databases.hold(extract, &mut places)
                {
                    lists.extend(all);
                }
            }
            for list in lists {
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

/// Where databases of distributions' packages lie. Anybody may put a file of such a name
/// anywhere else, to hide what he likes.
struct Databases(HashSet<String>);

impl Databases {
    /// Notes the places of the analysers, as they are and where links lead from there.
    fn new(tree: &Tree<'_>) -> Self {
        let places = ANALYSERS.iter().flat_map(|analyser| match analyser.counts {
            Counts::At(places) => places,
            Counts::Anywhere | Counts::Asked => &[],
        });
        let both = places.flat_map(|place| [Some((*place).to_owned()), tree.resolve(place)]);
        Self(both.flatten().collect())
    }

    /// Returns whether a list of files is one of theirs.
    fn hold(&self, extract: &Extract, places: &mut Places<'_, '_>) -> bool {
        let Some(analyser) = Analyser::named(&extract.analyser) else {
            return false;
        };
        match analyser.counts {
            Counts::At(_) => self.0.contains(&extract.path),
            Counts::Asked => dpkg_files::is_in_database(places.real(&extract.path)),
            // They want files of one folder alone; but Conda's are of any, and no distribution's.
            Counts::Anywhere => analyser.name != conda::ANALYSER.name,
        }
    }
}
