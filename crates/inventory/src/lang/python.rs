//! Python packages as pip and its relatives install them: `*.dist-info/METADATA`, and the
//! older `*.egg-info` (packaging.python.org, "Core metadata specifications").

use super::{folder, text::fields};
use crate::{
    FileEntry, Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
    folders::Fills,
    licenses,
};

/// Reads installed metadata.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "python",
    wants: &[
        Want::Tail(".dist-info/METADATA"),
        Want::Tail(".egg-info/PKG-INFO"),
        Want::Tail("EGG-INFO/PKG-INFO"),
        Want::File(is_egg_info),
    ],
    read: Reading::Whole {
        // The description, a whole web page perhaps, follows the fields.
        most: 8 << 20,
        read: |_, bytes| read(bytes),
    },
    fills: &[
        Fills::Published("site-packages"),
        Fills::Published("dist-packages"),
    ],
    own_folder,
    ..Analyser::BASE
};

/// More of them in one package say nothing new.
const MAX_LICENSES: usize = 16;

/// `distutils` wrote the metadata into one file, and Debian still does.
fn is_egg_info(file: &FileEntry) -> bool {
    file.path.ends_with(".egg-info")
}

fn own_folder(_: &Package, path: &str) -> Option<String> {
    folder(path).filter(|_| !path.ends_with(".egg-info"))
}

pub(super) fn read(bytes: &[u8]) -> Findings {
    let text = String::from_utf8_lossy(head(bytes));
    let fields = fields(&text);
    let all = |name: &'static str| {
        let named = fields.iter().filter(move |(key, _)| *key == name);
        named.map(|(_, value)| value.as_str())
    };
    let get = |name| all(name).find(|value| !value.is_empty() && *value != "UNKNOWN");
    let (Some(name), Some(version)) = (get("Name"), get("Version")) else {
        return Findings::unread("`Name` or `Version` is missing");
    };
    // Many have the licence's whole text in the field, which is no name.
    let license = get("License").and_then(licenses::normalise);
    let expression = get("License-Expression").map(str::to_owned);
    let licenses = match expression.or(license) {
        Some(license) => vec![license],
        None => {
            let classifiers = all("Classifier").filter_map(of_classifier);
            classifiers.take(MAX_LICENSES).collect()
        }
    };
    Findings::packages(vec![Package {
        licenses,
        maintainer: get("Maintainer").or(get("Author")).map(str::to_owned),
        dependencies: all("Requires-Dist").filter_map(requirement).collect(),
        ..Package::new(Kind::Pypi, normalise(name), version)
    }])
}

/// Returns what is before the first empty line; the description follows it.
fn head(bytes: &[u8]) -> &[u8] {
    let mut end = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.trim_ascii().is_empty() {
            break;
        }
        end += line.len();
    }
    &bytes[..end]
}

/// PEP 503: runs of `-`, `_` and `.` are one dash, and case does not count.
pub(crate) fn normalise(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// Returns the licence's name: the last part of `License :: OSI Approved :: MIT License`.
fn of_classifier(value: &str) -> Option<String> {
    let rest = value.strip_prefix("License ::")?;
    let name = rest.rsplit("::").next()?.trim();
    licenses::normalise(name).filter(|_| name != "OSI Approved")
}

/// Returns the name of what is needed in any case (PEP 508); extras are not.
fn requirement(value: &str) -> Option<String> {
    if value.contains("extra ==") {
        return None;
    }
    let end = value
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'))
        .unwrap_or(value.len());
    Some(normalise(&value[..end])).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Found, analyser::readers};

    fn one(text: &str) -> Option<Package> {
        match read(text.as_bytes()).found.pop() {
            Some(Found::Packages(mut packages)) => packages.pop(),
            _ => None,
        }
    }

    #[test]
    fn reads_fields_before_the_description() {
        let package = one("Metadata-Version: 2.1\nName: Zope.Interface\nVersion: 5.4\n\
            License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\nAuthor: A\n\
            Requires-Dist: idna (<4,>=2.5)\nRequires-Dist: pytest ; extra == 'test'\n\nName: not this\n")
        .expect("a package");
        assert_eq!(package.name, "zope-interface");
        assert_eq!(package.version, "5.4");
        assert_eq!(package.licenses, ["MIT"]);
        assert_eq!(package.maintainer.as_deref(), Some("A"));
        assert_eq!(package.dependencies, ["idna"]);
        assert_eq!(
            one("Name: x\r\nVersion: 1\r\n").expect("a package").version,
            "1"
        );
        assert_eq!(one("Name: x\n\nVersion: 1\n"), None);
        assert_eq!(one(""), None);
    }

    #[test]
    fn wants_every_form() {
        for path in [
            "usr/lib/python3/dist-packages/a-1.dist-info/METADATA",
            "usr/lib/python3/dist-packages/a.egg-info/PKG-INFO",
            "usr/lib/python3/dist-packages/a-1.egg-info",
            "opt/a-1-py3.egg/EGG-INFO/PKG-INFO",
        ] {
            assert_eq!(readers(path), ["python"], "{path}");
        }
        assert!(readers("usr/lib/METADATA").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            read(&bytes);
        }

        #[test]
        fn never_panics_on_fields(
            text in "((Name|Version|License|Classifier|Requires-Dist):? ?[ -~]{0,12}\n?){0,9}"
        ) {
            read(text.as_bytes());
        }
    }
}
