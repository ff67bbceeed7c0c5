//! What npm and bun lock: `package-lock.json` and `npm-shrinkwrap.json` of versions 1 to 3
//! (docs.npmjs.com, "package-lock.json"), and `bun.lock` (bun.sh, "Lockfile").

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{document, lock};
use crate::{
    Package,
    analyser::{Analyser, Findings, Reading, Want},
    licenses,
};

/// Reads `package-lock.json`, `npm-shrinkwrap.json` and `bun.lock`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "npm-lock",
    wants: &[
        Want::Name("package-lock.json"),
        Want::Name("npm-shrinkwrap.json"),
        Want::Name("bun.lock"),
        Want::Name("bun.lockb"),
    ],
    read: Reading::Whole {
        most: lock::MOST,
        read,
    },
    ..Analyser::BASE
};

#[derive(Deserialize)]
struct Lock {
    /// Since version 2, by path.
    #[serde(default)]
    packages: BTreeMap<String, Entry>,
    /// Versions 1 and 2, by name.
    #[serde(default)]
    dependencies: BTreeMap<String, Old>,
}

#[derive(Deserialize)]
struct Entry {
    name: Option<String>,
    version: Option<String>,
    #[serde(default)]
    link: bool,
    #[serde(default)]
    license: Value,
}

#[derive(Deserialize)]
struct Old {
    version: Option<String>,
    #[serde(default)]
    dependencies: BTreeMap<String, Old>,
}

#[derive(Deserialize)]
struct Bun {
    #[serde(default)]
    packages: BTreeMap<String, Vec<Value>>,
}

fn read(path: &str, bytes: &[u8]) -> Findings {
    if lock::is_of_a_package(path) {
        return Findings::default();
    }
    if path.ends_with("bun.lockb") {
        return Findings::unread(
            "bun's binary lock file; `bun install --save-text-lockfile` writes one that is read",
        );
    }
    let packages = if path.ends_with("bun.lock") {
        document::json(&plain_json(bytes)).map(|lock: Bun| of_bun(&lock))
    } else {
        document::json(bytes).map(|lock: Lock| of_npm(&lock))
    };
    match packages {
        Ok(packages) => lock::findings(packages),
        Err(error) => Findings::unread(error),
    }
}

fn of_npm(lock: &Lock) -> Vec<Package> {
    let mut packages = Vec::new();
    for (path, entry) in &lock.packages {
        // The project itself and its workspaces are no dependencies.
        let Some((_, name)) = path.rsplit_once("node_modules/") else {
            continue;
        };
        let name = entry.name.as_deref().unwrap_or(name);
        let Some(version) = entry.version.as_deref().filter(|_| !entry.link) else {
            continue;
        };
        let license = entry.license.as_str().and_then(licenses::normalise);
        packages.push(Package {
            licenses: license.into_iter().collect(),
            ..lock::of_npm(name, version)
        });
    }
    if lock.packages.is_empty() {
        old(&lock.dependencies, &mut packages);
    }
    packages
}

/// The reader of JSON bounds the depth.
fn old(dependencies: &BTreeMap<String, Old>, packages: &mut Vec<Package>) {
    for (name, entry) in dependencies {
        let version = entry.version.as_deref().unwrap_or_default();
        let (name, version) = match version.strip_prefix("npm:") {
            Some(real) => lock::at(real).unwrap_or((&**name, "")),
            None => (&**name, version),
        };
        // Of a folder, an address or a repository the version is not known.
        if !version.contains([':', '/']) {
            packages.push(lock::of_npm(name, version));
        }
        old(&entry.dependencies, packages);
    }
}

/// The first element is `name@version`.
fn of_bun(lock: &Bun) -> Vec<Package> {
    let entries = lock.packages.values();
    let entries = entries.filter_map(|entry| lock::at(entry.first()?.as_str()?));
    entries
        .filter(|(_, version)| !version.contains([':', '/']))
        .map(|(name, version)| lock::of_npm(name, version))
        .collect()
}

