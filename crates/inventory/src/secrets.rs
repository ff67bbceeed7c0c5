//! Looks for secrets in small text files, by the rules of `secret_rules.rs`.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::{
    Found, SecretMatch,
    analyser::{Analyser, Counts, Findings, Reading, Want},
    folders::is_published,
    secret_rules::{Rule, rules},
    utf16::as_utf8,
};

/// Reads text files where people put them.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "secrets",
    wants: &[Want::File(|file| {
        file.size <= MOST && wanted(&file.path, file.size)
    })],
    // They count in every layer, even where an upper one hides them.
    counts: Counts::Asked,
    read: Reading::Whole {
        most: MOST,
        read: |path, bytes| Findings {
            found: search(path, bytes).into_iter().collect(),
            problems: Vec::new(),
        },
    },
    ..Analyser::BASE
};

/// Larger files are data rather than configuration.
const MOST: u64 = 256 << 10;
/// Longer prose is documentation of something else.
const PROSE_MOST: u64 = 64 << 10;
/// Files of prose, in which people leave notes.
static PROSE: &[&str] = &["md", "txt"];
/// More of them in one file say nothing new.
const MAX_MATCHES: usize = 16;

/// Folders that no layer should fill, and those of package managers' own databases.
static SYSTEM: &[&str] = &[
    "proc/",
    "sys/",
    "dev/",
    "var/lib/dpkg/",
    "var/lib/apt/",
    "var/lib/rpm/",
];
/// Folders anywhere whose keys are examples, capitals or not.
static EXAMPLES: &[&str] = &[
    "test",
    "tests",
    "testing",
    "testdata",
    "__tests__",
    "fixtures",
    "spec",
    "example",
    "examples",
    "samples",
    "demo",
    "doc",
    "docs",
    "man",
    "locale",
    "locales",
];
/// How the names of tests end, by the habits of Go.
static TESTS: &[&str] = &["_test.go"];
/// Files that hold no configuration.
static NO_TEXT: &[&str] = &[
    "so", "a", "o", "pyc", "pyo", "class", "jar", "war", "zip", "gz", "xz", "bz2", "zst", "tar",
    "png", "jpg", "jpeg", "gif", "ico", "svg", "webp", "woff", "woff2", "ttf", "eot", "otf", "mo",
    "po", "gmo", "pdf", "mp3", "mp4", "wasm", "map", "css", "scss", "less", "html", "htm", "rst",
    "adoc", "h", "hpp", "c", "cc", "cpp", "pod", "pl", "pm", "deb", "apk", "rpm", "db", "sqlite",
    "crt", "cer", "pub", "d.ts", "tzdata",
];
/// Known to be harmless: made afresh on installation, or a published example.
static HARMLESS: &[&str] = &["ssl-cert-snakeoil.key", "snakeoil.key", "insecure.key"];

/// Finds all needles of the rules that hold for any file in one pass.
struct Prefilter {
    search: AhoCorasick,
    /// The rule of each needle.
    rules: Vec<&'static Rule>,
}

static PREFILTER: LazyLock<Prefilter> = LazyLock::new(|| {
    let rules = rules().iter().filter(|rule| rule.files.is_empty());
    let pairs: Vec<_> = rules
        .flat_map(|rule| rule.needles.iter().map(move |needle| (needle, rule)))
        .collect();
    Prefilter {
        search: AhoCorasick::new(pairs.iter().map(|(needle, _)| needle))
            .expect("a few short needles fit any automaton"),
        rules: pairs.iter().map(|(_, rule)| *rule).collect(),
    }
});

/// Whatever folder it lies in: what a distribution's package brought is left out by the merge,
/// which knows their lists of files.
fn wanted(path: &str, size: u64) -> bool {
    if SYSTEM.iter().any(|folder| path.starts_with(folder)) {
        return false;
    }
    let mut folders = path.split('/');
    let name = folders.next_back().unwrap_or(path);
    // Users have names of their own, such as `demo`.
    if path.starts_with("home/") {
        folders.nth(1);
    }
    let text = name.rsplit_once('.').is_none_or(|(_, extension)| {
        // `.netrc` has no extension, and its name says that it is wanted.
        let long = PROSE.contains(&extension) && size > PROSE_MOST;
        !long && !NO_TEXT.contains(&extension)
    });
    // Nobody shows by an example what a name with a dot hides.
    let is_shown = !name.starts_with('.');
    let example = |folder: &str| EXAMPLES.iter().any(|one| one.eq_ignore_ascii_case(folder));
    let harmless = HARMLESS.contains(&name) || TESTS.iter().any(|end| name.ends_with(end));
    if !text || harmless {
        return false;
    }
    let is_example = is_shown && folders.any(example);
    !is_example && !is_published(path)
}

/// Returns the secrets of a file, if it is text and has any.
pub(crate) fn search(path: &str, bytes: &[u8]) -> Option<Found> {
    let text = as_utf8(bytes);
    let bytes = text.as_ref();
    if memchr::memchr(0, bytes).is_some() {
        return None;
    }
    let mut found: Vec<SecretMatch> = Vec::new();
    let (mut line, mut counted) = (1_u32, 0);
    for (start, rule) in matches(path, bytes) {
        let newlines = memchr::memchr_iter(b'\n', &bytes[counted..start]).count();
        line = line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
        counted = start;
        let secret = SecretMatch {
            rule: rule.id.to_owned(),
            line,
        };
        if !found.contains(&secret) {
            found.push(secret);
        }
        if found.len() == MAX_MATCHES {
            break;
        }
    }
    (!found.is_empty()).then_some(Found::Secrets(found))
}

/// Returns where rules match, in order.
pub(crate) fn matches(path: &str, bytes: &[u8]) -> Vec<(usize, &'static Rule)> {
    let mut found = Vec::new();
    for needle in PREFILTER.search.find_iter(bytes) {
        let rule = PREFILTER.rules[needle.pattern().as_usize()];
        let (start, end) = (needle.start(), needle.end());
        // A needle within a longer word is part of something else.
        let word = |index: usize| bytes[index].is_ascii_alphanumeric();
        let within = start > 0 && word(start) && word(start - 1);
        if !within && (rule.follows)(&bytes[end..]) {
            found.push((start, rule));
        }
    }
    for rule in rules() {
        if rule.files.iter().any(|file| is_named(path, file)) {
            for needle in rule.needles {
                let starts = memchr::memmem::find_iter(bytes, needle);
                let follows = |start: &usize| (rule.follows)(&bytes[start + needle.len()..]);
                found.extend(starts.filter(follows).map(|start| (start, rule)));
            }
        }
    }
    found.sort_by_key(|(start, rule)| (*start, rule.id));
    found
}

fn is_named(path: &str, file: &str) -> bool {
    path.strip_suffix(file)
        .is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
}

#[cfg(test)]
mod tests;
