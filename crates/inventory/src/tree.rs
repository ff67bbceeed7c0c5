//! The merged file tree, as a container runtime builds it: whiteouts and opaque
//! directories first, then the layer's entries. What replaces a directory by
//! anything else hides all below it, whiteout or not.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    ops::Bound,
};

use crate::{EntryKind, FileEntry, LayerReport, Problem, layer::normalise};

/// Linux follows as many.
const MAX_LINKS: usize = 40;

/// Which bytes a path holds: those of an entry of a layer, perhaps of another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Content<'a> {
    /// The layer's index.
    pub layer: usize,
    /// The entry's path in that layer.
    pub path: &'a str,
}

/// A path of the tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'a> {
    /// The layer it comes from.
    pub layer: usize,
    /// What that layer says.
    pub entry: &'a FileEntry,
    /// Its bytes.
    pub content: Content<'a>,
}

/// The tree after some layers.
pub(crate) struct Tree<'a> {
    /// Contents that count wherever they are.
    noted: HashSet<Content<'a>>,
    /// Where they are.
    pub shown: BTreeMap<String, Content<'a>>,
    nodes: BTreeMap<Cow<'a, str>, Node<'a>>,
    /// Bytes of each layer that upper layers have hidden.
    pub wasted: Vec<u64>,
    /// What could not be merged.
    pub problems: Vec<Problem>,
    /// A folder as written, and where it really is: entries come folder by folder.
    last_folder: Option<(&'a str, String)>,
}

impl<'a> Tree<'a> {
    /// Starts empty; keeps account of where the contents of `noted` are.
    pub(crate) fn new(layers: usize, noted: HashSet<Content<'a>>) -> Self {
        Self {
            noted,
            shown: BTreeMap::new(),
            nodes: BTreeMap::new(),
            wasted: vec![0; layers],
            problems: Vec::new(),
            last_folder: None,
        }
    }

    /// Puts a layer on top.
    pub(crate) fn apply(&mut self, layer: usize, report: &'a LayerReport) {
        // Whiteouts concern lower layers only, wherever they stand in the archive.
        for path in &report.whiteouts {
            let place = self.place(path).into_owned();
            self.remove_below(&place);
            self.remove(&place);
        }
        for path in &report.opaque_dirs {
            let place = self.place(path).into_owned();
            self.remove_below(&place);
        }
        for entry in &report.files {
            self.insert(layer, entry);
        }
        self.last_folder = None;
    }

