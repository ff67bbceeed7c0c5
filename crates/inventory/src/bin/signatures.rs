//! Programs and libraries that no package manager knows, by the version text they carry.
//! What is looked for is the table in `signatures/table.rs`: what any program may hold in one
//! pass, what only files of some names hold in those alone.

mod sqlite;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;

use super::{elf, go, layout::Layout};
use crate::{
    Confidence, Kind, Package,
    analyser::{Analyser, Counts, Findings, Reading, Want},
    body::Body,
};

/// Looks for version texts in programs.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "signatures",
    wants: &[Want::Program],
    counts: Counts::Anywhere,
    read: Reading::Parts {
        read: |path, body| Findings::packages(read(path, body)),
    },
};

/// Bytes searched at a time; what two of them share is enough for any text of the table.
const CHUNK: usize = 1 << 20;
const OVERLAP: usize = 256;
/// Bytes of one program that are searched.
const SEARCHED: u64 = 256 << 20;
/// Bytes of a version.
const VERSION_MOST: usize = 40;
/// Sections that hold texts; a program without any of them is searched whole.
static SECTIONS: &[&str] = &[
    ".rodata",
    ".data",
    ".data.rel.ro",
    ".rdata",
    "__cstring",
    "__const",
    "__data",
];

/// One program or library.
struct Signature {
    /// The package's name; its ecosystem is the generic one.
    name: &'static str,
    /// Names of files, `*` for anything; none means any program, as for a library that may be
    /// linked into it.
    files: &'static [&'static str],
    /// What names of shared libraries begin with whose users carry the same text, as OpenSSL's
    /// headers have it, too; a program that needs one of them does not hold the library.
    shared: &'static [&'static str],
    /// The text, with the version in braces: `{}`, or `{3.}` for one that begins so; `{3.#}` is
    /// one of digits and points alone. Brackets stand for a zero byte.
    pattern: &'static str,
    /// Vendor and product of the CPE name.
    cpe: &'static str,
    /// Bytes as found in a real program, and their version.
    #[cfg(test)]
    example: (&'static str, &'static str),
}

/// A pattern, taken apart.
struct Pattern {
    /// What is searched for: what stands before the version, and how it begins.
    needle: Vec<u8>,
    /// How many bytes of the needle are before the version.
    before: usize,
    /// What follows the version.
    after: Vec<u8>,
    /// Whether it has digits and points alone.
    numbers: bool,
}

impl Pattern {
    fn of(text: &str) -> Self {
        let bytes = |text: &str| text.replace("[]", "\0").into_bytes();
        let (before, rest) = text.split_once('{').unwrap_or((text, "}"));
        let (begins, after) = rest.split_once('}').unwrap_or((rest, ""));
        let numbers = begins.ends_with('#');
        let begins = begins.trim_end_matches('#');
        let mut needle = bytes(before);
        let before = needle.len();
        needle.extend(begins.bytes());
        Self {
            needle,
            before,
            after: bytes(after),
            numbers,
        }
    }

    /// Returns the version in `bytes`, in which the needle begins at `at`.
    fn version<'b>(&self, bytes: &'b [u8], at: usize) -> Option<&'b str> {
        let rest = bytes.get(at + self.before..)?;
        let of_version = |b: &&u8| match self.numbers {
            true => b.is_ascii_digit() || **b == b'.',
            false => b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'_'),
        };
        let mut end = rest
            .iter()
            .take(VERSION_MOST)
            .take_while(of_version)
            .count();
        if !self.after.is_empty() {
            // What follows may consist of a version's characters, too.
            end = (0..=end)
                .rev()
                .find(|end| rest[*end..].starts_with(&self.after))?;
        }
        let version = std::str::from_utf8(&rest[..end]).ok()?;
        let version = version.trim_end_matches(['.', '-', '+', '_']);
        let digits = version.bytes().take_while(u8::is_ascii_digit).count();
        (digits > 0 && version[digits..].starts_with('.')).then_some(version)
    }
}

/// The table, ready to search.
struct Search {
    patterns: Vec<Pattern>,
    /// Finds what any program may hold. No needle begins within another, so that they need not
    /// be looked for upon one another, which takes ten times as long.
    anywhere: AhoCorasick,
    /// Places in the table of each needle of `anywhere`; none means SQLite's mark.
    places: Vec<Vec<usize>>,
}

