//! Programs and libraries that no package manager knows, by the version text they carry.
//! What is looked for is the table in `signatures/table.rs`: what any program may hold in one
//! pass, what only files of some names hold in those alone.

#[cfg(test)]
mod examples;
mod pattern;
mod sqlite;
mod table;

use std::{collections::BTreeMap, sync::LazyLock};

use aho_corasick::{AhoCorasick, MatchKind};

use self::pattern::Pattern;
use super::{elf, go, layout::Layout};
use crate::{
    Confidence, Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
    body::Body,
};

/// Looks for version texts in programs.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "signatures",
    wants: &[Want::Program],
    read: Reading::Parts {
        read: |path, body| Findings::packages(read(path, body)),
    },
    ..Analyser::BASE
};

/// Bytes searched at a time; what two of them share is enough for any text of the table.
const CHUNK: usize = 1 << 20;
const OVERLAP: usize = 256;
/// Bytes of one program that are searched.
const SEARCHED: u64 = 256 << 20;
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

/// Versions of one entry that are looked at; Redis names some seventy.
const CANDIDATES: usize = 100;

/// One text of a program or library.
struct Signature {
    /// The package's name; its ecosystem is the generic one.
    name: &'static str,
    /// Names of files, `*` for anything; none means any program, as for a library that may be
    /// linked into it.
    files: &'static [&'static str],
    /// What names of shared libraries begin with whose users carry the same text, as OpenSSL's
    /// headers have it, too; a program that needs one of them does not hold the library.
    shared: &'static [&'static str],
    /// The text, with the version in braces (see [`Pattern`]).
    pattern: &'static str,
    /// What the program holds as well, where other versions look the same (see
    /// [`pattern::holds`]).
    with: &'static str,
    /// Vendor and product of the CPE name.
    cpe: &'static str,
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
    let needed: Vec<_> = needed.iter().map(|name| plain(name)).collect();
    let name = plain(name);
    let parts = parts(layout.as_ref(), body);
    let named = entries_for(&name);
    let mut scan = Scan::new(&named, &needed);
    chunks(&parts, body, &mut |bytes, last| scan.bytes(bytes, last));
    let Scan {
        mut found,
        has_sqlite,
        ..
    } = scan;
    confirm(&mut found, &parts, body);
    let mut packages = packages(&found);
    if has_sqlite {
        let mut texts = sqlite::Texts::default();
        chunks(&parts, body, &mut |bytes, _| texts.add(bytes));
        packages.extend(sqlite::read(&name, &needed, texts));
    }
    // MariaDB says which MySQL's engine it has, too.
    if packages.iter().any(|package| package.name == "mariadb") {
        packages.retain(|package| package.name != "mysql");
    }
    packages
}

/// Returns a library's name without what makes it unlike all others where it was copied into a
/// Python package (auditwheel): `libz-0123abcd.so.1`.
fn plain(name: &str) -> String {
    let split = name.find(".so").and_then(|so| {
        let (before, hash) = name[..so].rsplit_once('-')?;
        let is_hash = hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then_some((before, &name[so..]))
    });
    split.map_or(name.to_owned(), |(before, so)| [before, so].concat())
}

/// Keeps the versions of which the program holds what else it has to.
fn confirm(found: &mut BTreeMap<usize, Vec<String>>, parts: &[(u64, u64)], body: &Body) {
    let wants = |place: &usize| !table::ALL[*place].with.is_empty();
    if !found.keys().any(wants) {
        return;
    }
    let mut open = found.clone();
    open.retain(|place, _| wants(place));
    chunks(parts, body, &mut |bytes, _| {
        for (place, versions) in &mut open {
            let with = table::ALL[*place].with;
            versions.retain(|version| !pattern::holds(bytes, with, version));
        }
    });
    for (place, not_held) in open {
        if let Some(versions) = found.get_mut(&place) {
            versions.retain(|version| !not_held.contains(version));
        }
    }
}

