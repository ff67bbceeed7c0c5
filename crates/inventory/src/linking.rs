//! Which program needs which shared library of the final tree, as the loader would find it
//! (ld.so(8)), so that a library that nothing is linked with can be told apart.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::{
    Component, Found, Linkage,
    folders::parent,
    merge::Extracts,
    ownership::{Places, lists},
    tree::Tree,
};

/// The shared libraries that a program or a library of the image is linked with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// The program or library.
    pub path: String,
    /// Where the libraries are that it needs, its loader among them; not those that these need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<String>,
    /// Names of libraries that it needs and that are not in the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// Folders that loaders search whatever a program says; on Debian also those named for a
/// machine below them. What other folders `ld.so.conf` may name is found by name.
static FOLDERS: &[&str] = &[
    "lib",
    "usr/lib",
    "lib64",
    "usr/lib64",
    "usr/local/lib",
    "usr/local/lib64",
];
/// Bytes of a path that is made of what a program says.
const PATH_MOST: usize = 4096;

/// A program or a library.
struct Object<'t, 'a> {
    path: &'t str,
    linkage: &'a Linkage,
    /// The libraries it needs, by their place among the objects.
    needs: BTreeSet<usize>,
    missing: Vec<&'a str>,
}

impl Object<'_, '_> {
    fn folder(&self) -> &str {
        parent(self.path)
    }

    /// Returns whether others are linked with it. What has no name of its own, or lies where no
    /// loader looks, is a program, or a module that a program opens itself.
    fn is_library(&self) -> bool {
        !self.linkage.soname.is_empty() && is_searched(self.folder())
    }
}

/// All programs and libraries of the final tree.
pub(crate) struct Linking<'t, 'a>(Vec<Object<'t, 'a>>);

impl<'t, 'a> Linking<'t, 'a> {
    /// Finds every library that anything needs.
    pub(crate) fn new(tree: &'t Tree<'a>, extracts: &Extracts<'a>) -> Self {
        let mut objects = Vec::new();
        for (path, content) in &tree.shown {
            let found = extracts
                .of(*content)
                .find_map(|extract| match extract.found {
                    Found::Linkage(linkage) => Some(linkage),
                    _ => None,
                });
            objects.extend(found.map(|linkage| Object {
                path,
                linkage,
                needs: BTreeSet::new(),
                missing: Vec::new(),
            }));
        }
        let mut loader = Loader::new(tree, &objects);
        let found: Vec<_> = objects.iter().map(|object| loader.all(object)).collect();
        for (object, (needs, missing)) in objects.iter_mut().zip(found) {
            (object.needs, object.missing) = (needs, missing);
        }
        Self(objects)
    }

    /// Returns what each program and library is linked with, by path.
    pub(crate) fn facts(&self) -> Vec<Linked> {
        let linked = self
            .0
            .iter()
            .filter(|object| !object.needs.is_empty() || !object.missing.is_empty());
        let fact = |object: &Object<'_, '_>| Linked {
            path: object.path.to_owned(),
            libraries: object
                .needs
                .iter()
                .map(|at| self.0[*at].path.to_owned())
                .collect(),
            missing: object
                .missing
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
        };
        linked.map(fact).collect()
    }

    /// Notes of each distribution package that has libraries whether anything is linked with
    /// one of them.
    pub(crate) fn mark(
        &self,
        components: &mut [Component],
        tree: &Tree<'a>,
        extracts: &Extracts<'a>,
    ) {
        let reached = self.reached();
        let libraries = self.0.iter().enumerate();
        let libraries = libraries.filter(|(_, object)| object.is_library());
        let places: HashMap<&str, usize> =
            libraries.map(|(at, object)| (object.path, at)).collect();
        if places.is_empty() {
            return;
        }
        let mut real = Places::new(tree);
        for (owner, list) in lists(components, tree, extracts) {
            for path in list.paths.lines() {
                if let Some(at) = places.get(real.real(path)) {
                    let linked = &mut components[owner].linked;
                    *linked = Some(*linked == Some(true) || reached.contains(at));
                }
            }
        }
    }

    /// Returns the places of all that is loaded when everything that can be started is.
    fn reached(&self) -> HashSet<usize> {
        let all = self.0.iter().enumerate();
        let mut left: Vec<_> = all
            .filter(|(_, object)| !object.is_library())
            .map(|(at, _)| at)
            .collect();
        let mut reached: HashSet<_> = left.iter().copied().collect();
        while let Some(at) = left.pop() {
            let new = self.0[at]
                .needs
                .iter()
                .filter(|need| reached.insert(**need));
            left.extend(new);
        }
        reached
    }
}

