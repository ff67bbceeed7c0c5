//! What an ELF program needs to run: its shared libraries and its loader (System V gABI,
//! chapter 5, "Dynamic Linking"), so that a library that nothing loads can be told apart.

use std::collections::HashSet;

use super::layout::{Format, Layout, Part};
use crate::{
    Found, Linkage,
    analyser::{Analyser, Findings, Reading, Want},
    body::Body,
};

/// Reads the dynamic section.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "elf",
    wants: &[Want::Program],
    read: Reading::Parts {
        read: |_, body| read(body),
    },
    ..Analyser::BASE
};

const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_SONAME: u64 = 14;
const DT_RPATH: u64 = 15;
const DT_RUNPATH: u64 = 29;
/// Bytes of the dynamic section.
const DYNAMIC_MOST: usize = 1 << 20;
/// Libraries of one program; browsers have two hundred.
const NEEDED_MOST: usize = 2000;
/// Longer names are no names.
const NAME_MOST: usize = 4096;
/// UPX writes this near its loader, in front of what it packed (`src/stub/src/include/header.S`).
const UPX: &[u8] = b"UPX!";
const UPX_WITHIN: usize = 4096;

fn read(body: &Body) -> Findings {
    let Some(layout) = Layout::read(body) else {
        return Findings::default();
    };
    if is_packed(body, &layout) {
        return Findings::unread("packed with UPX; what is in it is not known");
    }
    match linkage(body, &layout) {
        Some(linkage) => Findings::one(Found::Linkage(linkage)),
        None => Findings::default(),
    }
}

/// Returns whether there is nothing to see but the loader of a packer.
fn is_packed(body: &Body, layout: &Layout) -> bool {
    let head = &body.head()[..body.head().len().min(UPX_WITHIN)];
    let named = layout.sections.iter().any(|part| part.name == "UPX0");
    named || (layout.sections.is_empty() && memchr::memmem::find(head, UPX).is_some())
}

/// Returns what an ELF file needs; nothing for objects and kernel modules, which are not run.
pub(super) fn linkage(body: &Body, layout: &Layout) -> Option<Linkage> {
    if layout.format != Format::Elf || layout.segments.is_empty() {
        return None;
    }
    let segment = |kind| layout.segments.iter().find(|part| part.kind == kind);
    let interpreter = segment(PT_INTERP).and_then(|part| part.bytes(body, NAME_MOST));
    let mut linkage = Linkage {
        interpreter: interpreter.and_then(|name| text(&name)).unwrap_or_default(),
        ..Linkage::default()
    };
    if let Some(part) = segment(PT_DYNAMIC) {
        dynamic(body, layout, part, &mut linkage);
    }
    Some(linkage)
}

