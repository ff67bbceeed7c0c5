//! The version of a well-known Go program whose build information has none, as is so of those
//! built with `-trimpath`, which keeps the flags of the linker secret: a variable that these flags
//! set holds a text that ends in a zero byte, which other texts of Go do not. Consul and Vault
//! have theirs in a file `VERSION` that is embedded: a variable then holds the whole file, with
//! the end of its line.

use std::collections::BTreeSet;

use super::layout::Layout;
use crate::body::Body;

/// Sections in which the linker puts what it sets.
static SECTIONS: &[&str] = &[
    ".rodata",
    ".data",
    ".noptrdata",
    ".rdata",
    "__rodata",
    "__noptrdata",
];
/// Bytes searched at a time; what two of them share is enough for any version.
const CHUNK: usize = 1 << 20;
const OVERLAP: usize = 128;
/// Bytes of one program that are searched.
const SEARCHED: u64 = 256 << 20;
/// Sections in which variables are that point to texts.
static VARIABLES: &[&str] = &[".data", "__data"];
/// Bytes of such sections that are looked at.
const VARIABLES_MOST: u64 = 16 << 20;
/// Bytes of a version.
const MOST: usize = 40;

/// Returns the version, without a letter before it, if there is no other that it might be.
pub(super) fn version(body: &Body, layout: &Layout) -> Option<String> {
    let (linked, embedded) = variables(body, layout);
    let nothing = linked.lettered.is_empty() && linked.plain.is_empty();
    let linked = match nothing {
        true => delimited(body, layout),
        false => Some(linked),
    };
    linked.and_then(Versions::only).or_else(|| embedded.only())
}

/// Versions of a program.
#[derive(Default)]
struct Versions {
    /// Those that begin with the letter are meant for people; others may be of anything.
    lettered: BTreeSet<String>,
    plain: BTreeSet<String>,
}

impl Versions {
    fn add(&mut self, text: &str) {
        let (found, version) = match text.strip_prefix('v') {
            Some(version) => (&mut self.lettered, version),
            None => (&mut self.plain, text),
        };
        // Two are as good as any number of them.
        if found.len() < 2 && is_version(version) {
            found.insert(version.to_owned());
        }
    }

    /// Returns the only one.
    fn only(self) -> Option<String> {
        let found = match self.lettered.is_empty() {
            true => self.plain,
            false => self.lettered,
        };
        (found.len() == 1).then(|| found.into_iter().next())?
    }
}

/// Returns versions between zero bytes.
fn delimited(body: &Body, layout: &Layout) -> Option<Versions> {
    let mut found = Versions::default();
    let mut left = SEARCHED;
    for part in &layout.sections {
        if !SECTIONS.contains(&&*part.name) {
            continue;
        }
        let end = part
            .offset
            .saturating_add(part.size.min(left))
            .min(body.size());
        left = left.saturating_sub(part.size);
        let mut at = part.offset;
        while at < end {
            let length = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
            let bytes = body.range(at, length).ok()?;
            texts(&bytes).for_each(|text| found.add(text));
            if length < CHUNK {
                break;
            }
            at += (CHUNK - OVERLAP) as u64;
        }
    }
    Some(found)
}

/// Returns versions in variables: those that the linker put there, and those in files of one line
/// that are embedded. A text of Go is where it is and its length (cmd/compile, "abi-internal"); in
/// programs that may lie anywhere in memory (`-buildmode=pie`) it is not written down.
fn variables(body: &Body, layout: &Layout) -> (Versions, Versions) {
    let (mut linked, mut embedded) = (Versions::default(), Versions::default());
    // Other processors' forms are not worth reading.
    let known = layout.numbers.little && layout.numbers.wide;
    let sections = layout.sections.iter().filter(|_| known);
    let mut left = VARIABLES_MOST;
    for part in sections.filter(|part| VARIABLES.contains(&&*part.name)) {
        let size = usize::try_from(part.size.min(left)).unwrap_or_default();
        let Ok(bytes) = body.range(part.offset, size) else {
            continue;
        };
        left = left.saturating_sub(bytes.len() as u64);
        let numbers = |at: usize| layout.numbers.u64(&bytes, at);
        for at in (0..bytes.len()).step_by(8) {
            let Some((address, length)) = numbers(at).zip(numbers(at + 8)) else {
                break;
            };
            // `1.2.3` is the shortest.
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if !(5..=MOST).contains(&length) {
                continue;
            }
            let Some(text) = layout.at_address(body, address, length + 1) else {
                continue;
            };
            let Some(Ok(value)) = text.get(..length).map(std::str::from_utf8) else {
                continue;
            };
            match value.strip_suffix('\n') {
                // Files' versions have no letter.
                Some(line) if !line.starts_with('v') => embedded.add(line),
                None if text.get(length) == Some(&0) => linked.add(value),
                _ => {}
            }
        }
    }
    (linked, embedded)
}

/// Returns texts between zero bytes that are versions of three numbers.
fn texts(bytes: &[u8]) -> impl Iterator<Item = &str> {
    memchr::memchr_iter(0, bytes).filter_map(|at| {
        let rest = &bytes[at + 1..];
        let letter = usize::from(rest.first() == Some(&b'v'));
        rest.get(letter).filter(|byte| byte.is_ascii_digit())?;
        let end = rest.iter().take(MOST).position(|byte| *byte == 0)?;
        let text = std::str::from_utf8(&rest[..end]).ok()?;
        is_version(&text[letter..]).then_some(text)
    })
}