/// Looks for libraries.
struct Loader<'t, 'a> {
    tree: &'t Tree<'a>,
    by_path: HashMap<&'t str, usize>,
    /// By the file's name and by the library's own; the first in the order of paths.
    by_name: HashMap<&'t str, usize>,
    folders: Vec<&'t str>,
    /// What the system's folders have.
    known: HashMap<&'a str, Option<usize>>,
    /// How often it may still look for a file.
    left: u32,
}

/// Folders that are searched for what a program names itself, and of the system's own.
const MOST_FOLDERS: usize = 64;
/// How often files are looked for in an image; beyond, libraries are known by name alone.
const MOST_LOOKS: u32 = 4_000_000;

impl<'t, 'a: 't> Loader<'t, 'a> {
    fn new(tree: &'t Tree<'a>, objects: &[Object<'t, 'a>]) -> Self {
        let mut loader = Self {
            tree,
            by_path: HashMap::new(),
            by_name: HashMap::new(),
            folders: FOLDERS.to_vec(),
            known: HashMap::new(),
            left: MOST_LOOKS,
        };
        let mut folders = BTreeSet::new();
        for (at, object) in objects.iter().enumerate() {
            loader.by_path.insert(object.path, at);
            let (folder, name) = object.path.rsplit_once('/').unwrap_or(("", object.path));
            loader.by_name.entry(name).or_insert(at);
            if !object.linkage.soname.is_empty() {
                loader.by_name.entry(&object.linkage.soname).or_insert(at);
            }
            if is_searched(folder) && !FOLDERS.contains(&folder) {
                folders.insert(folder);
            }
        }
        loader
            .folders
            .extend(folders.into_iter().take(MOST_FOLDERS));
        loader
    }

    /// Returns the libraries that a program needs, and the names of those that are not there.
    fn all(&mut self, object: &Object<'t, 'a>) -> (BTreeSet<usize>, Vec<&'a str>) {
        let linkage = object.linkage;
        let mut seen = HashSet::new();
        let names = [&linkage.interpreter].into_iter().chain(&linkage.needed);
        let names = names.filter(|name| seen.insert(*name));
        let (mut found, mut missing) = (BTreeSet::new(), Vec::new());
        for name in names.filter(|name| !name.is_empty()) {
            match self.one(object, name) {
                Some(at) => drop(found.insert(at)),
                None => missing.push(name.as_str()),
            }
        }
        (found, missing)
    }

    fn one(&mut self, object: &Object<'t, 'a>, name: &'a str) -> Option<usize> {
        if name.contains('/') {
            let base = name.rsplit_once('/').map_or(name, |(_, base)| base);
            return self.at(name).or_else(|| self.by_name.get(base).copied());
        }
        for folder in object.linkage.search.iter().take(MOST_FOLDERS) {
            let own = object.folder();
            let folder = folder.replace("${ORIGIN}", own).replace("$ORIGIN", own);
            if let Some(at) = self.at(&format!("{folder}/{name}")) {
                return Some(at);
            }
        }
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let folders = 0..self.folders.len();
        let found = folders
            .into_iter()
            .find_map(|folder| self.at(&format!("{}/{name}", self.folders[folder])));
        // `ld.so.conf` and the environment may name any other folder.
        let found = found.or_else(|| self.by_name.get(name).copied());
        self.known.insert(name, found);
        found
    }

    fn at(&mut self, path: &str) -> Option<usize> {
        if path.len() > PATH_MOST {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        if let Some(at) = self.by_path.get(path) {
            return Some(*at);
        }
        self.by_path.get(self.tree.resolve(path)?.as_str()).copied()
    }
}

/// Returns whether loaders look into a folder: `usr/lib`, `usr/lib/x86_64-linux-gnu`.
fn is_searched(folder: &str) -> bool {
    let of_machine = |folder: &str| {
        let (parent, name) = folder.rsplit_once('/')?;
        (name.contains("-linux-") && FOLDERS.contains(&parent)).then_some(())
    };
    FOLDERS.contains(&folder) || of_machine(folder).is_some()
}

#[cfg(test)]
mod tests {
    use oci::Digest;

    use super::*;
    use crate::{EntryKind, Extract, FileEntry, Inventory, Kind, LayerReport, OwnedFiles, Package};

    fn extract(path: &str, analyser: &str, found: Found) -> Extract {
        Extract {
            path: path.to_owned(),
            analyser: analyser.to_owned(),
            found,
        }
    }

