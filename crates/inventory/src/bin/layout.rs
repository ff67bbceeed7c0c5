//! Where the parts of a program lie: sections and segments of ELF (System V gABI, chapters
//! 4 and 5), PE (Microsoft, "PE Format") and Mach-O (`mach-o/loader.h`), whatever their
//! width and byte order. Only headers are read, and nothing is believed beyond the file's end.

use std::borrow::Cow;

use crate::body::Body;

/// Bytes of names of sections, or of Mach-O's commands, that are read at most.
const NAMES_MOST: usize = 1 << 20;
/// Parts that are mapped into memory; programs have some ten, and each address is looked for in
/// all of them.
const SEGMENTS_MOST: usize = 128;
/// ELF: the section has no bytes in the file.
const SHT_NOBITS: u32 = 8;
/// ELF: the segment is loaded.
pub(super) const PT_LOAD: u32 = 1;
const PF_WRITE: u32 = 2;
const PE_WRITE: u32 = 0x8000_0000;
const LC_SEGMENT: u32 = 1;
const LC_SEGMENT_64: u32 = 0x19;
const VM_WRITE: u32 = 2;

/// A format of programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Elf,
    Pe,
    MachO,
}

/// A section or a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// A section's name; empty for ELF's segments.
    pub name: String,
    /// ELF's type, `sh_type` or `p_type`.
    pub kind: u32,
    /// ELF: the section that this one refers to.
    pub link: u32,
    /// Where it is in memory.
    pub address: u64,
    /// Where it is in the file.
    pub offset: u64,
    /// Its bytes in the file.
    pub size: u64,
    /// Whether the program may write to it.
    pub writable: bool,
}

/// The parts of a program.
#[derive(Debug)]
pub(super) struct Layout {
    pub format: Format,
    pub numbers: Numbers,
    pub sections: Vec<Part>,
    /// What is mapped into memory; the sections, if the format has nothing else.
    pub segments: Vec<Part>,
}

impl Layout {
    /// Reads the headers; nothing if they are no program's.
    pub(super) fn read(body: &Body) -> Option<Self> {
        let mut layout = match body.head().get(..4)? {
            [0x7f, b'E', b'L', b'F'] => elf(body),
            [b'M', b'Z', ..] => pe(body),
            // The universal form holds one program for each processor; they are alike.
            [0xca, 0xfe, 0xba, 0xbe] => {
                let base = Numbers::big().u32(body.head(), 16)?;
                mach_o(body, u64::from(base))
            }
            _ => mach_o(body, 0),
        }?;
        layout.segments.truncate(SEGMENTS_MOST);
        Some(layout)
    }

    /// Returns a section.
    pub(super) fn section(&self, name: &str) -> Option<&Part> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Returns up to `most` bytes from an address on, as far as the file has them.
    pub(super) fn at_address<'b>(
        &self,
        body: &'b Body,
        address: u64,
        most: usize,
    ) -> Option<Cow<'b, [u8]>> {
        let (part, skip) = self.segments.iter().find_map(|part| {
            let skip = address.checked_sub(part.address)?;
            (skip < part.size).then_some((part, skip))
        })?;
        let left = usize::try_from(part.size - skip).ok()?;
        let offset = part.offset.checked_add(skip)?;
        body.range(offset, left.min(most)).ok()
    }
}

impl Part {
    /// Returns its bytes, if they are no more than `most`.
    pub(super) fn bytes<'b>(&self, body: &'b Body, most: usize) -> Option<Cow<'b, [u8]>> {
        let size = usize::try_from(self.size)
            .ok()
            .filter(|size| *size <= most)?;
        body.range(self.offset, size).ok()
    }
}

/// Reads numbers of a byte order and a width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbers {
    pub little: bool,
    /// Whether addresses have 64 bits.
    pub wide: bool,
}

impl Numbers {
    fn big() -> Self {
        Self {
            little: false,
            wide: false,
        }
    }

    pub(super) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = bytes.get(at..)?.first_chunk()?;
        Some(match self.little {
            true => u16::from_le_bytes(*bytes),
            false => u16::from_be_bytes(*bytes),
        })
    }

    pub(super) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = bytes.get(at..)?.first_chunk()?;
        Some(match self.little {
            true => u32::from_le_bytes(*bytes),
            false => u32::from_be_bytes(*bytes),
        })
    }

    pub(super) fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let bytes = bytes.get(at..)?.first_chunk()?;
        Some(match self.little {
            true => u64::from_le_bytes(*bytes),
            false => u64::from_be_bytes(*bytes),
        })
    }

    /// Reads a number that is as wide as an address.
    pub(super) fn word(self, bytes: &[u8], at: usize) -> Option<u64> {
        match self.wide {
            true => self.u64(bytes, at),
            false => self.u32(bytes, at).map(u64::from),
        }
    }

    /// Chooses a field's place by the width.
    fn place(self, narrow: usize, wide: usize) -> usize {
        if self.wide { wide } else { narrow }
    }
}