/// Removes commas before closing brackets, which bun writes.
fn plain_json(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut within, mut escaped) = (false, false);
    let mut comma = None;
    for &byte in bytes {
        if within {
            within = byte != b'"' || escaped;
            escaped = byte == b'\\' && !escaped;
        } else {
            match byte {
                b',' => comma = Some(out.len()),
                b']' | b'}' => {
                    if let Some(at) = comma.take() {
                        out[at] = b' ';
                    }
                }
                byte if byte.is_ascii_whitespace() => {}
                byte => {
                    comma = None;
                    within = byte == b'"';
                }
            }
        }
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyser::readers, lang::listed};

    #[test]
    fn reads_versions_2_and_3() {
        let findings = read(
            "srv/package-lock.json",
            br#"{"lockfileVersion": 2, "packages": {
                "": {"name": "app", "version": "1.0.0"},
                "packages/own": {"version": "1.0.0"},
                "node_modules/own": {"resolved": "packages/own", "link": true},
                "node_modules/@a/b": {"version": "2.0.0", "license": "MIT"},
                "node_modules/c/node_modules/@a/b": {"version": "1.5.0"},
                "node_modules/alias": {"name": "real", "version": "3.0.0"}
            }, "dependencies": {"@a/b": {"version": "2.0.0"}}}"#,
        );
        let expected = [
            "pkg:npm/real@3.0.0 Declared",
            "pkg:npm/%40a/b@1.5.0 Declared",
            "pkg:npm/%40a/b@2.0.0 Declared",
        ];
        assert_eq!(listed(&findings), expected);
    }

    #[test]
    fn reads_version_1() {
        let findings = read(
            "srv/npm-shrinkwrap.json",
            br#"{"lockfileVersion": 1, "dependencies": {
                "a": {"version": "1.0.0", "dependencies": {"@s/b": {"version": "2.0.0"}}},
                "git": {"version": "git+https://example.org/a.git#abc"},
                "alias": {"version": "npm:@s/real@3.0.0"}
            }}"#,
        );
        let expected = [
            "pkg:npm/a@1.0.0 Declared",
            "pkg:npm/%40s/b@2.0.0 Declared",
            "pkg:npm/%40s/real@3.0.0 Declared",
        ];
        assert_eq!(listed(&findings), expected);
    }

    #[test]
    fn reads_bun() {
        let findings = read(
            "srv/bun.lock",
            br#"{ "lockfileVersion": 1, "packages": {
                "a": ["a@1.0.0", "", {"dependencies": {"x\",}": "1",},}, "sha512-x"],
                "@s/b": ["@s/b@2.0.0", "", {}, ""],
                "own": ["own@workspace:packages/own"],
            }, }"#,
        );
        let expected = ["pkg:npm/a@1.0.0 Declared", "pkg:npm/%40s/b@2.0.0 Declared"];
        assert_eq!(listed(&findings), expected);
    }

    #[test]
    fn says_that_the_binary_form_is_not_read() {
        let findings = read(
            "srv/bun.lockb",
            b"#!/usr/bin/env bun\nbun-lockfile-format-v0\n",
        );
        assert!(
            findings.problems[0]
                .text
                .starts_with("not read: bun's binary")
        );
        assert_eq!(readers("srv/bun.lockb"), ["npm-lock"]);
    }

    #[test]
    fn what_is_no_lock() {
        for json in ["", "{", "[1]", r#"{"packages": {"a": 1}}"#] {
            assert_eq!(read("package-lock.json", json.as_bytes()).problems.len(), 1);
        }
        assert!(read("a/package-lock.json", b"{}").found.is_empty());
        let deep = "{\"dependencies\":{\"a\":".repeat(5000);
        assert_eq!(read("package-lock.json", deep.as_bytes()).problems.len(), 1);
        let within = read("srv/node_modules/a/package-lock.json", b"{");
        assert!(within.problems.is_empty());
        assert_eq!(readers("srv/package-lock.json"), ["npm-lock"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            read("package-lock.json", &bytes);
            read("bun.lock", &bytes);
        }

        #[test]
        fn never_panics_on_locks(name in "[@a/:é]{0,6}", version in "(npm:)?[@a1/:]{0,6}") {
            let old = format!(r#"{{"dependencies":{{"{name}":{{"version":"{version}"}}}}}}"#);
            read("package-lock.json", old.as_bytes());
            read("bun.lock", format!(r#"{{"packages":{{"a":["{name}@{version}",],}},}}"#).as_bytes());
        }
    }
}
