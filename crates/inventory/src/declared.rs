//! What lock files ask for, where what came of it is there to see.

use std::collections::HashSet;

use crate::{Claim, Component, Kind};

/// Drops components that are only asked for where packages of their ecosystem are installed
/// below the folder of the lock file, or the same package is installed anywhere: the
/// installed ones are what counts. Others stay, and say that they are only asked for.
pub(crate) fn drop_answered(components: &mut Vec<Component>) {
    if components
        .iter()
        .all(|component| component.claim != Claim::Declared)
    {
        return;
    }
    let answered: Vec<_> = {
        let installed = Installed::new(components);
        let answered = components
            .iter()
            .map(|component| installed.answer(component));
        answered.collect()
    };
    let mut answered = answered.into_iter();
    components.retain(|_| !answered.next().unwrap_or_default());
}

/// Folders into which package managers install. Anything else below a lock file may be the
/// project's own, whose packages say nothing of what it needs.
static TREES: &[&str] = &[
    "node_modules/",
    "vendor/",
    "site-packages/",
    "dist-packages/",
    "specifications/",
];

struct Installed<'a> {
    names: HashSet<(Kind, &'a str, &'a str)>,
    /// The folders that have a tree of installed packages below them.
    folders: HashSet<(Kind, &'a str)>,
}

impl<'a> Installed<'a> {
    fn new(components: &'a [Component]) -> Self {
        let mut installed = Self {
            names: HashSet::new(),
            folders: HashSet::new(),
        };
        for component in components
            .iter()
            .filter(|one| one.claim == Claim::Installed)
        {
            let names = (component.kind, &*component.namespace, &*component.name);
            installed.names.insert(names);
            for evidence in &component.evidence {
                let tree = TREES.iter().filter_map(|tree| evidence.path.find(*tree));
                let Some(tree) = tree.min() else {
                    continue;
                };
                let mut folder = evidence.path[..tree].trim_end_matches('/');
                while installed.folders.insert((component.kind, folder)) && !folder.is_empty() {
                    folder = parent(folder);
                }
            }
        }
        installed
    }

    fn answer(&self, component: &Component) -> bool {
        let name = (component.kind, &*component.namespace, &*component.name);
        component.claim == Claim::Declared
            && (self.names.contains(&name)
                || component.evidence.iter().all(|evidence| {
                    let folder = parent(&evidence.path);
                    // The root is above everything, and so says nothing; nor do others say
                    // anything of a checkout, which has no metadata of its own.
                    !component.qualifiers.contains_key("vcs_url")
                        && !folder.is_empty()
                        && self.folders.contains(&(component.kind, folder))
                }))
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