/// Returns whether it is `1.28.2`, perhaps with what comes before a release: `-rc.1`.
fn is_version(text: &str) -> bool {
    let (numbers, rest) = text.split_once(['-', '+']).unwrap_or((text, ""));
    let mut parts = numbers.split('.');
    let number =
        |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let three = (0..3).all(|_| parts.next().is_some_and(number));
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+');
    three && parts.next().is_none() && rest.len() < 20 && rest.bytes().all(word)
}

#[cfg(test)]
mod tests {
    use super::{super::fixture, *};

    fn found(text: &str) -> Option<String> {
        let text = text.replace("[]", "\0");
        let body = Body::of(fixture::elf(&[(".rodata", 1, text.as_bytes())]));
        version(&body, &Layout::read(&body)?)
    }

    #[test]
    fn finds_what_the_linker_set() {
        assert_eq!(found("[]v1.28.2[]x[]v1.28.2[]").as_deref(), Some("1.28.2"));
        assert_eq!(found("[]3.5.9[]").as_deref(), Some("3.5.9"));
        assert_eq!(
            found("[]127.0.0.1[]v3.12.0-rc.1[]1.2.3[]").as_deref(),
            Some("3.12.0-rc.1")
        );
        assert_eq!(found("[]v1.28.2[]v1.2.3[]"), None, "which one?");
        let many: String = (0..2_000).map(|n| format!("[]v1.1.{n}[]")).collect();
        assert_eq!(found(&many), None);
        assert_eq!(found("v1.28.2 and more v1.2.3"), None);
        assert_eq!(found("[]127.0.0.1[]1.2[]"), None);
    }

    /// A program whose `.data` holds texts of `.rodata`: where they begin there, and how long
    /// they say that they are.
    fn embedding(texts: &[u8], variables: &[(u64, u64)]) -> Option<String> {
        // Before the first section are the headers: 120 bytes, and what makes them 128.
        let rodata = 0x1000 + 128;
        let words = variables
            .iter()
            .flat_map(|(at, length)| [rodata + at, *length]);
        let data: Vec<_> = words.flat_map(u64::to_le_bytes).collect();
        let body = Body::of(fixture::elf(&[(".rodata", 1, texts), (".data", 1, &data)]));
        version(&body, &Layout::read(&body)?)
    }

    #[test]
    fn finds_what_a_file_says_that_is_embedded() {
        let texts = b"go1.21\n121.18.1\nmore1.19.0-rc1\n";
        assert_eq!(
            embedding(texts, &[(0, 7), (9, 7)]).as_deref(),
            Some("1.18.1")
        );
        assert_eq!(embedding(texts, &[(20, 11)]).as_deref(), Some("1.19.0-rc1"));
        assert_eq!(embedding(texts, &[(9, 7), (20, 11)]), None, "which one?");
        // Without the end of a line it may be a version of anything, and lengths may lie.
        assert_eq!(embedding(texts, &[(9, 6), (9, 40), (9, u64::MAX)]), None);
        assert_eq!(embedding(texts, &[(u64::MAX - 0x2000, 7)]), None);
    }

    /// Sections may lie on top of one another, tens of thousands of them.
    #[test]
    fn variables_are_looked_at_within_a_bound() {
        let words = |n| [0_u64, 6].repeat(n).into_iter().flat_map(u64::to_le_bytes);
        let data: Vec<u8> = words(1 << 20).collect();
        let body = Body::of(fixture::elf(&[(".data", 1, &data)]));
        let mut layout = Layout::read(&body).expect("a program");
        let section = layout.section(".data").expect("it has one").clone();
        layout.segments = vec![layout.segments[0].clone(); 40];
        layout.sections = vec![section; 60_000];
        assert_eq!(variables(&body, &layout).1.only(), None);
    }

    #[test]
    fn finds_what_a_variable_holds_that_the_linker_set() {
        // Helm's: a floating-point number is right before it, and an import's version behind.
        let texts = b"\x8f@v3.17.3\0\0\x001.7.24+unknown\0v1.0.0\0";
        assert_eq!(embedding(texts, &[(2, 7)]).as_deref(), Some("3.17.3"));
        assert_eq!(
            embedding(texts, &[(2, 7), (12, 6)]).as_deref(),
            Some("3.17.3"),
            "a text that goes on is no variable of the linker's"
        );
        assert_eq!(embedding(texts, &[(2, 7), (27, 6)]), None, "which one?");
    }

    proptest::proptest! {
        #[test]
        fn variables_that_lie_do_no_harm(
            texts in proptest::collection::vec(proptest::num::u8::ANY, 0..99),
            variables in proptest::collection::vec((0..200_u64, 0..60_u64), 0..9),
        ) {
            let _any = embedding(&texts, &variables);
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), text in "(\\x00v?[0-9.+-]{0,9})*") {
            let _any = (texts(&bytes).count(), texts(text.as_bytes()).count());
        }
    }
}
