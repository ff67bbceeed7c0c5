//! SQLite linked into a program: the version stands apart from all else, so that any number of
//! this form might be it; the identifier of the source says when it was made, which only the
//! versions of that time agree with.

use std::sync::LazyLock;

use super::pattern::Pattern;
use crate::{Confidence, Kind, Package};

/// The version is an array of its own, so that any byte may stand before it.
static VERSION: LazyLock<Pattern> = LazyLock::new(|| Pattern::of("~{3.#.#}[]"));
/// What each SQLite holds, as every database begins with it (sqlite.org, "Database File Format");
/// only what has this is looked at more closely.
pub(super) const MARK: &[u8] = b"SQLite format 3";

/// Months since the year 0 in which SQLite 3.8 and each after it came out.
static MONTHS: &[u32] = &[
    24164, 24190, 24193, 24194, 24195, 24197, 24200, 24202, 24205, 24206, 24207, 24209, 24212,
    24214, 24217, 24220, 24222, 24225, 24228, 24230, 24232, 24235, 24238, 24241, 24245, 24248,
    24252, 24255, 24258, 24263, 24266, 24270, 24275, 24278, 24281, 24284, 24287, 24289, 24293,
    24298, 24301, 24302, 24305, 24311,
];
const FIRST: usize = 8;
/// Months for which a version gets patches once there is the next.
const PATCHED: u32 = 12;
/// Bytes of the date, the time and the hash of a source.
const IDENTIFIER: usize = 20 + 64;
/// Candidates that are kept.
const MOST: usize = 64;

/// Texts of a program that may be SQLite's.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// When the source was made, in months.
    made: Option<u32>,
    versions: Vec<(u32, u32, u32)>,
}

impl Texts {
    /// Looks for both in bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for at in memchr::memmem::find_iter(bytes, b"20") {
            let text = &bytes[at..];
            self.made = self.made.or_else(|| source(text.get(..IDENTIFIER)?));
        }
        VERSION.places(bytes, &mut |at| {
            let version = VERSION.version(bytes, at).and_then(version);
            if self.versions.len() < MOST {
                self.versions.extend(version);
            }
        });
    }
}

/// Returns the month in which a source of SQLite was made: `2023-05-16 12:36:15 831d0fb2…`, the
/// hash of the check-in, whose last digits say `alt1` where it was changed.
fn source(text: &[u8]) -> Option<u32> {
    let form = b"dddd-dd-dd dd:dd:dd ";
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'd' => byte.is_ascii_digit(),
        form => byte == form,
    };
    let (date, hash) = text.split_at(form.len());
    let is_hash = hash[..60]
        .iter()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hash || !date.iter().zip(form).all(fits) {
        return None;
    }
    let number =
        |range: std::ops::Range<usize>| std::str::from_utf8(&date[range]).ok()?.parse().ok();
    let (year, month): (u32, u32) = (number(0..4)?, number(5..7)?);
    Some(year * 12 + month)
}

/// Reads `3.42.0`.
fn version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split('.');
    let mut number = || parts.next()?.parse().ok();
    let version = (number()?, number()?, number()?);
    parts.next().is_none().then_some(version)
}

/// Returns whether a version is of a time.
fn is_of(made: u32, (_, minor, _): (u32, u32, u32)) -> bool {
    let Some(at) = (minor as usize).checked_sub(FIRST) else {
        return false;
    };
    let next = MONTHS.get(at + 1).copied();
    match MONTHS.get(at) {
        // Sources are as old as their release, or a month older.
        Some(from) => made + 1 >= *from && next.is_none_or(|next| made <= next + PATCHED),
        // It is newer than this list; so must the source be.
        None => MONTHS.last().is_some_and(|last| made >= *last),
    }
}

/// Returns SQLite, if a program that needs these libraries holds it.
pub(super) fn read(name: &str, needed: &[String], texts: Texts) -> Option<Package> {
    let made = texts.made?;
    // The table knows the library and the program by their names.
    let is_named = name == "sqlite3" || name.starts_with("libsqlite3.");
    if is_named
        || needed
            .iter()
            .any(|library| library.starts_with("libsqlite3."))
    {
        return None;
    }
    let mut fitting: Vec<_> = texts
        .versions
        .into_iter()
        .filter(|one| is_of(made, *one))
        .collect();
    fitting.sort_unstable();
    fitting.dedup();
    let [(major, minor, patch)] = fitting[..] else {
        return None;
    };
    let version = format!("{major}.{minor}.{patch}");
    Some(Package {
        cpes: super::super::cpe("sqlite:sqlite", &version)
            .into_iter()
            .collect(),
        confidence: Confidence::Medium,
        ..Package::new(Kind::Generic, "sqlite", version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, needed: &[&str], text: &str) -> Option<String> {
        let mut texts = Texts::default();
        texts.add(text.replace("[]", "\0").as_bytes());
        let needed: Vec<_> = needed.iter().map(|name| (*name).to_owned()).collect();
        read(name, &needed, texts).map(|package| package.version)
    }

    fn source_of(date: &str) -> String {
        format!(
            "[]{date} 12:36:15 {}alt1[]",
            "831d0fb2836b71c9bc51".repeat(3)
        )
    }

    #[test]
    fn finds_the_version_of_the_sources_time() {
        let text = |versions: &str| format!("{}{versions}", source_of("2023-05-16"));
        assert_eq!(
            found("app", &[], &text("[]3.42.0[]")).as_deref(),
            Some("3.42.0")
        );
        // A Python of its own has a version that looks the same.
        let both = text("[]3.11.2[]3.42.0[]");
        assert_eq!(found("python", &[], &both).as_deref(), Some("3.42.0"));
        assert_eq!(
            found("app", &[], &text("[]3.42.0[]3.41.2[]")),
            None,
            "which one?"
        );
        assert_eq!(found("app", &[], "[]3.42.0[]"), None, "no source");
        assert_eq!(
            found("app", &["libsqlite3.so.0"], &text("[]3.42.0[]")),
            None
        );
        assert_eq!(found("libsqlite3.so.0", &[], &text("[]3.42.0[]")), None);
        let future = format!("{}[]3.60.1[]", source_of("2028-01-01"));
        assert_eq!(found("app", &[], &future).as_deref(), Some("3.60.1"));
    }

    #[test]
    fn months_are_in_order() {
        assert!(MONTHS.is_sorted());
        let at = |minor: usize| (MONTHS[minor - FIRST] / 12, MONTHS[minor - FIRST] % 12);
        assert_eq!(
            (at(8), at(31), at(42), at(50)),
            ((2013, 8), (2020, 1), (2023, 5), (2025, 5))
        );
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), text in "(\\x00(20|3\\.)[0-9: .-]{0,20})*") {
            let mut texts = Texts::default();
            texts.add(&bytes);
            texts.add(text.as_bytes());
            read("a", &[], texts);
        }
    }
}