fn elf(body: &Body) -> Option<Layout> {
    let head = body.head();
    let numbers = Numbers {
        wide: *head.get(4)? == 2,
        little: *head.get(5)? != 2,
    };
    let at = |narrow, wide| numbers.place(narrow, wide);
    // No loader takes entries of another size than the format's, and a table of such ones might
    // be as large as the file.
    let table = |offset: usize, size: usize, count: usize, entry: usize| {
        let offset = numbers.word(head, offset)?;
        let is_one = usize::from(numbers.u16(head, size)?) == entry;
        let count = usize::from(numbers.u16(head, count)?);
        let length = if is_one { entry * count } else { 0 };
        body.range(offset, length).ok()
    };
    let size = at(32, 56);
    let bytes = table(at(28, 32), at(42, 54), at(44, 56), size)?;
    let segments = bytes
        .chunks(size)
        .take(SEGMENTS_MOST)
        .map_while(|one| elf_segment(numbers, one));
    let segments = segments.collect();
    let size = at(40, 64);
    let bytes = table(at(32, 40), at(46, 58), at(48, 60), size)?;
    let sections = bytes
        .chunks(size)
        .map_while(|one| elf_section(numbers, one));
    let (offsets, mut sections): (Vec<_>, Vec<_>) = sections.unzip();
    let names = usize::from(numbers.u16(head, at(50, 62))?);
    let names = sections
        .get(names)
        .and_then(|names| names.bytes(body, NAMES_MOST));
    for (section, offset) in sections.iter_mut().zip(offsets) {
        let name = names.as_ref().and_then(|names| names.get(offset..));
        section.name = name.map(text).unwrap_or_default();
    }
    Some(Layout {
        format: Format::Elf,
        numbers,
        sections,
        segments,
    })
}

fn elf_segment(numbers: Numbers, header: &[u8]) -> Option<Part> {
    let at = |narrow, wide| numbers.place(narrow, wide);
    Some(Part {
        kind: numbers.u32(header, 0)?,
        address: numbers.word(header, at(8, 16))?,
        offset: numbers.word(header, at(4, 8))?,
        size: numbers.word(header, at(16, 32))?,
        writable: numbers.u32(header, at(24, 4))? & PF_WRITE != 0,
        ..Part::default()
    })
}

/// Returns where the section's name is, and the section.
fn elf_section(numbers: Numbers, header: &[u8]) -> Option<(usize, Part)> {
    let at = |narrow, wide| numbers.place(narrow, wide);
    let name = usize::try_from(numbers.u32(header, 0)?).ok()?;
    let kind = numbers.u32(header, 4)?;
    let size = numbers.word(header, at(20, 32))?;
    let part = Part {
        kind,
        link: numbers.u32(header, at(24, 40))?,
        address: numbers.word(header, at(12, 16))?,
        offset: numbers.word(header, at(16, 24))?,
        size: if kind == SHT_NOBITS { 0 } else { size },
        writable: numbers.word(header, 8)? & 1 != 0,
        ..Part::default()
    };
    Some((name, part))
}

fn pe(body: &Body) -> Option<Layout> {
    let narrow = Numbers {
        little: true,
        wide: false,
    };
    let start = narrow.u32(body.head(), 0x3c)?;
    let header = body.range(u64::from(start), 24 + 32).ok()?;
    if !header.starts_with(b"PE\0\0") {
        return None;
    }
    let count = usize::from(narrow.u16(&header, 6)?);
    let optional = narrow.u16(&header, 20)?;
    let wide = narrow.u16(&header, 24) == Some(0x20b);
    let numbers = Numbers { little: true, wide };
    let base = numbers.word(&header, if wide { 48 } else { 52 })?;
    let table = u64::from(start) + 24 + u64::from(optional);
    let bytes = body.range(table, count * 40).ok()?;
    let section = |header: &[u8]| {
        let field = |at| narrow.u32(header, at).map(u64::from);
        Some(Part {
            name: text(header.get(..8)?),
            address: base.wrapping_add(field(12)?),
            offset: field(20)?,
            size: field(16)?,
            writable: narrow.u32(header, 36)? & PE_WRITE != 0,
            ..Part::default()
        })
    };
    let sections: Vec<_> = bytes.chunks(40).map_while(section).collect();
    Some(Layout {
        format: Format::Pe,
        numbers,
        segments: sections.clone(),
        sections,
    })
}

fn mach_o(body: &Body, base: u64) -> Option<Layout> {
    let header = body.range(base, 32).ok()?;
    let (little, wide) = match header.get(..4)? {
        [0xfe, 0xed, 0xfa, last @ (0xce | 0xcf)] => (false, *last == 0xcf),
        [first @ (0xce | 0xcf), 0xfa, 0xed, 0xfe] => (true, *first == 0xcf),
        _ => return None,
    };
    let numbers = Numbers { little, wide };
    let size = usize::try_from(numbers.u32(&header, 20)?).ok()?;
    let start = base + numbers.place(28, 32) as u64;
    let commands = body.range(start, size.min(NAMES_MOST)).ok()?;
    let (mut sections, mut segments) = (Vec::new(), Vec::new());
    let mut rest = &*commands;
    while let (Some(command), Some(length)) = (numbers.u32(rest, 0), numbers.u32(rest, 4)) {
        let length = usize::try_from(length).ok()?.max(8);
        let Some((this, others)) = rest.split_at_checked(length) else {
            break;
        };
        if command == LC_SEGMENT || command == LC_SEGMENT_64 {
            segments.extend(mach_segment(numbers, base, this));
            let headers = this.get(numbers.place(56, 72)..).unwrap_or_default();
            let headers = headers.chunks(numbers.place(68, 80));
            sections.extend(headers.map_while(|one| mach_section(numbers, base, one)));
        }
        rest = others;
    }
    Some(Layout {
        format: Format::MachO,
        numbers,
        sections,
        segments,
    })
}

