//! The contract of an analyser: which files it wants, and what it makes of their bytes.
//! Each is one file below `os`, `lang` or `bin`; [`ANALYSERS`] lists them all.
//! `docs/analysers.md` says how to add one.

use std::{collections::HashMap, sync::LazyLock};

use crate::{
    FileEntry, Found, Package, Problem, bin, body::Body, folders::Fills, lang, licenses, names, os,
    secrets,
};

/// Reads one sort of file.
pub(crate) struct Analyser {
    /// Its name, for problems and evidence.
    pub name: &'static str,
    /// Which files it reads: those that any of these describes.
    pub wants: &'static [Want],
    /// Where in the final tree its files count.
    pub counts: Counts,
    /// How it reads them; never panics.
    pub read: Reading,
    /// Folders that its package manager fills, wherever they lie.
    pub fills: &'static [Fills],
    /// Returns the folder that holds an installed package alone, whose metadata are at the path
    /// given: licences may lie there.
    pub own_folder: fn(&Package, &str) -> Option<String>,
}

impl Analyser {
    /// What most say: no files but those that they name, which count anywhere, no folders.
    pub(crate) const BASE: Self = Self {
        name: "",
        wants: &[],
        counts: Counts::Anywhere,
        read: Reading::Whole {
            most: 0,
            read: |_, _| Findings {
                found: Vec::new(),
                problems: Vec::new(),
            },
        },
        fills: &[],
        own_folder: |_, _| None,
    };

    /// Returns the analyser of a name, as evidence has it.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        let mut all = ANALYSERS.iter().copied();
        all.find(|analyser| analyser.name == name)
    }
}

/// Describes files.
pub(crate) enum Want {
    /// By the last part of the path: `package.json`.
    Name(&'static str),
    /// By the end of the path: `.dist-info/METADATA`.
    Tail(&'static str),
    /// By what follows the name's last dot: `jar`.
    Extension(&'static str),
    /// By anything its header says. Asked for every file, so it must be quick.
    File(fn(&FileEntry) -> bool),
    /// Executables and shared libraries, by their first bytes: ELF, PE, Mach-O.
    Program,
}

/// Where the files of an analyser count.
pub(crate) enum Counts {
    /// At these places, links followed; a trailing slash means the files directly within.
    /// [`Want`] must be wider, as a lower layer's link may lead from there to anywhere.
    At(&'static [&'static str]),
    /// Wherever they are.
    Anywhere,
    /// The merge knows how to look for them.
    Asked,
}

/// How an analyser reads a file.
pub(crate) enum Reading {
    /// The whole content in memory; a file of more than `most` bytes is not read, and the
    /// report says so.
    Whole {
        /// Bytes; [`WHOLE_MOST`] at most.
        most: u64,
        /// Path and content in, findings out.
        read: fn(&str, &[u8]) -> Findings,
    },
    /// Parts of a file of any size, at any offset.
    Parts {
        /// Path and body in, findings out.
        read: fn(&str, &Body) -> Findings,
    },
}

/// The largest file that any analyser may ask for in memory.
pub(crate) const WHOLE_MOST: u64 = 64 << 20;

/// All of them. The order decides which is heard first where two find the same.
pub(crate) static ANALYSERS: &[&Analyser] = &[
    &os::apk::ANALYSER,
    &os::dpkg::ANALYSER,
    &os::dpkg_files::ANALYSER,
    &os::rpm::ANALYSER,
    &os::rpm::MANIFEST,
    &os::rpm::LOG,
    &os::pacman::ANALYSER,
    &os::pacman::FILES,
    &os::opkg::ANALYSER,
    &os::opkg::CONTROL,
    &os::opkg::FILES,
    &os::os_release::ANALYSER,
    &os::release_file::ANALYSER,
    &os::repositories::ANALYSER,
    &os::accounts::ANALYSER,
    &os::copyright::ANALYSER,
    &licenses::file::ANALYSER,
    &secrets::ANALYSER,
    &lang::npm::ANALYSER,
    &lang::python::ANALYSER,
    &lang::python_archive::ANALYSER,
    &lang::conda::ANALYSER,
    &lang::gem::ANALYSER,
    &lang::composer::ANALYSER,
    &lang::dotnet::ANALYSER,
    &lang::dotnet::BUNDLE,
    &lang::r::ANALYSER,
    &lang::npm_lock::ANALYSER,
    &lang::yarn::ANALYSER,
    &lang::pnpm::ANALYSER,
    &lang::python_lock::ANALYSER,
    &lang::cargo_lock::ANALYSER,
    &lang::go_mod::ANALYSER,
    &lang::swift::ANALYSER,
    &lang::dart::ANALYSER,
    &lang::erlang::ANALYSER,
    &lang::haskell::ANALYSER,
    &lang::julia::ANALYSER,
    &lang::lua::ANALYSER,
    &lang::nix::ANALYSER,
    &lang::wordpress::ANALYSER,
    &bin::go::ANALYSER,
    &bin::rust::ANALYSER,
    &bin::java::ANALYSER,
    &bin::elf::ANALYSER,
    &bin::signatures::ANALYSER,
    &bin::releases::ANALYSER,
    &bin::graalvm::ANALYSER,
    &bin::claimed::ANALYSER,
];

/// What an analyser makes of a file.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// What the file says.
    pub found: Vec<Found>,
    /// What was not understood.
    pub problems: Vec<Problem>,
}

impl Findings {
    /// Makes findings of packages.
    pub(crate) fn packages(packages: Vec<Package>) -> Self {
        Self::one(Found::Packages(packages))
    }