/// Makes a package of each entry's version, the first that was found. Where one is the beginning
/// of another, as `9.2` of `9.2p1`, it is the same, said shorter.
fn packages(found: &BTreeMap<usize, Vec<String>>) -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    for (place, versions) in found {
        let signature = &table::ALL[*place];
        let Some(first) = versions.first() else {
            continue;
        };
        // Two lines of the table may know one program.
        let same = found
            .iter()
            .filter(|(place, _)| table::ALL[**place].name == signature.name);
        let longer = same.flat_map(|(_, versions)| versions);
        let longer = longer.filter(|version| version.starts_with(first.as_str()));
        let version = longer.max_by_key(|version| version.len()).unwrap_or(first);
        let known = |one: &Package| one.name == signature.name && one.version == *version;
        if !packages.iter().any(known) {
            packages.push(package(signature, version.clone()));
        }
    }
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
            // A part's first text has nothing before it, which is as good as a zero byte.
            match at == *offset {
                true => take(&[b"\0", &*bytes].concat(), last),
                false => take(&bytes, last),
            }
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
    /// Versions by the entry's place in the table, in the order of the file.
    found: BTreeMap<usize, Vec<String>>,
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

    /// Adds the versions of each entry. What begins near the end of bytes that are not the
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
            SEARCH.patterns[*place].places(bytes, &mut |at| {
                if at <= whole {
                    self.hit(*place, bytes, at);
                }
            });
        }
    }

    /// Adds an entry whose needle begins here, if there is a version.
    fn hit(&mut self, place: usize, bytes: &[u8], at: usize) {
        let Some(version) = SEARCH.patterns[place].version(bytes, at) else {
            return;
        };
        let mut shared = table::ALL[place].shared.iter();
        let linked = |library: &&str| self.needed.iter().any(|need| need.starts_with(*library));
        if shared.any(linked) {
            return;
        }
        let versions = self.found.entry(place).or_default();
        if versions.len() < CANDIDATES && !versions.iter().any(|known| known == version) {
            versions.push(version.to_owned());
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
    fn mariadb_is_no_mysql_beside() {
        let elf = fixture::elf(&[(".rodata", 1, b"\x005.6.40\x0010.2.44-MariaDB\0")]);
        assert_eq!(found("mysqld", elf), ["mariadb 10.2.44"]);
    }

    #[test]
    fn no_entry_is_there_twice_or_has_a_needle_that_is_everywhere() {
        for (place, pattern) in SEARCH.patterns.iter().enumerate() {
            let signature = &table::ALL[place];
            let least = if signature.files.is_empty() { 3 } else { 0 };
            assert!(pattern.needle.len() >= least, "{}", signature.pattern);
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
        let openssl = |other: &[u8]| {
            let text = b"\0OpenSSL 1.1.1w  11 Sep 2023\0";
            found(
                "opt/anything",
                fixture::elf(&[(".rodata", 1, text), (".data", 1, other)]),
            )
        };
        assert_eq!(openssl(b"OPENSSLDIR: \"/\""), ["openssl 1.1.1w"]);
        assert!(openssl(b"a header's text").is_empty());
        let go = fixture::elf(&[
            (".go.buildinfo", 1, b"x"),
            (".rodata", 1, b"OpenSSL 1.1.1w  11 Sep 2023"),
        ]);
        assert!(found("opt/anything", go).is_empty());
    }

    #[test]
    fn finds_what_lies_across_chunks() {
        let mut text = vec![b'x'; CHUNK - 10];
        text.extend(b"\0LIBTIFF, Version 4.5.0\0");
        assert_eq!(
            found("a", fixture::elf(&[(".rodata", 1, &text)])),
            ["libtiff 4.5.0"]
        );
    }

    #[test]
    fn the_longest_is_said() {
        let jq = fixture::elf(&[(".rodata", 1, b"\x001.7\0jq-1.7.1=.\0")]);
        assert_eq!(found("jq", jq), ["jq 1.7.1"]);
    }

    #[test]
    fn copies_in_python_packages_have_their_usual_name() {
        assert_eq!(plain("liblzma-de26b416.so.5.8.4"), "liblzma.so.5.8.4");
        assert_eq!(plain("libav-codec-5809ad29.so"), "libav-codec.so");
        for name in [
            "libruby-3.1.so.3.1.2",
            "libpcre2-8.so.0",
            "libc-2.31.so",
            "git-0123abcd",
        ] {
            assert_eq!(plain(name), name);
        }
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
            let bytes = [&*SEARCH.patterns[place].needle, text.as_bytes()].concat();
            Scan::new(&entries_for("python3.11"), &[]).bytes(&bytes, true);
            fits(&text, "a*b*");
        }
    }
}