static SEARCH: LazyLock<Search> = LazyLock::new(|| {
    let entries = table::ALL.iter();
    let patterns: Vec<_> = entries.map(|one| Pattern::of(one.pattern)).collect();
    let mut needles = BTreeMap::from([(sqlite::MARK, Vec::new())]);
    for (place, pattern) in patterns.iter().enumerate() {
        if table::ALL[place].files.is_empty() {
            needles.entry(&pattern.needle).or_default().push(place);
        }
    }
    let anywhere = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(needles.keys());
    Search {
        anywhere: anywhere.expect("the table is small"),
        places: needles.into_values().collect(),
        patterns,
    }
});

fn read(path: &str, body: &Body) -> Vec<Package> {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let layout = Layout::read(body);
    // Go programs list what they hold, and their texts stand without anything between them.
    if layout.as_ref().is_some_and(go::is_go) {
        return Vec::new();
    }
    let linkage = layout
        .as_ref()
        .and_then(|layout| elf::linkage(body, layout));
    let needed = linkage.map(|linkage| linkage.needed).unwrap_or_default();
    let parts = parts(layout.as_ref(), body);
    let named = entries_for(name);
    let mut scan = Scan::new(&named, &needed);
    chunks(&parts, body, &mut |bytes, last| scan.bytes(bytes, last));
    let found = scan.found.into_iter();
    let found = found.map(|(place, version)| package(&table::ALL[place], version));
    let mut packages: Vec<_> = found.collect();
    if scan.has_sqlite {
        let mut texts = sqlite::Texts::default();
        chunks(&parts, body, &mut |bytes, _| texts.add(bytes));
        packages.extend(sqlite::read(name, &needed, texts));
    }
    // MariaDB says which MySQL's engine it has, too.
    if packages.iter().any(|package| package.name == "mariadb") {
        packages.retain(|package| package.name != "mysql");
    }
    // Two lines of the table may know one library.
    let mut seen = BTreeSet::new();
    packages.retain(|package| seen.insert((package.name.clone(), package.version.clone())));
    packages
}

/// Returns the places of the entries that are for files of this name.
fn entries_for(name: &str) -> Vec<usize> {
    let is_for = |one: &Signature| one.files.iter().any(|file| fits(name, file));
    let places = 0..table::ALL.len();
    places.filter(|place| is_for(&table::ALL[*place])).collect()
}

/// Returns offset and size of what may hold texts, within the bound.
fn parts(layout: Option<&Layout>, body: &Body) -> Vec<(u64, u64)> {
    let sections = layout.map_or(&[][..], |layout| layout.sections.as_slice());
    let texts = sections.iter().filter(|part| {
        SECTIONS.contains(&&*part.name) && part.size > 0 && part.offset < body.size()
    });
    let mut parts: Vec<_> = texts.map(|part| (part.offset, part.size)).collect();
    if parts.is_empty() {
        parts.push((0, body.size()));
    }
    // Sections of a hostile file may lie upon one another.
    let mut left = SEARCHED;
    for (_, size) in &mut parts {
        *size = (*size).min(left);
        left -= *size;
    }
    parts
}

/// Hands over the parts in pieces that share what a text may need, and says which is a part's
/// last.
fn chunks(parts: &[(u64, u64)], body: &Body, take: &mut dyn FnMut(&[u8], bool)) {
    for (offset, size) in parts {
        let end = offset.saturating_add(*size).min(body.size());
        let mut at = *offset;
        while at < end {
            let length = (end - at).min(CHUNK as u64);
            let Ok(bytes) = body.range(at, usize::try_from(length).unwrap_or(CHUNK)) else {
                break;
            };
            let last = at + length >= end;
            take(&bytes, last);
            if last {
                break;
            }
            at += (CHUNK - OVERLAP) as u64;
        }
    }
}

/// The search through one program.
struct Scan<'s> {
    /// Places of the entries that are for files of its name.
    named: &'s [usize],
    needed: &'s [String],
    /// Versions by the entry's place in the table.
    found: BTreeMap<usize, String>,
    has_sqlite: bool,
}