fn dynamic(body: &Body, layout: &Layout, part: &Part, linkage: &mut Linkage) -> Option<()> {
    let numbers = layout.numbers;
    let width = if numbers.wide { 8 } else { 4 };
    let bytes = part.bytes(body, DYNAMIC_MOST)?;
    let entry = |entry: &[u8]| Some((numbers.word(entry, 0)?, numbers.word(entry, width)?));
    let entries = bytes.chunks(2 * width).map_while(entry);
    let entries: Vec<_> = entries.take_while(|(tag, _)| *tag != 0).collect();
    let (_, address) = entries.iter().find(|(tag, _)| *tag == DT_STRTAB)?;
    // Libraries of C++ have megabytes of names, and those of libraries may be the last.
    let name = |at: u64| {
        let address = address.checked_add(at)?;
        text(&layout.at_address(body, address, NAME_MOST + 1)?)
    };
    let paths = |at: u64| {
        let list = name(at).unwrap_or_default();
        list.split(':')
            .filter(|path| !path.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let last = |tag| entries.iter().rfind(|(other, _)| *other == tag);
    linkage.soname = last(DT_SONAME)
        .and_then(|(_, at)| name(*at))
        .unwrap_or_default();
    // The newer tag counts where both are.
    let search = last(DT_RUNPATH).or(last(DT_RPATH));
    linkage.search = search.map(|(_, at)| paths(*at)).unwrap_or_default();
    // The same name again says nothing, and a small file might hold gigabytes of it.
    let mut seen = HashSet::new();
    for (_, value) in entries.iter().filter(|(tag, _)| *tag == DT_NEEDED) {
        if seen.len() < NEEDED_MOST && seen.insert(*value) {
            linkage.needed.extend(name(*value));
        }
    }
    Some(())
}

/// Returns the text that ends before the first zero byte.
fn text(bytes: &[u8]) -> Option<String> {
    let end = memchr::memchr(0, bytes)?;
    let usable = end > 0 && end <= NAME_MOST;
    usable.then(|| String::from_utf8_lossy(&bytes[..end]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{super::fixture, *};

    /// A program with these entries of its dynamic section, and the names they refer to.
    fn program(entries: &[(u64, u64)], names: &[u8]) -> Vec<u8> {
        let mut dynamic: Vec<u8> = Vec::new();
        for (tag, value) in entries.iter().chain(&[(0, 0)]) {
            dynamic.extend(tag.to_le_bytes());
            dynamic.extend(value.to_le_bytes());
        }
        let mut elf = fixture::elf(&[(".dynstr", 3, names), (".dynamic", 6, &dynamic)]);
        // The only segment maps the whole file; two more follow the file's end.
        let at = elf.len() as u64;
        let place = |elf: &[u8], name| {
            let body = Body::of(elf.to_vec());
            let layout = Layout::read(&body).expect("a program");
            let section = layout.section(name).expect("a section");
            (section.offset, section.size)
        };
        let first = elf[64..120].to_vec();
        let (offset, size) = place(&elf, ".dynamic");
        let mut segment = first.clone();
        segment[0] = 2;
        segment[8..16].copy_from_slice(&offset.to_le_bytes());
        segment[32..40].copy_from_slice(&size.to_le_bytes());
        elf.extend([first, segment].concat());
        elf[32..40].copy_from_slice(&at.to_le_bytes());
        elf[56] = 2;
        elf
    }

    fn found(file: Vec<u8>) -> Option<Linkage> {
        match read(&Body::of(file)).found.pop() {
            Some(Found::Linkage(linkage)) => Some(linkage),
            _ => None,
        }
    }

    #[test]
    fn lists_libraries() {
        let names = b"\0libc.so.6\0libz.so.1\0libx.so.2\0$ORIGIN/../lib:/opt/lib\0";
        // The names are the first part after the headers of 120 bytes.
        let entries = [
            (1, 1),
            (1, 11),
            (1, 1),
            (14, 21),
            (29, 31),
            (1, 9999),
            (5, 0x1080),
        ];
        let linkage = found(program(&entries, names)).expect("a program");
        assert_eq!(linkage.needed, ["libc.so.6", "libz.so.1"]);
        assert_eq!(linkage.soname, "libx.so.2");
        assert_eq!(linkage.search, ["$ORIGIN/../lib", "/opt/lib"]);
        assert!(!linkage.is_static());
        let alone = found(fixture::elf(&[(".text", 1, b"code")])).expect("a program");
        assert!(alone.is_static());
        assert_eq!(found(fixture::pe(".text", b"code")), None);
    }

    #[test]
    fn names_may_lie_behind_many_others() {
        let names = [&vec![b'x'; 2 << 20][..], b"\0libz.so.1\0"].concat();
        let elf = program(&[(1, (2 << 20) + 1), (5, 0x1080)], &names);
        assert_eq!(found(elf).expect("a program").needed, ["libz.so.1"]);
    }

    #[test]
    fn says_what_is_packed() {
        let packed = fixture::without_sections(fixture::elf(&[("x", 1, b"UPX!")]));
        for file in [packed, fixture::pe("UPX0", b"code")] {
            let findings = read(&Body::of(file));
            assert!(findings.problems[0].text.contains("packed"));
        }
    }

    #[test]
    fn reads_a_program_of_this_machine() {
        if let Some(bytes) = super::super::installed("/usr/bin/bash") {
            let linkage = found(bytes).expect("a program");
            assert!(linkage.needed.iter().any(|name| name == "libc.so.6"));
            assert!(linkage.interpreter.contains("ld-linux"));
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(
            entries in proptest::collection::vec((0..40_u64, proptest::num::u64::ANY), 0..20),
            names in proptest::collection::vec(proptest::num::u8::ANY, 0..50),
        ) {
            read(&Body::of(program(&entries, &names)));
        }
    }
}