    /// Returns all paths in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Node<'a>)> {
        self.nodes.iter().map(|(path, node)| (&**path, node))
    }

    /// Returns where `path` really is, all symbolic links followed, and what is there.
    pub(crate) fn find(&self, path: &str) -> Option<(String, Node<'a>)> {
        let place = self.resolve(path)?;
        let node = *self.nodes.get(place.as_str())?;
        Some((place, node))
    }

    /// Returns what lies directly in the directory at `path`, links followed.
    pub(crate) fn list(&self, path: &str) -> Vec<(String, Node<'a>)> {
        let Some(folder) = self.resolve(path) else {
            return Vec::new();
        };
        let names = self
            .below(&folder)
            .filter(|(name, _)| !name[folder.len() + 1..].contains('/'));
        let paths: Vec<_> = names.map(|(name, _)| name.to_owned()).collect();
        paths.iter().filter_map(|path| self.find(path)).collect()
    }

    fn insert(&mut self, layer: usize, entry: &'a FileEntry) {
        let place = self.place(&entry.path);
        let is_directory = entry.kind == EntryKind::Directory;
        if !is_directory {
            self.remove_below(&place);
        }
        let content = match entry.kind {
            EntryKind::Hardlink => self.target(layer, entry),
            _ => Content {
                layer,
                path: &entry.path,
            },
        };
        self.forget_folder(&place);
        let node = Node {
            layer,
            entry,
            content,
        };
        self.show(&place, content);
        if let Some(old) = self.nodes.insert(place, node) {
            self.waste(&old);
        }
    }

    fn show(&mut self, place: &str, content: Content<'a>) {
        if self.noted.contains(&content) {
            self.shown.insert(place.to_owned(), content);
        } else {
            self.shown.remove(place);
        }
    }

    /// Returns the bytes a hard link names.
    fn target(&mut self, layer: usize, entry: &'a FileEntry) -> Content<'a> {
        let target = entry.link.as_deref().and_then(normalise);
        let place = target.as_deref().and_then(|path| self.resolve(path));
        let node = place.and_then(|place| self.nodes.get(place.as_str()));
        if let Some(node) = node {
            return node.content;
        }
        let text = format!(
            "a hard link to `{}`, which is not in the image",
            entry.link.as_deref().unwrap_or("")
        );
        self.problems.push(Problem::of(&entry.path, text));
        Content {
            layer,
            path: &entry.path,
        }
    }

    /// Returns where an entry goes: links among its folders followed, itself not.
    fn place(&mut self, path: &'a str) -> Cow<'a, str> {
        let Some((folder, name)) = path.rsplit_once('/') else {
            return Cow::Borrowed(path);
        };
        if !matches!(&self.last_folder, Some((last, _)) if *last == folder) {
            // A loop of links: no runtime could unpack it; keep it as written.
            let real = self.resolve(folder).unwrap_or_else(|| folder.to_owned());
            self.make_folders(&real);
            self.last_folder = Some((folder, real));
        }
        match &self.last_folder {
            Some((_, real)) if real == folder => Cow::Borrowed(path),
            Some((_, real)) if real.is_empty() => Cow::Borrowed(name),
            Some((_, real)) => Cow::Owned(format!("{real}/{name}")),
            None => Cow::Borrowed(path),
        }
    }

    /// Removes files that stand where a folder has to be.
    fn make_folders(&mut self, folder: &str) {
        let ends = memchr::memchr_iter(b'/', folder.as_bytes()).chain([folder.len()]);
        for end in ends {
            let part = &folder[..end];
            if self
                .nodes
                .get(part)
                .is_some_and(|node| node.entry.kind != EntryKind::Directory)
            {
                self.remove(part);
            }
        }
    }

    /// Returns where `path` would be, all symbolic links followed; nothing if they go round.
    pub(crate) fn resolve(&self, path: &str) -> Option<String> {
        let mut left: Vec<&str> = path.split('/').rev().collect();
        let mut done = String::with_capacity(path.len());
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part.is_empty() || part == "." {
                continue;
            }
            let length = done.len();
            if part == ".." {
                done.truncate(done.rfind('/').unwrap_or(0));
                continue;
            }
            if length > 0 {
                done.push('/');
            }
            done.push_str(part);
            let link = self
                .nodes
                .get(done.as_str())
                .filter(|n| n.entry.kind == EntryKind::Symlink);
            let Some(target) = link.and_then(|node| node.entry.link.as_deref()) else {
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return None;
            }
            done.truncate(if target.starts_with('/') { 0 } else { length });
            left.extend(target.split('/').rev());
        }
        Some(done)
    }

    fn below(&self, folder: &str) -> impl Iterator<Item = (&str, &Node<'a>)> {
        let start = format!("{folder}/");
        let range = self
            .nodes
            .range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded));
        range
            .map(|(path, node)| (&**path, node))
            .take_while(move |(path, _)| path.starts_with(&start))
    }

    fn remove_below(&mut self, folder: &str) {
        let paths: Vec<_> = self
            .below(folder)
            .map(|(path, _)| path.to_owned())
            .collect();
        for path in paths {
            self.remove(&path);
        }
    }

    fn remove(&mut self, path: &str) {
        if let Some(old) = self.nodes.remove(path) {
            self.waste(&old);
            self.shown.remove(path);
            self.forget_folder(path);
        }
    }

    fn waste(&mut self, old: &Node<'_>) {
        if old.entry.kind == EntryKind::File {
            self.wasted[old.layer] += old.entry.size;
        }
    }

    /// Forgets where the last folder really is if `path` may be on the way to it.
    fn forget_folder(&mut self, path: &str) {
        let stale = self
            .last_folder
            .as_ref()
            .is_some_and(|(last, real)| last.starts_with(path) || real.starts_with(path));
        if stale {
            self.last_folder = None;
        }
    }
}