impl<'s> Scan<'s> {
    fn new(named: &'s [usize], needed: &'s [String]) -> Self {
        Self {
            named,
            needed,
            found: BTreeMap::new(),
            has_sqlite: false,
        }
    }

    /// Adds the first version of each entry. What begins near the end of bytes that are not the
    /// last may be cut, and is seen again in the next.
    fn bytes(&mut self, bytes: &[u8], last: bool) {
        let whole = match last {
            true => bytes.len(),
            false => bytes.len().saturating_sub(OVERLAP / 2),
        };
        for hit in SEARCH.anywhere.find_iter(bytes) {
            let places = &SEARCH.places[hit.pattern().as_usize()];
            self.has_sqlite |= places.is_empty();
            if hit.start() <= whole {
                for place in places {
                    self.hit(*place, bytes, hit.start());
                }
            }
        }
        for place in self.named {
            let needle = &SEARCH.patterns[*place].needle;
            for at in memmem::find_iter(bytes, needle).take_while(|at| *at <= whole) {
                self.hit(*place, bytes, at);
            }
        }
    }

    /// Adds an entry whose needle begins here, if there is a version.
    fn hit(&mut self, place: usize, bytes: &[u8], at: usize) {
        let mut shared = table::ALL[place].shared.iter();
        let linked = |library: &&str| self.needed.iter().any(|need| need.starts_with(*library));
        if self.found.contains_key(&place) || shared.any(linked) {
            return;
        }
        if let Some(version) = SEARCH.patterns[place].version(bytes, at) {
            self.found.insert(place, version.to_owned());
        }
    }
}

fn package(signature: &Signature, version: String) -> Package {
    Package {
        cpes: super::cpe(signature.cpe, &version).into_iter().collect(),
        confidence: Confidence::Medium,
        ..Package::new(Kind::Generic, signature.name, version)
    }
}

