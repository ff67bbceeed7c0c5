//! Debian's record of installed packages: `status`, and `status.d/*` as
//! distroless images have it (deb-control(5), dpkg(1) "Package states").

use crate::{
    Kind, Package, Problem,
    analyser::{Analyser, Counts, Findings, MOST_PACKAGES, Problems, Reading, WHOLE_MOST, Want},
};

/// Reads `dpkg/status` and `dpkg/status.d/*` wherever they lie; the well-known places count.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "dpkg",
    wants: &[Want::File(|file| wanted(&file.path))],
    counts: Counts::At(&["var/lib/dpkg/status", "var/lib/dpkg/status.d/"]),
    read: Reading::Whole {
        most: WHOLE_MOST,
        read: |_, bytes| {
            let (packages, problems) = parse(bytes, Kind::Deb);
            Findings::packages(packages).with(problems)
        },
    },
    ..Analyser::BASE
};

fn wanted(path: &str) -> bool {
    if path.ends_with("/dpkg/status") {
        return true;
    }
    match path.rsplit_once('/') {
        Some((folder, name)) => folder.ends_with("/dpkg/status.d") && !name.ends_with(".md5sums"),
        None => false,
    }
}

#[derive(Default)]
struct Stanza<'a> {
    line: usize,
    name: &'a [u8],
    version: &'a [u8],
    architecture: &'a [u8],
    source: &'a [u8],
    maintainer: &'a [u8],
    origin: &'a [u8],
    status: &'a [u8],
}

/// Returns the packages whose files are in the image, and the stanzas that make no sense.
pub(crate) fn parse(bytes: &[u8], kind: Kind) -> (Vec<Package>, Vec<Problem>) {
    let mut packages = Vec::new();
    let mut problems = Problems::default();
    let mut stanza = Stanza::default();
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.first() {
            None => finish(
                &std::mem::take(&mut stanza),
                kind,
                &mut packages,
                &mut problems,
            ),
            Some(b' ' | b'\t' | b'#') => {}
            Some(_) => field(&mut stanza, number + 1, line, &mut problems),
        }
    }
    finish(&stanza, kind, &mut packages, &mut problems);
    (packages, problems.into_vec())
}

fn field<'a>(stanza: &mut Stanza<'a>, number: usize, line: &'a [u8], problems: &mut Problems) {
    if stanza.line == 0 {
        stanza.line = number;
    }
    let Some(colon) = memchr::memchr(b':', line) else {
        problems.at(number, "not of the form `Field: value`");
        return;
    };
    let value = line[colon + 1..].trim_ascii();
    let is = |name: &[u8]| line[..colon].eq_ignore_ascii_case(name);
    // The length decides nearly always; most fields are of no interest.
    match colon {
        6 if is(b"Status") => stanza.status = value,
        6 if is(b"Source") => stanza.source = value,
        6 if is(b"Origin") => stanza.origin = value,
        7 if is(b"Package") => stanza.name = value,
        7 if is(b"Version") => stanza.version = value,
        10 if is(b"Maintainer") => stanza.maintainer = value,
        12 if is(b"Architecture") => stanza.architecture = value,
        _ => {}
    }
}

fn finish(stanza: &Stanza<'_>, kind: Kind, packages: &mut Vec<Package>, problems: &mut Problems) {
    let full = packages.len() >= MOST_PACKAGES;
    if stanza.line == 0 || full || !is_present(stanza.status) {
        return;
    }
    if stanza.name.is_empty() || stanza.version.is_empty() {
        let text = "a package without `Package` or `Version` is left out";
        problems.at(stanza.line, text);
        return;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let optional = |bytes: &[u8]| Some(text(bytes)).filter(|text| !text.is_empty());
    let (name, version) = (text(stanza.name), text(stanza.version));
    let (source_name, source_version) = source(&text(stanza.source), &name, &version);
    packages.push(Package {
        architecture: text(stanza.architecture),
        source_name,
        source_version,
        maintainer: optional(stanza.maintainer),
        vendor: optional(stanza.origin),
        status: optional(stanza.status),
        ..Package::new(kind, name, version)
    });
}

/// Returns whether the state (the third word) leaves files in the image;
/// distroless' `status.d` has no `Status` at all.
fn is_present(status: &[u8]) -> bool {
    let state = status
        .split(u8::is_ascii_whitespace)
        .rfind(|word| !word.is_empty());
    !matches!(state, Some(b"not-installed" | b"config-files"))
}

/// Reads `name (version)`; what is absent is as the binary package's.
fn source(field: &str, name: &str, version: &str) -> (String, String) {
    let (source, rest) = field.split_once('(').unwrap_or((field, ""));
    let or = |text: &str, other: &str| {
        let text = text.trim();
        if text.is_empty() {
            other.to_owned()
        } else {
            text.to_owned()
        }
    };
    (
        or(source, name),
        or(rest.split(')').next().unwrap_or(""), version),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\n\
        Source: glibc\nVersion: 2.31-13+deb11u5\nDescription: x\n Version: not this\n\n\
        Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
        package: bash\nStatus: hold ok half-configured\nVersion: 5.1-2+b3\nSource: bash (5.1-2)\n\n\n\
        Package: broken\nStatus: install ok installed\n\nno colon\n";

    #[test]
    fn reads_source_and_state() {
        let (packages, problems) = parse(STATUS.as_bytes(), Kind::Deb);
        let names: Vec<_> = packages.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["libc6", "bash"]);
        assert_eq!(packages[0].source_name, "glibc");
        assert_eq!(packages[0].source_version, "2.31-13+deb11u5");
        assert_eq!(packages[1].source_version, "5.1-2");
        let lines: Vec<_> = problems.iter().map(|p| p.line).collect();
        assert_eq!(lines, [19, 22, 22]);
    }

    #[test]
    fn distroless_has_no_status() {
        let (packages, _) = parse(b"Package: tzdata\nVersion: 2024a-0+deb12u1\n", Kind::Deb);
        assert_eq!(packages.len(), 1);
        assert!(wanted("var/lib/dpkg/status.d/tzdata"));
        assert!(!wanted("var/lib/dpkg/status.d/tzdata.md5sums"));
        assert!(wanted("usr/share/dpkg/status"));
        assert!(!wanted("var/lib/dpkg/status-old"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
            parse(&bytes, Kind::Deb);
        }

        #[test]
        fn never_panics_on_stanzas(
            text in "((Package|Version|Source|Status)?:? ?[ -~]{0,12}\r?\n?){0,12}"
        ) {
            parse(text.as_bytes(), Kind::Deb);
        }
    }
}
