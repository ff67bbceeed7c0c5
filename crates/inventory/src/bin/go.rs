//! Go programs: the build information that the linker leaves in every one of them, also in
//! stripped ones (Go's package `debug/buildinfo`, and `cmd/go`, "go version -m").

use memchr::memmem;

use super::{
    go_main, go_texts,
    layout::{Format, Layout, PT_LOAD, Part},
};
use crate::{
    Confidence, Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
    body::Body,
};

/// Reads the build information.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "go",
    wants: &[Want::Program],
    read: Reading::Parts {
        read: |_, body| read(body),
    },
    ..Analyser::BASE
};

const MAGIC: &[u8] = b"\xff Go buildinf:";
const HEADER: usize = 32;
/// The information is aligned so.
const ALIGN: usize = 16;
/// Bytes of a data segment that are searched; Go's linker places it at the beginning.
const SEARCHED: usize = 8 << 20;
/// Bytes of a text; the largest programs have some hundred thousand.
const TEXT_MOST: usize = 4 << 20;
/// What stands before and after the list of modules, so that it is found in a core dump.
const SENTINEL: usize = 16;

fn read(body: &Body) -> Findings {
    let Some(layout) = Layout::read(body) else {
        return Findings::default();
    };
    let Some((place, offset)) = find(body, &layout) else {
        return Findings::default();
    };
    let Some((version, modules)) = texts(body, &layout, offset) else {
        return Findings::unread("the Go build information is broken");
    };
    // Programs that only search for the magic number have it, too.
    if version.is_empty() {
        return match place.name.contains("buildinfo") {
            true => Findings::unread("the Go build information names no version"),
            false => Findings::default(),
        };
    }
    let mut packages = packages(&version, &modules);
    if let Some(main) = packages
        .iter_mut()
        .find(|package| go_main::lacks_version(package))
        && let Some(version) = go_texts::version(body, &layout)
    {
        *main = go_main::with_version(main.clone(), &version);
    }
    Findings::packages(packages)
}

/// Returns whether the program has a section of build information.
pub(super) fn is_go(layout: &Layout) -> bool {
    let name = |section: &Part| matches!(&*section.name, ".go.buildinfo" | "__go_buildinfo");
    layout.sections.iter().any(name)
}

/// Returns the part with the build information, and its place in the file.
fn find<'l>(body: &Body, layout: &'l Layout) -> Option<(&'l Part, u64)> {
    let named = |name| layout.section(name);
    let part = match layout.format {
        Format::Elf => named(".go.buildinfo").or_else(|| {
            let mut segments = layout.segments.iter();
            segments.find(|part| part.kind == PT_LOAD && part.writable)
        }),
        Format::Pe => named(".go.buildinfo").or_else(|| named(".data")),
        Format::MachO => named("__go_buildinfo").or_else(|| named("__data")),
    }?;
    let size = usize::try_from(part.size).unwrap_or(usize::MAX);
    let bytes = body.range(part.offset, size.min(SEARCHED)).ok()?;
    let aligned = memmem::find_iter(&bytes, MAGIC).find(|at| at.is_multiple_of(ALIGN))?;
    Some((part, part.offset.checked_add(aligned as u64)?))
}