/// Returns whether a name is as the pattern says, in which `*` stands for anything.
fn fits(name: &str, pattern: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('*') else {
        return name == pattern;
    };
    let Some(mut name) = name.strip_prefix(before) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return name.ends_with(part);
        }
        let Some(at) = name.find(part) else {
            return false;
        };
        name = &name[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{super::fixture, *};

    fn found(path: &str, file: Vec<u8>) -> Vec<String> {
        let packages = read(path, &Body::of(file)).into_iter();
        packages
            .map(|package| format!("{} {}", package.name, package.version))
            .collect()
    }

    #[test]
    fn every_entry_finds_its_example() {
        for signature in table::ALL {
            let (bytes, version) = signature.example;
            let file = signature
                .files
                .first()
                .map_or("any", |file| *file)
                .replace('*', "1");
            let text = format!("\0{}\0", bytes.replace("[]", "\0"));
            let elf = fixture::elf(&[(".rodata", 1, text.as_bytes())]);
            let expected = format!("{} {version}", signature.name);
            assert!(
                found(&file, elf.clone()).contains(&expected),
                "{expected}: {:?}",
                found(&file, elf)
            );
        }
    }

    #[test]
    fn mariadb_is_no_mysql_beside() {
        let elf = fixture::elf(&[(".rodata", 1, b"\x005.7.40\x0010.2.44-MariaDB\0")]);
        assert_eq!(found("mysqld", elf), ["mariadb 10.2.44"]);
    }

    #[test]
    fn no_entry_is_there_twice_or_has_a_needle_that_is_everywhere() {
        for (place, pattern) in SEARCH.patterns.iter().enumerate() {
            let signature = &table::ALL[place];
            let most = if signature.files.is_empty() { 3 } else { 2 };
            assert!(pattern.needle.len() > most, "{}", signature.pattern);
            assert!(signature.cpe.matches(':').count() == 1, "{}", signature.cpe);
            let same = table::ALL
                .iter()
                .filter(|other| other.pattern == signature.pattern);
            let same = same.filter(|other| other.files == signature.files);
            assert_eq!(same.count(), 1, "{}", signature.pattern);
        }
    }

    #[test]
    fn no_needle_begins_within_another_or_itself() {
        let needles: Vec<_> = SEARCH.patterns.iter().map(|it| &*it.needle).collect();
        let anywhere = |place: &usize| table::ALL[*place].files.is_empty();
        let all = 0..needles.len();
        for place in all.clone() {
            let others = all.clone().filter(anywhere).filter(|_| anywhere(&place));
            for other in others.chain([place]) {
                let (one, other) = (needles[place], needles[other]);
                let begins = |at: usize| {
                    let shared = &one[at..];
                    other.starts_with(shared) || shared.starts_with(other)
                };
                assert!(!(1..one.len()).any(begins), "{one:?} {other:?}");
                assert!(one == other || !one.starts_with(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn looks_only_where_the_table_says() {
        let nginx = fixture::elf(&[(".rodata", 1, b"\0nginx version: nginx/1.22.1\0")]);
        assert_eq!(found("usr/sbin/nginx", nginx.clone()), ["nginx 1.22.1"]);
        assert!(found("usr/sbin/other", nginx.clone()).is_empty());
        assert_eq!(
            found("nginx", fixture::without_sections(nginx)),
            ["nginx 1.22.1"]
        );
        let code = fixture::elf(&[
            (".rodata", 1, b"x"),
            (".text", 1, b"nginx version: nginx/1.22.1\0"),
        ]);
        assert!(found("nginx", code).is_empty());
        let openssl = fixture::elf(&[(".rodata", 1, b"\0OpenSSL 1.1.1w  11 Sep 2023\0")]);
        assert_eq!(found("opt/anything", openssl), ["openssl 1.1.1w"]);
        let go = fixture::elf(&[
            (".go.buildinfo", 1, b"x"),
            (".rodata", 1, b"OpenSSL 1.1.1w  11 Sep 2023"),
        ]);
        assert!(found("opt/anything", go).is_empty());
    }

    #[test]
    fn finds_what_lies_across_chunks() {
        let mut text = vec![b'x'; CHUNK - 10];
        text.extend(b"\0OpenSSL 3.0.2 15 Mar 2022\0");
        assert_eq!(
            found("a", fixture::elf(&[(".rodata", 1, &text)])),
            ["openssl 3.0.2"]
        );
    }

    #[test]
    fn names_fit() {
        assert!(fits("python3.11", "python3.*"));
        assert!(fits("libpython3.11.so.1.0", "libpython*.so*"));
        assert!(fits("nginx", "nginx"));
        assert!(!fits("nginx-debug", "nginx"));
        assert!(!fits("libpython.a", "libpython*.so*"));
    }

    #[test]
    fn reads_programs_of_this_machine() {
        for (path, name) in [
            ("/usr/bin/bash", "bash"),
            ("/usr/bin/curl", "curl"),
            ("/usr/bin/node", "node"),
            ("/usr/bin/perl", "perl"),
            ("/usr/bin/python3.11", "python"),
            ("/usr/lib/postgresql/15/bin/postgres", "postgresql"),
            ("/usr/sbin/nginx", "nginx"),
            ("/usr/lib/x86_64-linux-gnu/libcrypto.so.3", "openssl"),
            ("/usr/lib/x86_64-linux-gnu/libcurl.so.4", "libcurl"),
            ("/usr/lib/x86_64-linux-gnu/libexpat.so.1", "expat"),
            ("/usr/lib/x86_64-linux-gnu/libpng16.so.16", "libpng"),
            ("/usr/lib/x86_64-linux-gnu/libsqlite3.so.0", "sqlite"),
            ("/usr/lib/x86_64-linux-gnu/libz.so.1", "zlib"),
        ] {
            if let Some(bytes) = super::super::installed(path) {
                let found = found(path, bytes);
                let begins = format!("{name} ");
                assert!(
                    found.iter().any(|line| line.starts_with(&begins)),
                    "{path}: {found:?}"
                );
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            read("nginx", &Body::of(bytes.clone()));
            read("nginx", &Body::of(fixture::elf(&[(".rodata", 1, &bytes)])));
        }

        #[test]
        fn never_panics_on_nearly_right_texts(
            place in 0..table::ALL.len(),
            text in "[0-9a-z. +-]{0,50}\\PC{0,4}",
        ) {
            let pattern = &SEARCH.patterns[place];
            let bytes = [&*pattern.needle, text.as_bytes(), &*pattern.after].concat();
            Scan::new(&entries_for("python3.11"), &[]).bytes(&bytes, true);
            fits(&text, "a*b*");
        }
    }
}
