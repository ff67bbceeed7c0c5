//! The merged file tree, as a container runtime builds it: whiteouts and opaque
//! directories first, in the folders that the layer itself has there, then the layer's entries.
//! What replaces a directory by anything else hides all below it, whiteout or not.

use std::{
    borrow::Cow,
    cell::Cell,
    collections::{BTreeMap, HashMap, HashSet},
    ops::Bound,
};

use crate::{EntryKind, FileEntry, LayerReport, Problem, names::normalise};

/// Linux follows as many.
const MAX_LINKS: usize = 40;
/// Bytes of a path, its links followed: Linux' `PATH_MAX`.
const MAX_PATH: usize = 4096;
/// What following links may cost in an image, in looked up parts of paths, long ones counting
/// for more: many times what the largest images take.
const MAX_STEPS: u64 = 10_000_000;
/// Bytes of all paths that are not as their layers have them, because of links.
const MAX_PLACES: usize = 256 << 20;
/// More links to nothing are counted rather than told.
const MAX_DANGLING: u64 = 100;

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
    /// Files that were there, and their bytes; one that a hard link shows is not gone.
    hidden: Vec<(Content<'a>, u64)>,
    /// What hard links of the layer that is being put on top named before its whiteouts.
    linked: HashMap<&'a str, Node<'a>>,
    /// What could not be merged.
    problems: Vec<Problem>,
    /// Hard links to what is not in the image.
    dangling: u64,
    /// What is left of [`MAX_STEPS`].
    steps: Cell<u64>,
    /// What is left of [`MAX_PLACES`].
    places: usize,
    /// A folder as written, and where it really is: entries come folder by folder.
    last_folder: Option<(&'a str, String)>,
}

impl<'a> Tree<'a> {
    /// Starts empty; keeps account of where the contents of `noted` are.
    pub(crate) fn new(noted: HashSet<Content<'a>>) -> Self {
        Self {
            noted,
            shown: BTreeMap::new(),
            nodes: BTreeMap::new(),
            hidden: Vec::new(),
            linked: HashMap::new(),
            problems: Vec::new(),
            dangling: 0,
            steps: Cell::new(MAX_STEPS),
            places: MAX_PLACES,
            last_folder: None,
        }
    }

    /// Puts a layer on top.
    pub(crate) fn apply(&mut self, layer: usize, report: &'a LayerReport) {
        if !report.whiteouts.is_empty() || !report.opaque_dirs.is_empty() {
            self.whiten(layer, report);
        }
        for entry in &report.files {
            self.insert(layer, entry);
        }
        self.linked.clear();
        self.last_folder = None;
    }

    /// Takes away what a layer hides of lower layers, wherever its whiteouts stand in the
    /// archive. They lie in the layer's own folders: where it makes a folder of a link, nothing
    /// is hidden where that link led.
    fn whiten(&mut self, layer: usize, report: &'a LayerReport) {
        for entry in &report.files {
            if entry.kind == EntryKind::Hardlink
                && let Some(node) = self.named(entry)
            {
                self.linked.insert(&entry.path, node);
            }
        }
        let hidden = report.whiteouts.iter();
        let folders = hidden.filter_map(|path| path.rsplit_once('/').map(|(folder, _)| folder));
        let opaque = report.opaque_dirs.iter().map(String::as_str);
        let mut folders: Vec<_> = folders.chain(opaque).collect();
        folders.sort_unstable();
        let leads = |path: &str| {
            let within = format!("{path}/");
            let next = folders.partition_point(|folder| *folder < &*within);
            let next = folders.get(next).is_some_and(|it| it.starts_with(&within));
            next || folders.binary_search(&path).is_ok()
        };
        for entry in &report.files {
            let is_way = matches!(entry.kind, EntryKind::Directory | EntryKind::Symlink);
            if is_way && leads(&entry.path) {
                self.insert(layer, entry);
            }
        }
        for path in &report.whiteouts {
            let place = self.place(path).into_owned();
            self.remove_below(&place, layer);
            self.remove(&place, layer);
        }
        for path in &report.opaque_dirs {
            let place = self.place(path).into_owned();
            self.remove_below(&place, layer);
        }
    }

    /// Returns the bytes of each layer that upper layers have hidden.
    pub(crate) fn wasted(&self, layers: usize) -> Vec<u64> {
        let links = self.nodes.values();
        let links = links.filter(|node| node.entry.kind == EntryKind::Hardlink);
        // A link to nothing has its own name as content.
        let links = links.filter(|node| node.content.path != node.entry.path);
        let shown: HashSet<_> = links.map(|node| node.content).collect();
        let mut wasted = vec![0_u64; layers];
        for (content, size) in &self.hidden {
            if !shown.contains(content) {
                let of = &mut wasted[content.layer];
                *of = of.saturating_add(*size);
            }
        }
        wasted
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
        let within = format!("{folder}/");
        let (mut from, mut paths) = (within.clone(), Vec::new());
        let next = |from: &str| {
            let range = (Bound::Included(from), Bound::Unbounded);
            self.nodes.range::<str, _>(range).next()
        };
        while let Some((path, _)) = next(&from)
            && let Some(name) = path.strip_prefix(&within)
        {
            from.truncate(within.len());
            match name.split_once('/') {
                // What follows all that lies in this folder within.
                Some((inner, _)) => from.extend([inner, "0"]),
                None => {
                    from.extend([name, "\0"]);
                    paths.push(path);
                }
            }
        }
        let paths = paths.into_iter();
        paths.filter_map(|path| self.find(path)).collect()
    }

    fn insert(&mut self, layer: usize, entry: &'a FileEntry) {
        let place = self.place(&entry.path);
        let is_directory = entry.kind == EntryKind::Directory;
        if !is_directory {
            self.remove_below(&place, usize::MAX);
        }
        let mut node = Node {
            layer,
            entry,
            content: Content {
                layer,
                path: &entry.path,
            },
        };
        if entry.kind == EntryKind::Hardlink {
            self.link(&mut node);
        }
        self.forget_folder(&place);
        self.show(&place, node.content);
        if let Some(old) = self.nodes.insert(place, node) {
            self.hide(&old);
        }
    }

    fn show(&mut self, place: &str, content: Content<'a>) {
        if self.noted.contains(&content) {
            self.shown.insert(place.to_owned(), content);
        } else {
            self.shown.remove(place);
        }
    }

    /// Gives a hard link the bytes that it names; another name of a symbolic link is one.
    fn link(&mut self, node: &mut Node<'a>) {
        let entry = node.entry;
        let named = self.named(entry);
        let named = named.or_else(|| self.linked.get(&*entry.path).copied());
        let Some(target) = named else {
            self.dangling += 1;
            if self.dangling <= MAX_DANGLING {
                let link = entry.link.as_deref().unwrap_or("");
                let text = format!("a hard link to `{link}`, which is not in the image");
                self.problems.push(Problem::of(&entry.path, text));
            }
            return;
        };
        node.content = target.content;
        if target.entry.kind == EntryKind::Symlink {
            node.entry = target.entry;
        }
    }

    /// Returns what lies where a hard link points to: links among its folders are followed, it
    /// itself is not.
    fn named(&self, entry: &FileEntry) -> Option<Node<'a>> {
        let target = entry.link.as_deref().and_then(normalise)?;
        let place = match target.rsplit_once('/') {
            Some((folder, name)) => match self.resolve(folder)? {
                real if real.is_empty() => name.to_owned(),
                real => format!("{real}/{name}"),
            },
            None => target,
        };
        self.nodes.get(place.as_str()).copied()
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
            Some((_, real)) => match self.places.checked_sub(real.len() + 1 + name.len()) {
                Some(left) => {
                    self.places = left;
                    Cow::Owned(format!("{real}/{name}"))
                }
                None => Cow::Borrowed(path),
            },
            None => Cow::Borrowed(path),
        }
    }

    /// Returns what could not be merged.
    pub(crate) fn problems(self) -> Vec<Problem> {
        let mut problems = self.problems;
        if let Some(more @ 1..) = self.dangling.checked_sub(MAX_DANGLING) {
            let text = format!("{more} more hard links to what is not in the image");
            problems.push(Problem::of("", text));
        }
        if self.steps.get() == 0 || self.places < MAX_PATH {
            let text = "not read to its end: its links cost more than is accepted, so that packages may be missing";
            problems.push(Problem::of("", text));
        }
        problems
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
                self.remove(part, usize::MAX);
            }
        }
    }

    /// Returns where `path` would be, all symbolic links followed; nothing if they go round, or
    /// lead further than Linux follows.
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
            if length + 1 + part.len() > MAX_PATH {
                return None;
            }
            if length > 0 {
                done.push('/');
            }
            done.push_str(part);
            let budget = self.steps.get().checked_sub(1 + done.len() as u64 / 64);
            self.steps.set(budget.unwrap_or(0));
            budget?;
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

    /// Removes what layers below `layer` have in a folder.
    fn remove_below(&mut self, folder: &str, layer: usize) {
        let paths: Vec<_> = self
            .below(folder)
            .map(|(path, _)| path.to_owned())
            .collect();
        for path in paths {
            self.remove(&path, layer);
        }
    }

    /// Removes what a layer below `layer` has there.
    fn remove(&mut self, path: &str, layer: usize) {
        let is_below = |node: &Node<'_>| node.layer < layer;
        if self.nodes.get(path).is_some_and(is_below)
            && let Some(old) = self.nodes.remove(path)
        {
            self.hide(&old);
            self.shown.remove(path);
            self.forget_folder(path);
        }
    }

    fn hide(&mut self, old: &Node<'a>) {
        if old.entry.kind == EntryKind::File {
            self.hidden.push((old.content, old.entry.size));
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