fn mach_segment(numbers: Numbers, base: u64, header: &[u8]) -> Option<Part> {
    let at = |narrow, wide| numbers.place(narrow, wide);
    Some(Part {
        name: text(header.get(8..24)?),
        address: numbers.word(header, 24)?,
        offset: base.checked_add(numbers.word(header, at(32, 40))?)?,
        size: numbers.word(header, at(36, 48))?,
        writable: numbers.u32(header, at(44, 60))? & VM_WRITE != 0,
        ..Part::default()
    })
}

fn mach_section(numbers: Numbers, base: u64, header: &[u8]) -> Option<Part> {
    let at = |narrow, wide| numbers.place(narrow, wide);
    let offset = numbers.u32(header, at(40, 48))?;
    Some(Part {
        name: text(header.get(..16)?),
        address: numbers.word(header, 32)?,
        offset: base.checked_add(u64::from(offset))?,
        size: numbers.word(header, at(36, 40))?,
        ..Part::default()
    })
}

/// Returns what stands before the first zero byte; names are short.
fn text(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(256)];
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{super::fixture, *};

    fn content(file: Vec<u8>, name: &str) -> (Format, Vec<u8>) {
        let body = Body::of(file);
        let layout = Layout::read(&body).expect("a program");
        let section = layout.section(name).expect("the section");
        let bytes = section.bytes(&body, 100).expect("its bytes").into_owned();
        let by_address = layout.at_address(&body, section.address, bytes.len());
        assert_eq!(by_address.expect("mapped").into_owned(), bytes);
        (layout.format, bytes)
    }

    #[test]
    fn finds_sections_of_each_format() {
        let elf = fixture::elf(&[(".text", 1, b"code"), (".data", 1, b"data")]);
        assert_eq!(content(elf, ".data"), (Format::Elf, b"data".to_vec()));
        let pe = fixture::pe(".data", b"data");
        assert_eq!(content(pe, ".data"), (Format::Pe, b"data".to_vec()));
        let mach_o = fixture::mach_o("__data", b"data");
        assert_eq!(content(mach_o.clone(), "__data").1, b"data");
        let mut universal = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1];
        universal.resize(0x100, 0);
        universal[18] = 1;
        universal.extend(mach_o);
        assert_eq!(
            content(universal, "__data"),
            (Format::MachO, b"data".to_vec())
        );
    }

    #[test]
    fn tables_are_as_large_as_the_format_has_them() {
        let mut elf = fixture::elf(&[(".data", 1, b"data")]);
        let sections = |elf: &[u8]| {
            let layout = Layout::read(&Body::of(elf.to_vec())).expect("a program");
            (layout.segments.len(), layout.sections.len())
        };
        assert_eq!(sections(&elf), (1, 3));
        elf[56..58].copy_from_slice(&[0xff, 0xff]);
        elf.resize(1 << 16, 0);
        assert_eq!(sections(&elf), (SEGMENTS_MOST, 3));
        elf[58] = 65;
        assert_eq!(sections(&elf), (SEGMENTS_MOST, 0));
        elf[54] = 255;
        assert_eq!(sections(&elf), (0, 0));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(
            magic in 0..5_usize,
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400),
        ) {
            let magics: [&[u8]; 5] = [
                b"\x7fELF\x02\x01", b"\x7fELF\x01\x02", b"MZ",
                &[0xcf, 0xfa, 0xed, 0xfe], &[0xca, 0xfe, 0xba, 0xbe],
            ];
            let body = Body::of([magics[magic], &bytes].concat());
            if let Some(layout) = Layout::read(&body) {
                layout.at_address(&body, 0x1000, 10);
            }
        }

        #[test]
        fn never_panics_on_nearly_right_headers(
            which in 0..3_usize,
            changes in proptest::collection::vec((0..0x300_usize, proptest::num::u8::ANY), 0..8),
        ) {
            let mut file = match which {
                0 => fixture::elf(&[(".text", 1, b"code"), (".data", 1, b"data")]),
                1 => fixture::pe(".data", b"data"),
                _ => fixture::mach_o("__data", b"data"),
            };
            for (at, byte) in changes {
                let length = file.len();
                file[at % length] = byte;
            }
            let body = Body::of(file);
            if let Some(layout) = Layout::read(&body) {
                for section in &layout.sections {
                    section.bytes(&body, 1 << 16);
                    layout.at_address(&body, section.address, 1 << 16);
                }
            }
        }
    }
}