    /// Makes findings of one thing.
    pub(crate) fn one(found: Found) -> Self {
        Self {
            found: vec![found],
            problems: Vec::new(),
        }
    }

    /// Makes findings of a file that could not be read at all.
    pub(crate) fn unread(why: impl std::fmt::Display) -> Self {
        Self {
            found: Vec::new(),
            problems: vec![Problem::at(0, format!("not read: {why}"))],
        }
    }

    /// Adds problems.
    pub(crate) fn with(mut self, problems: Vec<Problem>) -> Self {
        self.problems.extend(problems);
        self
    }
}

/// Packages that one file may record.
pub(crate) const MOST_PACKAGES: usize = 200_000;
/// Problems of one file that are kept.
const MOST_PROBLEMS: usize = 100;
/// Bytes of all paths that one file may list: a folder that is written once may stand before
/// any number of names.
const MOST_PATHS: usize = 64 << 20;

/// Problems, not more of them than anybody reads; the others are counted.
#[derive(Debug)]
pub(crate) struct Problems {
    kept: Vec<Problem>,
    most: usize,
    more: u64,
}

impl Default for Problems {
    /// Those of one file.
    fn default() -> Self {
        Self::of_at_most(MOST_PROBLEMS)
    }
}

impl Problems {
    /// Keeps `most` of them.
    pub(crate) fn of_at_most(most: usize) -> Self {
        Self {
            kept: Vec::new(),
            most,
            more: 0,
        }
    }

    /// Notes what is wrong with a line, counted from 1.
    pub(crate) fn at(&mut self, line: usize, text: impl Into<String>) {
        self.push(Problem::at(line, text));
    }

    /// Notes a problem.
    pub(crate) fn push(&mut self, problem: Problem) {
        if self.kept.len() < self.most {
            self.kept.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// Returns them, and last how many more there are.
    pub(crate) fn into_vec(self) -> Vec<Problem> {
        and_more(self.kept, self.more)
    }
}

/// Adds to problems how many `more` there are.
pub(crate) fn and_more(mut problems: Vec<Problem>, more: u64) -> Vec<Problem> {
    if more > 0 {
        let path = problems.last().map_or("", |last| &*last.path);
        let text = format!("{more} more problems like this one");
        let problem = Problem::of(path, text);
        problems.push(problem);
    }
    problems
}

/// Collects lists of files of one database, within a bound.
#[derive(Debug)]
pub(crate) struct PathLists {
    left: usize,
}

impl Default for PathLists {
    fn default() -> Self {
        Self { left: MOST_PATHS }
    }
}

impl PathLists {
    /// Appends a path to `list`, unless there are too many already.
    pub(crate) fn add(&mut self, list: &mut String, folder: &[u8], name: &[u8]) {
        let folder = folder.strip_prefix(b"/").unwrap_or(folder);
        let length = folder.len() + name.len() + 2;
        let Some(left) = self.left.checked_sub(length) else {
            self.left = 0;
            return;
        };
        self.left = left;
        names::append(list, folder);
        if !folder.is_empty() && !folder.ends_with(b"/") {
            list.push('/');
        }
        names::append(list, name);
        list.push('\n');
    }

    /// Returns whether paths were left out.
    pub(crate) fn is_full(&self) -> bool {
        self.left == 0
    }
}

/// A set of analysers, by their place in [`ANALYSERS`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted(u64);

impl Wanted {
    /// Nobody.
    pub(crate) const NONE: Self = Self(0);

    /// Returns the analysers that want a file by its header.
    pub(crate) fn by(file: &FileEntry) -> Self {
        let index = &*INDEX;
        let path = file.path.as_str();
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        let mut mask = 0;
        for (tail, bit) in index.names.get(name).into_iter().flatten() {
            mask |= if path.ends_with(tail) { *bit } else { 0 };
        }
        if let Some((_, extension)) = name.rsplit_once('.') {
            mask |= index.extensions.get(extension).copied().unwrap_or(0);
        }
        for (wanted, bit) in &index.files {
            mask |= if wanted(file) { *bit } else { 0 };
        }
        for (tail, bit) in &index.tails {
            mask |= if path.ends_with(tail) { *bit } else { 0 };
        }
        Self(mask)
    }

    /// Returns the analysers that want programs, if `head` is the beginning of one.
    pub(crate) fn by_magic(head: &[u8]) -> Self {
        Self(if is_program(head) { INDEX.programs } else { 0 })
    }

    /// Returns both sets together.
    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the set less one of them.
    pub(crate) fn without(self, analyser: &Analyser) -> Self {
        let same = |other: &&Analyser| std::ptr::eq(*other, analyser);
        let place = ANALYSERS.iter().position(same);
        Self(self.0 & !place.map_or(0, |place| 1 << place))
    }

    /// Returns whether nobody wants it.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the analysers.
    pub(crate) fn iter(self) -> impl Iterator<Item = &'static Analyser> {
        let wanted = move |index: &usize| self.0 & (1 << index) != 0;
        (0..ANALYSERS.len())
            .filter(wanted)
            .map(|index| ANALYSERS[index])
    }
}

/// ELF; PE and DOS; Mach-O of either width, byte order and the universal one.
fn is_program(head: &[u8]) -> bool {
    match head {
        [0x7f, b'E', b'L', b'F', ..] | [b'M', b'Z', ..] => true,
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => true,
        // Java's classes have the universal magic number, too, but a version above 40 follows.
        [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, count, ..] => *count < 40,
        _ => false,
    }
}

/// Looks at a file's name and mode.
type FileTest = fn(&FileEntry) -> bool;

/// Finds the analysers without asking each.
#[derive(Default)]
struct Index {
    names: HashMap<&'static str, Vec<(&'static str, u64)>>,
    /// Tails without a slash may end anywhere in a name.
    tails: Vec<(&'static str, u64)>,
    extensions: HashMap<&'static str, u64>,
    files: Vec<(FileTest, u64)>,
    programs: u64,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index::default();
    for (place, analyser) in ANALYSERS.iter().enumerate() {
        let bit = 1_u64 << place;
        for want in analyser.wants {
            match *want {
                Want::Name(name) => index.names.entry(name).or_default().push((name, bit)),
                Want::Tail(tail) => match tail.rsplit_once('/') {
                    Some((_, name)) => index.names.entry(name).or_default().push((tail, bit)),
                    None => index.tails.push((tail, bit)),
                },
                Want::Extension(end) => *index.extensions.entry(end).or_default() |= bit,
                Want::File(wanted) => index.files.push((wanted, bit)),
                Want::Program => index.programs |= bit,
            }
        }
    }
    index
});

/// Returns the names of the analysers that want `path`, a file of ordinary rights; less that
/// which looks for secrets, as it wants nearly everything.
#[cfg(test)]
pub(crate) fn readers(path: &str) -> Vec<&'static str> {
    let file = FileEntry::file(path, 100);
    let names = Wanted::by(&file).iter().map(|reader| reader.name);
    names.filter(|name| *name != "secrets").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_has_room_and_names_differ() {
        assert!(ANALYSERS.len() <= 64);
        let mut names: Vec<_> = ANALYSERS.iter().map(|reader| reader.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ANALYSERS.len());
    }