    /// An image of Debian packages with one file each: name, path, own name, what it needs.
    fn image(packages: &[(&str, &str, &str, &[&str])], links: &[(&str, &str)]) -> Inventory {
        let mut report = LayerReport {
            parser_version: 0,
            diff_id: None,
            size: 0,
            uncompressed_size: 0,
            entry_count: 0,
            files: vec![FileEntry::file("var/lib/dpkg/status", 1)],
            whiteouts: Vec::new(),
            opaque_dirs: Vec::new(),
            extracts: Vec::new(),
            problems: Vec::new(),
        };
        report
            .files
            .extend(links.iter().map(|(path, target)| FileEntry {
                kind: EntryKind::Symlink,
                link: Some((*target).to_owned()),
                ..FileEntry::file(path, 0)
            }));
        let mut installed = Vec::new();
        for (name, path, soname, needed) in packages {
            let list = format!("var/lib/dpkg/info/{name}.list");
            report.files.push(FileEntry::file(path, 1));
            report.files.push(FileEntry::file(&list, 1));
            let (search, needed): (Vec<_>, Vec<_>) =
                needed.iter().partition(|name| name.starts_with('$'));
            let owned = |names: Vec<&&str>| names.iter().map(|name| (**name).to_owned()).collect();
            let linkage = Linkage {
                needed: owned(needed),
                soname: (*soname).to_owned(),
                search: owned(search),
                interpreter: String::new(),
            };
            report
                .extracts
                .push(extract(path, "elf", Found::Linkage(linkage)));
            let files = OwnedFiles {
                package: (*name).to_owned(),
                paths: format!("usr\n{path}\n"),
            };
            report
                .extracts
                .push(extract(&list, "dpkg-files", Found::Owned(vec![files])));
            installed.push(Package::new(Kind::Deb, *name, "1"));
        }
        let status = Found::Packages(installed);
        report
            .extracts
            .push(extract("var/lib/dpkg/status", "dpkg", status));
        crate::merge(&[(Digest::of(b""), report)])
    }

    fn linked(inventory: &Inventory) -> Vec<(&str, Option<bool>)> {
        let all = inventory.components.iter();
        all.map(|one| (&*one.name, one.linked)).collect()
    }

    #[test]
    fn libraries_that_nothing_is_linked_with_are_told_apart() {
        let inventory = image(
            &[
                ("app", "usr/bin/app", "", &["libz.so.1", "libno.so.1"]),
                (
                    "libc",
                    "usr/lib/x86_64-linux-gnu/libc.so.6",
                    "libc.so.6",
                    &[],
                ),
                (
                    "libz",
                    "usr/lib/x86_64-linux-gnu/libz.so.1.2",
                    "libz.so.1",
                    &["libc.so.6"],
                ),
                (
                    "old",
                    "usr/lib/x86_64-linux-gnu/libold.so",
                    "libold.so",
                    &["older.so"],
                ),
                ("older", "usr/lib/older.so", "older.so", &["libold.so"]),
            ],
            &[
                ("usr/lib/x86_64-linux-gnu/libz.so.1", "libz.so.1.2"),
                ("lib", "usr/lib"),
            ],
        );
        let expected = [
            ("app", None),
            ("libc", Some(true)),
            ("libz", Some(true)),
            ("old", Some(false)),
            ("older", Some(false)),
        ];
        assert_eq!(linked(&inventory), expected);
        let app = &inventory.facts.linked[0];
        assert_eq!(app.path, "usr/bin/app");
        assert_eq!(app.libraries, ["usr/lib/x86_64-linux-gnu/libz.so.1.2"]);
        assert_eq!(app.missing, ["libno.so.1"]);
    }

    #[test]
    fn a_program_says_where_to_look() {
        let inventory = image(
            &[
                ("app", "opt/app/bin/app", "", &["$ORIGIN/../lib", "liba.so"]),
                ("other", "opt/app/lib/liba.so", "liba.so", &["libb.so"]),
                ("system", "usr/lib/liba.so", "liba.so", &[]),
                ("b", "opt/strange/libb.so", "libb.so", &[]),
            ],
            &[],
        );
        let facts = &inventory.facts.linked;
        assert_eq!(facts[0].libraries, ["opt/app/lib/liba.so"]);
        assert_eq!(facts[1].libraries, ["opt/strange/libb.so"]);
        assert!(linked(&inventory).contains(&("system", Some(false))));
        // Where no loader looks by itself, a module may lie that a program opens.
        assert!(linked(&inventory).contains(&("b", None)));
    }

    #[test]
    fn circles_of_links_end() {
        let inventory = image(
            &[("app", "bin/app", "", &["$ORIGIN", "x.so", "/loop/x.so"])],
            &[("loop", "loop"), ("bin/x.so", "x.so")],
        );
        assert_eq!(inventory.facts.linked[0].missing, ["x.so", "/loop/x.so"]);
    }
}
