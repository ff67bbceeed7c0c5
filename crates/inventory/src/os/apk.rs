//! Alpine's record of installed packages, `lib/apk/db/installed`
//! (apk-tools v3: below `usr`).

use crate::{
    Found, Kind, OwnedFiles, Package,
    analyser::{
        Analyser, Counts, Findings, MOST_PACKAGES, PathLists, Problems, Reading, WHOLE_MOST, Want,
    },
    licenses,
};

/// Reads `apk/db/installed` wherever it lies; the well-known places count.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "apk",
    wants: &[Want::Tail("apk/db/installed")],
    counts: Counts::At(&["lib/apk/db/installed", "usr/lib/apk/db/installed"]),
    read: Reading::Whole {
        most: WHOLE_MOST,
        read: |_, bytes| parse(bytes),
    },
    ..Analyser::BASE
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
    folder: &'a [u8],
    files: String,
}

/// Returns the packages with their files, and the stanzas that make no sense.
pub(crate) fn parse(bytes: &[u8]) -> Findings {
    let mut reader = Database::default();
    let mut stanza = Stanza::default();
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let [letter, b':', value @ ..] = line else {
            if line.is_empty() {
                reader.finish(std::mem::take(&mut stanza));
            } else {
                reader.problems.at(number + 1, "not of the form `X:value`");
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
            b'F' => stanza.folder = value,
            b'R' => reader.paths.add(&mut stanza.files, stanza.folder, value),
            _ => {}
        }
    }
    reader.finish(stanza);
    Findings {
        found: vec![Found::Packages(reader.packages), Found::Owned(reader.owned)],
        problems: reader.problems.into_vec(),
    }
}

#[derive(Default)]
struct Database {
    packages: Vec<Package>,
    owned: Vec<OwnedFiles>,
    problems: Problems,
    paths: PathLists,
}

impl Database {
    fn finish(&mut self, stanza: Stanza<'_>) {
        if stanza.line == 0 || self.packages.len() >= MOST_PACKAGES {
            return;
        }
        if stanza.name.is_empty() || stanza.version.is_empty() {
            let text = "a package without name (`P:`) or version (`V:`) is left out";
            self.problems.at(stanza.line, text);
            return;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
        let optional = |bytes: &[u8]| Some(text(bytes)).filter(|text| !text.is_empty());
        let name = text(stanza.name);
        if !stanza.files.is_empty() {
            self.owned.push(OwnedFiles {
                package: name.clone(),
                paths: stanza.files,
            });
        }
        self.packages.push(Package {
            architecture: text(stanza.architecture),
            source_name: text(stanza.origin),
            licenses: licenses::normalise(&text(stanza.license))
                .into_iter()
                .collect(),
            maintainer: optional(stanza.maintainer),
            ..Package::new(Kind::Apk, name, text(stanza.version))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_origin_and_licence() {
        let text = b"C:Q1=\nP:libssl3\nV:3.1.7-r0\nA:x86_64\nL:Apache-2.0\no:openssl\n\
            m:A <a@b>\nF:lib\nR:libssl.so\nZ:Q1x\n\nP:noversion\n\nP:musl\nV:1.2.4-r2\n???\n";
        let findings = parse(text);
        let [Found::Packages(packages), Found::Owned(owned)] = &findings.found[..] else {
            panic!("{findings:?}");
        };
        assert_eq!(packages.len(), 2);
        assert_eq!(owned[0].paths, "lib/libssl.so\n");
        assert_eq!(packages[0].source_name, "openssl");
        assert_eq!(packages[0].licenses, ["Apache-2.0"]);
        assert_eq!(packages[1].name, "musl");
        let lines: Vec<_> = findings.problems.iter().map(|p| p.line).collect();
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
