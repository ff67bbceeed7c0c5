//! Alpine's record of installed packages, `lib/apk/db/installed`
//! (apk-tools v3: below `usr`).

use crate::{Found, Kind, Package, Problem, extract::Extractor};

/// Reads `apk/db/installed` wherever it lies; the well-known places count.
pub(crate) static EXTRACTOR: Extractor = Extractor {
    name: "apk",
    locations: &["lib/apk/db/installed", "usr/lib/apk/db/installed"],
    wanted: |path| path.ends_with("apk/db/installed"),
    skip_above: None,
    extract: |_, bytes| {
        let (packages, problems) = parse(bytes);
        (Some(Found::Packages(packages)), problems)
    },
};

#[derive(Default)]
struct Stanza<'a> {
    line: usize,
    name: &'a [u8],
    version: &'a [u8],
    architecture: &'a [u8],
    origin: &'a [u8],
    license: &'a [u8],
    maintainer: &'a [u8],
}

/// Returns the packages, and the stanzas that make no sense.
pub(crate) fn parse(bytes: &[u8]) -> (Vec<Package>, Vec<Problem>) {
    let mut packages = Vec::new();
    let mut problems = Vec::new();
    let mut stanza = Stanza::default();
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let [letter, b':', value @ ..] = line else {
            if line.is_empty() {
                finish(&std::mem::take(&mut stanza), &mut packages, &mut problems);
            } else {
                problems.push(Problem::at(number + 1, "not of the form `X:value`"));
            }
            continue;
        };
        if stanza.line == 0 {
            stanza.line = number + 1;
        }
        match letter {
            b'P' => stanza.name = value,
            b'V' => stanza.version = value,
            b'A' => stanza.architecture = value,
            b'o' => stanza.origin = value,
            b'L' => stanza.license = value,
            b'm' => stanza.maintainer = value,
            _ => {}
        }
    }
    finish(&stanza, &mut packages, &mut problems);
    (packages, problems)
}

fn finish(stanza: &Stanza<'_>, packages: &mut Vec<Package>, problems: &mut Vec<Problem>) {
    if stanza.line == 0 {
        return;
    }
    if stanza.name.is_empty() || stanza.version.is_empty() {
        let text = "a package without name (`P:`) or version (`V:`) is left out";
        problems.push(Problem::at(stanza.line, text));
        return;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
    let optional = |bytes: &[u8]| Some(text(bytes)).filter(|text| !text.is_empty());
    let name = text(stanza.name);
    packages.push(Package {
        kind: Kind::Apk,
        source_name: optional(stanza.origin).unwrap_or_else(|| name.clone()),
        source_version: text(stanza.version),
        name,
        version: text(stanza.version),
        architecture: text(stanza.architecture),
        licenses: optional(stanza.license).into_iter().collect(),
        maintainer: optional(stanza.maintainer),
        status: None,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_origin_and_licence() {
        let text = b"C:Q1=\nP:libssl3\nV:3.1.7-r0\nA:x86_64\nL:Apache-2.0\no:openssl\n\
            m:A <a@b>\nF:lib\nR:libssl.so\nZ:Q1x\n\nP:noversion\n\nP:musl\nV:1.2.4-r2\n???\n";
        let (packages, problems) = parse(text);
        assert_eq!(packages.len(), 2);
        assert_eq!(packages[0].source_name, "openssl");
        assert_eq!(packages[0].licenses, ["Apache-2.0"]);
        assert_eq!(packages[1].source_name, "musl");
        let lines: Vec<_> = problems.iter().map(|p| p.line).collect();
        assert_eq!(lines, [12, 16]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
            parse(&bytes);
        }

        #[test]
        fn never_panics_on_stanzas(text in "([PVAoLmFR]:?[ -~]{0,10}\n?){0,16}") {
            parse(text.as_bytes());
        }
    }
}