/// Returns Go's version and the list of modules.
fn texts(body: &Body, layout: &Layout, offset: u64) -> Option<(String, String)> {
    let header = body.range(offset, HEADER).ok()?;
    let width = usize::from(*header.get(14)?);
    let flags = *header.get(15)?;
    let (version, modules) = if flags & 2 != 0 {
        // Since Go 1.18 both texts follow, each after its length.
        let version = offset.checked_add(HEADER as u64)?;
        let (version, end) = inline(body, version)?;
        (version, inline(body, end).map(|(modules, _)| modules))
    } else {
        let text = |at| pointed(body, layout, &header, at, width, flags & 1 == 0);
        (text(ALIGN)?, text(ALIGN + width))
    };
    let modules = modules.unwrap_or_default();
    let stripped = modules
        .len()
        .checked_sub(SENTINEL)
        .and_then(|end| modules.get(SENTINEL..end))
        .filter(|text| text.ends_with(b"\n"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((text(&version), text(stripped.unwrap_or_default())))
}

/// Returns a text that follows its length, and where it ends.
fn inline(body: &Body, at: u64) -> Option<(Vec<u8>, u64)> {
    let bytes = body.range(at, 10).ok()?;
    let (mut length, mut used) = (0_u64, 0);
    for byte in bytes.iter() {
        length |= u64::from(byte & 0x7f).checked_shl(7 * used)?;
        used += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let length = usize::try_from(length).ok().filter(|n| *n <= TEXT_MOST)?;
    let at = at.checked_add(u64::from(used))?;
    let text = body.range(at, length).ok()?.into_owned();
    (text.len() == length).then_some((text, at.checked_add(length as u64)?))
}

/// Before Go 1.18 the header has the addresses of two strings, each an address and a length.
fn pointed(
    body: &Body,
    layout: &Layout,
    header: &[u8],
    at: usize,
    width: usize,
    little: bool,
) -> Option<Vec<u8>> {
    if width != 4 && width != 8 {
        return None;
    }
    let numbers = super::layout::Numbers {
        little,
        wide: width == 8,
    };
    let string = numbers.word(header, at)?;
    let string = layout.at_address(body, string, 2 * width)?;
    let length = usize::try_from(numbers.word(&string, width)?).ok()?;
    if length > TEXT_MOST {
        return None;
    }
    let text = layout.at_address(body, numbers.word(&string, 0)?, length)?;
    (text.len() == length).then(|| text.into_owned())
}

/// Returns the standard library, the main module and all others, in this order.
fn packages(version: &str, modules: &str) -> Vec<Package> {
    let mut packages: Vec<_> = stdlib(version).into_iter().collect();
    packages.extend(go_main::package(modules));
    let mut lines = modules.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(("dep", rest)) = line.split_once('\t') else {
            continue;
        };
        let replaced = lines.peek().and_then(|line| line.strip_prefix("=>\t"));
        packages.extend(dependency(rest, replaced));
    }
    go_main::name_wrapped(modules, &mut packages);
    packages
}

/// `go1.22.1`, perhaps with experiments or the distributor's suffix behind.
fn stdlib(version: &str) -> Option<Package> {
    let mut words = version.split_ascii_whitespace();
    let version = words.find_map(|word| word.strip_prefix("go"))?;
    let end = version.find(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    let version = &version[..end.unwrap_or(version.len())];
    version
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| module("stdlib", version))
}

/// A replaced module is another one; replaced by a folder, it is itself with unknown changes.
fn dependency(line: &str, replaced: Option<&str>) -> Option<Package> {
    let (path, version) = path_and_version(line)?;
    // Of a workspace or a vendored folder; nothing says which version it is.
    if version == "(devel)" {
        return Some(Package {
            confidence: Confidence::Low,
            ..module(path, "")
        });
    }
    let Some(replaced) = replaced else {
        return Some(module(path, version));
    };
    let (by, by_version) = path_and_version(replaced)?;
    if by_version.is_empty() || by.starts_with(['.', '/']) {
        return Some(Package {
            confidence: Confidence::Low,
            ..module(path, version)
        });
    }
    Some(module(by, by_version))
}

/// Reads the columns of `mod`, `dep` and `=>`; the checksum follows.
pub(super) fn path_and_version(line: &str) -> Option<(&str, &str)> {
    let mut columns = line.split('\t');
    let path = columns.next().filter(|path| !path.is_empty())?;
    Some((path, columns.next().unwrap_or_default()))
}

/// The last part of a module's path is its name.
pub(super) fn module(path: &str, version: &str) -> Package {
    let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
    Package {
        namespace: namespace.to_owned(),
        ..Package::new(Kind::Golang, name, version)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fixture, *};
    use crate::Found;

    const MODULES: &str = "path\texample.com/app/cmd/app\n\
        mod\texample.com/app\tv1.2.3\th1:a=\n\
        dep\tgolang.org/x/net\tv0.10.0\th1:b=\n\
        dep\tgithub.com/old/one\tv1.0.0\n\
        =>\tgithub.com/fork/one\tv1.0.1\th1:c=\n\
        dep\tgithub.com/local/one\tv0.1.0\n\
        =>\t./local\n\
        dep\tk8s.io/kubectl\t(devel)\t\n\
        build\tGOOS=linux\n";
    const EXPECTED: &[&str] = &[
        " stdlib 1.20.3",
        "example.com app v1.2.3",
        "golang.org/x net v0.10.0",
        "github.com/fork one v1.0.1",
        "github.com/local one v0.1.0",
        "k8s.io kubectl ",
    ];

    fn framed(modules: &str) -> Vec<u8> {
        [&[b'<'; SENTINEL], modules.as_bytes(), &[b'>'; SENTINEL]].concat()
    }

    fn length(mut length: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while length >= 0x80 {
            out.push(length as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out
    }

    fn inline(version: &str, modules: &str) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend([8, 2]);
        out.resize(HEADER, 0);
        for text in [version.as_bytes(), &framed(modules)] {
            out.extend(length(text.len()));
            out.extend(text);
        }
        out
    }

    /// The header at `address`, strings and texts behind it.
    fn pointers(address: u64, version: &str, modules: &str) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend([8, 0]);
        let modules = framed(modules);
        let strings = address + HEADER as u64;
        let text = strings + 32;
        for word in [
            strings,
            strings + 16,
            text,
            version.len() as u64,
            text + version.len() as u64,
            modules.len() as u64,
        ] {
            out.extend(word.to_le_bytes());
        }
        out.extend(version.as_bytes());
        out.extend(modules);
        out
    }

    fn found(file: Vec<u8>) -> Vec<String> {
        let findings = read(&Body::of(file));
        assert!(findings.problems.is_empty(), "{:?}", findings.problems);
        let packages = findings.found.into_iter().flat_map(|found| match found {
            Found::Packages(packages) => packages,
            _ => Vec::new(),
        });
        let line = |p: Package| format!("{} {} {}", p.namespace, p.name, p.version);
        packages.map(line).collect()
    }

    #[test]
    fn reads_all_formats_and_stripped_ones() {
        let info = inline("go1.20.3", MODULES);
        let elf = fixture::elf(&[(".text", 1, b"code"), (".go.buildinfo", 1, &info)]);
        assert_eq!(found(elf.clone()), EXPECTED);
        assert_eq!(found(fixture::without_sections(elf)), EXPECTED);
        assert_eq!(found(fixture::pe(".data", &info)), EXPECTED);
        assert_eq!(found(fixture::mach_o("__go_buildinfo", &info)), EXPECTED);
        assert!(found(fixture::elf(&[(".data", 1, b"nothing")])).is_empty());
    }

    #[test]
    fn follows_the_addresses_of_old_ones() {
        // Header and segment of the file are 120 bytes, and parts begin at a multiple of 16.
        let info = pointers(0x1080, "go1.20.3", MODULES);
        let elf = fixture::elf(&[(".go.buildinfo", 1, &info)]);
        assert_eq!(found(elf), EXPECTED);
    }

    #[test]
    fn knows_the_version_of_the_standard_library() {
        let version = |text| stdlib(text).map(|package| package.version);
        assert_eq!(version("go1.19.8").as_deref(), Some("1.19.8"));
        assert_eq!(
            version("go1.22rc1 X:boringcrypto").as_deref(),
            Some("1.22rc1")
        );
        assert_eq!(version("go1.20.12-vendor").as_deref(), Some("1.20.12"));
        assert_eq!(version("devel go1.23-abcdef").as_deref(), Some("1.23"));
        assert_eq!(version("devel +abcdef"), None);
    }

    #[test]
    fn says_what_is_broken() {
        let mut info = inline("go1.20.3", MODULES);
        info.truncate(HEADER + 1);
        let elf = fixture::elf(&[(".go.buildinfo", 1, &info)]);
        let elf = elf[..elf.len().min(120 + 8 + HEADER + 1)].to_vec();
        assert!(read(&Body::of(elf)).found.is_empty());
        let mut long = MAGIC.to_vec();
        long.extend([8, 2]);
        long.resize(HEADER, 0);
        long.extend([0xff; 12]);
        let findings = read(&Body::of(fixture::elf(&[(".go.buildinfo", 1, &long)])));
        assert_eq!(findings.problems.len(), 1);
    }

    #[test]
    fn reads_the_go_command_of_this_machine() {
        let Some(bytes) = super::super::installed("/usr/bin/go") else {
            return;
        };
        let found = found(bytes);
        assert!(found[0].starts_with(" stdlib 1."), "{found:?}");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(
            flags in 0..4_u8,
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        ) {
            let info = [MAGIC, &[8, flags], &bytes].concat();
            read(&Body::of(fixture::elf(&[(".go.buildinfo", 1, &info)])));
            read(&Body::of(fixture::pe(".data", &info)));
        }

        #[test]
        fn never_panics_on_lists(
            modules in "((path|mod|dep|=>|build)\t?[a-z./=-]{0,9}\t?(v1|\\(devel\\))?\n?){0,9}"
        ) {
            read(&Body::of(fixture::elf(&[(".go.buildinfo", 1, &inline("go1.2", &modules))])));
        }
    }
}
