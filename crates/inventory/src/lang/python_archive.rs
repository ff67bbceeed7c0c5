//! Python packages that nobody unpacked: eggs, from which Python runs, and wheels, which wait to
//! be installed (packaging.python.org, "Binary distribution format"; setuptools, "The internal
//! structure of Python eggs").

use std::{borrow::Cow, io::Read as _};

use zip::ZipArchive;

use super::python;
use crate::{
    Claim, Found,
    analyser::{Analyser, Findings, Reading, Want},
    body::Body,
};

/// Reads `*.whl`, and `*.egg` where it is a file.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "python-archive",
    wants: &[Want::Extension("whl"), Want::Extension("egg")],
    read: Reading::Parts { read },
    ..Analyser::BASE
};

/// Entries of one archive; the largest wheels have some thousand.
const ENTRIES: usize = 200_000;
/// Bytes of the metadata; the description, a whole web page perhaps, follows the fields.
const MOST: u64 = 8 << 20;

fn read(path: &str, body: &Body) -> Findings {
    // Links of this name hold a path, and other things may be called so.
    if !body.head().starts_with(b"PK") {
        return Findings::default();
    }
    if crate::bin::entries(body).is_none_or(|count| count > ENTRIES as u64) {
        return Findings::unread("no end of the archive, or too many entries");
    }
    let mut archive = match ZipArchive::new(body.reader()) {
        Ok(archive) => archive,
        Err(error) => return Findings::unread(error),
    };
    let Some(name) = metadata(archive.file_names().flatten()) else {
        return Findings::unread("it has no metadata of Python");
    };
    let mut bytes = Vec::new();
    let entry = archive.by_name(&name).map_err(std::io::Error::from);
    if let Err(error) = entry.and_then(|entry| entry.take(MOST).read_to_end(&mut bytes)) {
        return Findings::unread(error);
    }
    let mut findings = python::read(&bytes);
    for found in &mut findings.found {
        if let Found::Packages(packages) = found {
            for package in packages {
                package.within.clone_from(&name);
                // Nothing runs from a wheel before it is installed: Python's `ensurepip` keeps
                // those that it came with, whatever is installed since.
                if path.ends_with(".whl") {
                    package.claim = Claim::Declared;
                }
            }
        }
    }
    findings
}

/// Returns the archive's own metadata: those of a vendored package lie deeper.
fn metadata<'n>(mut names: impl Iterator<Item = Cow<'n, str>>) -> Option<String> {
    let own = names.find(|name| {
        let folder = name.strip_suffix("/METADATA");
        let is_own = |folder: &str| folder.ends_with(".dist-info") && !folder.contains('/');
        folder.is_some_and(is_own) || *name == "EGG-INFO/PKG-INFO"
    });
    own.map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;
    use crate::{analyser::readers, lang::listed};

    fn archive(files: &[(&str, &str)]) -> Body {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in files {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .expect("a file");
            writer.write_all(text.as_bytes()).expect("memory");
        }
        Body::of(writer.finish().expect("an archive").into_inner())
    }

    #[test]
    fn finds_the_archives_own_metadata() {
        let vendored = (
            "pip/_vendor/x-1.dist-info/METADATA",
            "Name: x\nVersion: 1\n\n",
        );
        let own = (
            "pip-24.0.dist-info/METADATA",
            "Name: pip\nVersion: 24.0\n\n",
        );
        let findings = read(
            "ensurepip/pip-24.0-py3-none-any.whl",
            &archive(&[vendored, own]),
        );
        assert_eq!(listed(&findings), ["pkg:pypi/pip@24.0 Declared"]);
        let Found::Packages(packages) = &findings.found[0] else {
            panic!("{findings:?}");
        };
        assert_eq!(packages[0].claim, Claim::Declared);
        assert_eq!(packages[0].within, own.0);
        let egg = archive(&[("EGG-INFO/PKG-INFO", "Name: Six\nVersion: 1.16\n")]);
        assert_eq!(listed(&read("a/six-1.16.egg", &egg)), ["pkg:pypi/six@1.16"]);
        assert_eq!(readers("a/six-1.16-py3.egg"), ["python-archive"]);
    }

    #[test]
    fn says_what_is_broken() {
        let problems = |path, body: Body| read(path, &body).problems.len();
        assert_eq!(problems("a.whl", archive(&[("a.txt", "")])), 1);
        assert_eq!(
            problems("a.egg", Body::of(b"PK\x03\x04 and no more".to_vec())),
            1
        );
        assert_eq!(problems("a.egg", Body::of(b"a path".to_vec())), 0);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(
            changes in proptest::collection::vec((0..400_usize, proptest::num::u8::ANY), 0..9),
        ) {
            let body = archive(&[("EGG-INFO/PKG-INFO", "Name: Six\nVersion: 1.16\n")]);
            let mut bytes = body.head().to_vec();
            for (at, byte) in changes {
                let length = bytes.len();
                bytes[at % length] = byte;
            }
            read("a.egg", &Body::of(bytes));
        }
    }
}
