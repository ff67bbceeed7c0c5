//! What lock files ask for, where what came of it is there to see.

use std::collections::HashSet;

use crate::{
    Claim, Component, Kind,
    folders::{installed_for, parent},
};

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
                let Some(mut folder) = installed_for(&evidence.path) else {
                    continue;
                };
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
