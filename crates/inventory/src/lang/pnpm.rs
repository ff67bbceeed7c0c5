//! What pnpm locks: the keys below `packages` of `pnpm-lock.yaml`, versions 5 to 9
//! (pnpm's specification of its lock file).

use super::{
    lock,
    text::{Line, lines},
};
use crate::{
    Package,
    analyser::{Analyser, Findings, Reading, Want},
};

/// Reads `pnpm-lock.yaml`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "pnpm",
    wants: &[Want::Name("pnpm-lock.yaml")],
    read: Reading::Whole {
        most: lock::MOST,
        read,
    },
    ..Analyser::BASE
};

#[derive(Default)]
struct Entry<'t> {
    key: &'t str,
    /// Written where the key is an address.
    name: &'t str,
    version: &'t str,
}

fn read(path: &str, bytes: &[u8]) -> Findings {
    if lock::is_of_a_package(path) {
        return Findings::default();
    }
    let text = String::from_utf8_lossy(bytes);
    let mut packages = Vec::new();
    let mut entry = Entry::default();
    let (mut section, mut version) = ("", "");
    for line in lines(&text) {
        match line {
            Line {
                indent: 0,
                key,
                value,
            } => {
                packages.extend(std::mem::take(&mut entry).package(version));
                section = key;
                if key == "lockfileVersion" {
                    version = value;
                }
            }
            _ if section != "packages" => {}
            Line { indent: 2, key, .. } => {
                packages.extend(std::mem::take(&mut entry).package(version));
                entry.key = key;
            }
            Line {
                indent: 4,
                key: "name",
                value,
            } => entry.name = value,
            Line {
                indent: 4,
                key: "version",
                value,
            } => entry.version = value,
            _ => {}
        }
    }
    packages.extend(entry.package(version));
    if version.is_empty() {
        return Findings::unread("no `lockfileVersion`");
    }
    lock::findings(packages)
}

impl Entry<'_> {
    /// Keys are `/name/1.0.0_peers` (5), `/name@1.0.0(peers)` (6), `name@1.0.0(peers)` (9).
    fn package(self, format: &str) -> Option<Package> {
        let key = self.key.split('(').next().unwrap_or_default();
        let key = key.strip_prefix('/').unwrap_or(key);
        let (name, version) = match lock::at(key) {
            Some(parts) if !format.starts_with('5') => parts,
            _ => {
                let (name, version) = key.rsplit_once('/').unwrap_or((key, ""));
                (name, version.split('_').next().unwrap_or(version))
            }
        };
        let name = if self.name.is_empty() {
            name
        } else {
            self.name
        };
        let version = if self.version.is_empty() {
            version
        } else {
            self.version
        };
        let is_number = version.starts_with(|c: char| c.is_ascii_digit());
        is_number.then(|| lock::of_npm(name, version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyser::readers, lang::listed};

    fn of(version: &str, keys: &str) -> Vec<String> {
        let text = format!(
            "lockfileVersion: {version}\n\nimporters:\n  a@9.9.9:\n\npackages:\n{keys}\nsnapshots:\n\n  a@8.8.8: {{}}\n"
        );
        listed(&read("srv/pnpm-lock.yaml", text.as_bytes()))
    }

    #[test]
    fn reads_every_form_of_key() {
        let expected = ["pkg:npm/a@1.0.0 Declared", "pkg:npm/%40s/b@2.0.0 Declared"];
        assert_eq!(
            of(
                "5.4",
                "\n  /a/1.0.0_x@1:\n    dev: true\n  /@s/b/2.0.0:\n    dependencies:\n      version: 3\n"
            ),
            expected
        );
        assert_eq!(
            of(
                "'6.0'",
                "  /a@1.0.0(react@18.0.0):\n    dev: false\n  /@s/b@2.0.0:\n"
            ),
            expected
        );
        assert_eq!(
            of(
                "'9.0'",
                "  a@1.0.0:\n    resolution: {integrity: x}\n    deprecated: |-\n      name: q\n  '@s/b@2.0.0':\n"
            ),
            expected
        );
        let git =
            "  'c@https://codeload.example.org/c':\n    name: c\n    version: 3.0.0\n  d@file:d:\n";
        assert_eq!(of("'9.0'", git), ["pkg:npm/c@3.0.0 Declared"]);
    }

    #[test]
    fn what_is_no_lock() {
        for text in ["", "packages:\n  a@1.0.0:\n", "\u{0}"] {
            let findings = read("pnpm-lock.yaml", text.as_bytes());
            assert!(
                findings.found.is_empty() && findings.problems.len() == 1,
                "{text}"
            );
        }
        assert_eq!(readers("srv/pnpm-lock.yaml"), ["pnpm"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(keys in "( {2}['/@(é:_a1 ]{0,12}:?\n| {4}(name|version): ?[a1@]{0,3}\n){0,8}") {
            of("9", &keys);
        }
    }
}