    #[test]
    fn nobody_reads_more_than_fits() {
        for analyser in ANALYSERS {
            if let Reading::Whole { most, .. } = analyser.read {
                assert!(most <= WHOLE_MOST, "{}", analyser.name);
            }
        }
    }

    #[test]
    fn knows_programs_by_their_first_bytes() {
        assert!(is_program(b"\x7fELF\x02\x01"));
        assert!(is_program(b"MZ\x90"));
        assert!(is_program(&[0xcf, 0xfa, 0xed, 0xfe]));
        assert!(is_program(&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2]));
        assert!(!is_program(&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52]));
        assert!(!is_program(b"#!/bin/sh"));
    }

    /// A path for everything that any analyser wants by its name, and the magic number of
    /// programs; those that decide for themselves have paths in their own tests.
    fn samples() -> Vec<(String, &'static [u8])> {
        let wants = ANALYSERS.iter().flat_map(|analyser| analyser.wants);
        let sample = |want: &Want| {
            Some(match *want {
                Want::Name(name) => (format!("srv/{name}"), &b""[..]),
                Want::Tail(tail) => (format!("srv/a{tail}"), &b""[..]),
                Want::Extension(end) => (format!("srv/a.{end}"), &b""[..]),
                Want::Program => ("srv/a".to_owned(), &b"\x7fELF\x02\x01\x01"[..]),
                Want::File(_) => return None,
            })
        };
        let mut samples: Vec<_> = wants.filter_map(sample).collect();
        let own = [
            "etc/passwd",
            "var/lib/dpkg/status",
            "var/lib/pacman/local/a-1-1/desc",
        ];
        samples.extend(own.map(|path| (path.to_owned(), &b""[..])));
        samples
    }

    proptest::proptest! {
        #[test]
        fn no_analyser_panics(
            random in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
            text in "([A-Za-z%:\\[\\]{}\"=@./ -]{0,12}\n?){0,12}",
        ) {
            let limits = crate::Limits::default();
            for (path, magic) in samples() {
                for bytes in [&random[..], text.as_bytes()] {
                    let bytes = [magic, bytes].concat();
                    let (_, problems) = crate::analyse_file(&path, bytes, &limits).expect("few");
                    proptest::prop_assert!(problems.len() <= 1000);
                }
            }
        }
    }
}
