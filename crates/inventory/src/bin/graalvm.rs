//! Native images of GraalVM: a compressed CycloneDX document to which the symbols `sbom` and
//! `sbom_length` point (GraalVM reference manual, "Embed an SBOM in Native Executables").

use std::io::Read;

use super::{
    claimed,
    layout::{Format, Layout, Part},
};
use crate::{
    analyser::{Analyser, Findings, Reading, Want},
    body::Body,
};

/// Reads the document.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "graalvm",
    wants: &[Want::Program],
    read: Reading::Parts {
        read: |_, body| read(body),
    },
    ..Analyser::BASE
};

const SHT_SYMTAB: u32 = 2;
const SHT_DYNSYM: u32 = 11;
/// Every native image exports this.
const MARK: &[u8] = b"__svm_";
const SYMBOLS_MOST: usize = 16 << 20;
const NAMES_MOST: usize = 16 << 20;
const COMPRESSED_MOST: usize = 8 << 20;
const JSON_MOST: u64 = 32 << 20;

fn read(body: &Body) -> Findings {
    let Some(compressed) = Layout::read(body).and_then(|layout| document(body, &layout)) else {
        return Findings::default();
    };
    let mut json = Vec::new();
    let decoder = flate2::read::GzDecoder::new(&*compressed);
    match decoder.take(JSON_MOST).read_to_end(&mut json) {
        Ok(_) => claimed::read(&json),
        Err(error) => Findings::unread(format!("the native image's bill of materials: {error}")),
    }
}

/// Returns the compressed document: from a section of its own, or from where symbols say.
fn document(body: &Body, layout: &Layout) -> Option<Vec<u8>> {
    if let Some(section) = layout.section("sbom").or_else(|| layout.section("__sbom")) {
        return section
            .bytes(body, COMPRESSED_MOST)
            .map(|bytes| bytes.into_owned());
    }
    if layout.format != Format::Elf {
        return None;
    }
    let kinds = [SHT_DYNSYM, SHT_SYMTAB];
    let mut tables = kinds
        .iter()
        .filter_map(|kind| layout.sections.iter().find(|section| section.kind == *kind));
    let (start, length) = tables.find_map(|table| symbols(body, layout, table))?;
    let length = layout.at_address(body, length, 8)?;
    let length = usize::try_from(layout.numbers.word(&length, 0)?).ok()?;
    if length > COMPRESSED_MOST {
        return None;
    }
    let bytes = layout.at_address(body, start, length)?;
    Some(bytes.into_owned())
}

/// Returns the addresses of the document and of its length.
fn symbols(body: &Body, layout: &Layout, table: &Part) -> Option<(u64, u64)> {
    let names = layout.sections.get(usize::try_from(table.link).ok()?)?;
    let names = names.bytes(body, NAMES_MOST)?;
    // Spares the table of symbols, in nearly every program.
    memchr::memmem::find(&names, MARK)?;
    let wide = layout.numbers.wide;
    let (size, value) = if wide { (24, 8) } else { (16, 4) };
    let (mut start, mut length) = (None, None);
    for symbol in table.bytes(body, SYMBOLS_MOST)?.chunks_exact(size) {
        let name = usize::try_from(layout.numbers.u32(symbol, 0)?).ok()?;
        let rest = names.get(name..).unwrap_or_default();
        let address = layout.numbers.word(symbol, value);
        if rest.starts_with(b"sbom\0") {
            start = address;
        } else if rest.starts_with(b"sbom_length\0") {
            length = address;
        }
    }
    Some((start?, length?))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{super::fixture, *};
    use crate::Found;

    const JSON: &[u8] =
        br#"{"bomFormat": "CycloneDX", "components": [{"purl": "pkg:maven/a/b@1.0"}]}"#;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn count(file: Vec<u8>) -> usize {
        match read(&Body::of(file)).found.pop() {
            Some(Found::Packages(packages)) => packages.len(),
            _ => 0,
        }
    }

    /// Symbols at the addresses, their names, and the document behind its length.
    fn image(addresses: [u64; 2], document: &[u8]) -> Vec<u8> {
        let names = b"\0__svm_x\0sbom\0sbom_length\0";
        let mut symbols = vec![0; 24];
        for (name, address) in [(9_u32, addresses[0]), (14, addresses[1])] {
            symbols.extend(name.to_le_bytes());
            symbols.extend(0_u32.to_le_bytes());
            symbols.extend(address.to_le_bytes());
            symbols.extend(0_u64.to_le_bytes());
        }
        let data = [&(document.len() as u64).to_le_bytes(), document].concat();
        fixture::elf(&[
            (".data", 1, &data),
            (".dynsym", 11, &symbols),
            (".dynstr", 3, names),
        ])
    }

    #[test]
    fn reads_section_and_symbols() {
        let document = gzip(JSON);
        assert_eq!(count(fixture::elf(&[("sbom", 1, &document)])), 1);
        // The data is the first part after headers of 120 bytes.
        assert_eq!(count(image([0x1088, 0x1080], &document)), 1);
        assert_eq!(count(image([0x9999, 0x9999], &document)), 0);
        assert_eq!(count(fixture::elf(&[(".data", 1, &document)])), 0);
        let broken = read(&Body::of(fixture::elf(&[("sbom", 1, b"no gzip")])));
        assert_eq!(broken.problems.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(
            addresses in (0..0x2000_u64, 0..0x2000_u64),
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100),
        ) {
            read(&Body::of(image([addresses.0, addresses.1], &bytes)));
            read(&Body::of(image([0x1088, 0x1080], &gzip(&bytes))));
        }
    }
}
