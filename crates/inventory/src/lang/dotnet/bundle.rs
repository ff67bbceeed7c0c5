//! .NET programs in one file: the host holds a marker, before which stands where the list of
//! bundled files begins; that list says where `*.deps.json` is, which is never compressed
//! (dotnet/designs, "bundler").

use super::of_program;
use crate::{
    analyser::{Analyser, Findings, Reading, Want},
    body::Body,
};

/// Reads what .NET programs have bundled.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "dotnet-bundle",
    wants: &[Want::Program],
    read: Reading::Parts {
        read: |_, body| read(body),
    },
    ..Analyser::BASE
};

/// SHA-256 of `.net core bundle`.
const MARKER: [u8; 32] = [
    0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32,
    0x13, 0xf5, 0xb9, 0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
];
/// Bytes of the list that come before its entries, its identifier included.
const LIST: usize = 512;
/// Bytes of a `*.deps.json` that are read.
const MOST: usize = 16 << 20;

/// The host, runtime and all, has below 16 MiB, so the marker is in the part at hand.
fn read(body: &Body) -> Findings {
    let Some(at) = memchr::memmem::find(body.head(), &MARKER) else {
        return Findings::default();
    };
    // Hosts of programs that are not bundled have nothing there.
    let start = at.checked_sub(8).and_then(|at| number(body.head(), at));
    let Some(start) = start.filter(|start| *start != 0) else {
        return Findings::default();
    };
    let (offset, size) = match deps(body, start).or_else(|| of_core_3(body, start)) {
        Some((_, 0)) => return Findings::default(),
        Some((offset, size)) if size <= MOST && is_within(body, offset, size) => (offset, size),
        _ => return Findings::unread("its list of bundled files is damaged"),
    };
    match body.range(offset, size) {
        Ok(bytes) => of_program(&bytes),
        Err(error) => Findings::unread(error),
    }
}

fn is_within(body: &Body, offset: u64, size: usize) -> bool {
    offset.saturating_add(size as u64) <= body.size()
}

/// Returns offset and size of `*.deps.json`: after major and minor version, the number of
/// files, and an identifier with its length.
fn deps(body: &Body, start: u64) -> Option<(u64, usize)> {
    let list = body.range(start, LIST).ok()?;
    let major = u32::from_le_bytes(list.get(..4)?.try_into().ok()?);
    // Version 1, of .NET Core 3, has none of this; identifiers have below 128 bytes.
    if !(2..=16).contains(&major) {
        return None;
    }
    let length = usize::from(*list.get(12)?);
    let at = 13 + length;
    let size = number(&list, at + 8)?;
    Some((number(&list, at)?, usize::try_from(size).ok()?))
}

/// Bytes of the list of .NET Core 3 that are read.
const OLD_LIST: usize = 1 << 20;
/// Bytes of one of its entries before the name: offset, size and sort.
const ENTRY: usize = 17;

/// Finds `*.deps.json` in the list of .NET Core 3, which has offset and size before each name:
/// version, number of files and identifier come first.
fn of_core_3(body: &Body, start: u64) -> Option<(u64, usize)> {
    let list = body.range(start, OLD_LIST).ok()?;
    if list.get(..4)? != [1, 0, 0, 0] {
        return None;
    }
    let count = u32::from_le_bytes(list.get(8..12)?.try_into().ok()?);
    let mut at = 13 + usize::from(*list.get(12)?);
    for _ in 0..count {
        let (name, end) = text(&list, at + ENTRY)?;
        if name.ends_with(b".deps.json") {
            let size = number(&list, at + 8)?;
            return Some((number(&list, at)?, usize::try_from(size).ok()?));
        }
        at = end;
    }
    // None is bundled, so nothing is missing.
    Some((0, 0))
}

/// Returns a text after its length, of which each byte has seven bits, and where it ends.
fn text(list: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let (first, second) = (usize::from(*list.get(at)?), list.get(at + 1));
    let (length, start) = match first < 0x80 {
        true => (first, at + 1),
        false => (first & 0x7f | usize::from(*second? & 0x7f) << 7, at + 2),
    };
    Some((list.get(start..start + length)?, start + length))
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..)?.get(..8)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::listed;

    const DEPS: &[u8] = br#"{"libraries": {"A/1.0.0": {"type": "package"}}}"#;

    /// A host of a hundred bytes, `*.deps.json`, the list.
    fn program(offset: u64, size: u64, major: u32) -> Vec<u8> {
        let mut bytes = vec![0; 100];
        bytes.extend((100 + 40 + DEPS.len() as u64).to_le_bytes());
        bytes.extend(MARKER);
        bytes.extend(DEPS);
        bytes.extend(major.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(2_u32.to_le_bytes());
        bytes.extend(b"\x04abcd");
        bytes.extend(offset.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes
    }

    #[test]
    fn finds_what_is_bundled() {
        let bytes = program(140, DEPS.len() as u64, 6);
        assert_eq!(listed(&read(&Body::of(bytes))), ["pkg:nuget/A@1.0.0"]);
    }

    #[test]
    fn finds_what_core_3_bundled() {
        let mut bytes = vec![0; 100];
        bytes.extend((140 + DEPS.len() as u64).to_le_bytes());
        bytes.extend(MARKER);
        bytes.extend(DEPS);
        bytes.extend([1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
        bytes.extend(b"\x04abcd");
        for (offset, size, name) in [(0, 9, "a.dll"), (140, DEPS.len() as u64, "a.deps.json")] {
            bytes.extend(u64::to_le_bytes(offset));
            bytes.extend(size.to_le_bytes());
            bytes.push(3);
            bytes.push(u8::try_from(name.len()).expect("short"));
            bytes.extend(name.as_bytes());
        }
        assert_eq!(
            listed(&read(&Body::of(bytes.clone()))),
            ["pkg:nuget/A@1.0.0"]
        );
        bytes.truncate(bytes.len() - 3);
        assert_eq!(read(&Body::of(bytes)).problems.len(), 1);
    }

    #[test]
    fn lies_are_bounded() {
        let size = DEPS.len() as u64;
        for (offset, size, major) in [
            (u64::MAX, size, 6),
            (140, u64::MAX, 6),
            (140, 1 << 40, 6),
            (140, size, 1),
            (140, size, u32::MAX),
        ] {
            let findings = read(&Body::of(program(offset, size, major)));
            assert_eq!(findings.problems.len(), 1, "{offset} {size} {major}");
        }
        assert!(read(&Body::of(MARKER.to_vec())).problems.is_empty());
        assert!(
            read(&Body::of([&[0; 8][..], &MARKER].concat()))
                .problems
                .is_empty()
        );
        assert!(read(&Body::of(Vec::new())).problems.is_empty());
        let mut cut = program(140, size, 6);
        cut.truncate(cut.len() - 9);
        assert_eq!(read(&Body::of(cut)).problems.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(start in 0_u64..200, rest in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let bytes = [&start.to_le_bytes()[..], &MARKER, &rest].concat();
            read(&Body::of(bytes));
        }
    }
}
