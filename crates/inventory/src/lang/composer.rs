//! PHP's packages: `composer/installed.json` of what is installed, `composer.lock` of what is
//! asked for (getcomposer.org, "Schema").

use serde::Deserialize;
use serde_json::Value;

use super::{
    document::{self, DocumentError},
    lock,
};
use crate::{
    Claim, Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
    folders::Fills,
    licenses,
};

/// Reads `composer/installed.json` and `composer.lock`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "composer",
    wants: &[
        Want::Tail("composer/installed.json"),
        Want::Name("composer.lock"),
    ],
    read: Reading::Whole {
        most: lock::MOST,
        read,
    },
    fills: &[Fills::Packages("vendor")],
    own_folder,
    ..Analyser::BASE
};

/// What Composer 2 writes, and every `composer.lock`.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    packages: Vec<Entry>,
    /// Null where Composer 1 locked without them.
    #[serde(default, rename = "packages-dev")]
    for_development: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    license: Value,
    #[serde(default)]
    require: Value,
}

/// The one list is for all.
fn own_folder(package: &Package, path: &str) -> Option<String> {
    let vendor = path.strip_suffix("/composer/installed.json")?;
    Some(format!("{vendor}/{}", package.full_name()))
}

fn read(path: &str, bytes: &[u8]) -> Findings {
    let is_lock = path.ends_with(".lock");
    if is_lock && lock::is_of_a_package(path) {
        return Findings::default();
    }
    let entries = match entries(bytes) {
        Ok(entries) => entries,
        Err(error) => return Findings::unread(error.or("no list of packages")),
    };
    let claim = if is_lock {
        Claim::Declared
    } else {
        Claim::Installed
    };
    let packages = entries.iter().map(|entry| package(entry, claim));
    lock::findings(packages.collect())
}

fn entries(bytes: &[u8]) -> Result<Vec<Entry>, DocumentError> {
    // Composer 1 wrote a list.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return document::json(bytes);
    }
    let mut file: File = document::json(bytes)?;
    file.packages
        .extend(file.for_development.into_iter().flatten());
    Ok(file.packages)
}

fn package(entry: &Entry, claim: Claim) -> Package {
    let name = entry.name.to_lowercase();
    let (vendor, name) = name.split_once('/').unwrap_or(("", &name));
    let number = entry.version.strip_prefix('v');
    let number = number.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let version = number.unwrap_or(&entry.version);
    let licenses = match &entry.license {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => Vec::from_iter(one.as_str()),
    };
    let needs = entry.require.as_object().into_iter().flatten();
    // `php` and `ext-json` are the platform's.
    let needs = needs.filter(|(name, _)| name.contains('/'));
    Package {
        namespace: vendor.to_owned(),
        licenses: licenses
            .into_iter()
            .filter_map(licenses::normalise)
            .collect(),
        dependencies: needs.map(|(name, _)| name.to_lowercase()).collect(),
        claim,
        ..Package::new(Kind::Composer, name, version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Found, analyser::readers, lang::listed};

    const INSTALLED: &str = "srv/vendor/composer/installed.json";

    #[test]
    fn reads_both_versions() {
        let new = read(
            INSTALLED,
            br#"{"packages": [{"name": "Symfony/Console", "version": "v6.4.1", "license": ["MIT"],
                "require": {"php": ">=8", "psr/log": "^3"}}], "dev": true}"#,
        );
        assert_eq!(listed(&new), ["pkg:composer/symfony/console@6.4.1"]);
        let Found::Packages(packages) = &new.found[0] else {
            panic!("{new:?}");
        };
        assert_eq!(packages[0].licenses, ["MIT"]);
        assert_eq!(packages[0].dependencies, ["psr/log"]);
        let old = read(
            INSTALLED,
            br#"[{"name": "a/b", "version": "dev-main", "license": "BSD"}]"#,
        );
        assert_eq!(listed(&old), ["pkg:composer/a/b@dev-main"]);
    }

    #[test]
    fn reads_locks() {
        let json = br#"{"packages": [{"name": "a/b", "version": "1"}], "packages-dev": [{"name": "c/d", "version": "2"}]}"#;
        let expected = ["pkg:composer/a/b@1 Declared", "pkg:composer/c/d@2 Declared"];
        assert_eq!(listed(&read("srv/composer.lock", json)), expected);
        assert!(read("srv/vendor/a/b/composer.lock", json).found.is_empty());
        let text = br#"{"packages": [{"name": "a/b", "version": "1.0"}], "packages-dev": null}"#;
        assert_eq!(listed(&read("srv/composer.lock", text)).len(), 1);
    }

    #[test]
    fn what_is_no_list() {
        for json in ["", "{", "3", r#"[{"version": "1"}]"#] {
            assert_eq!(read(INSTALLED, json.as_bytes()).problems.len(), 1, "{json}");
        }
        assert!(read(INSTALLED, b"{}").found.is_empty());
        assert_eq!(readers(INSTALLED), ["composer"]);
        assert!(readers("srv/installed.json").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            read(INSTALLED, &bytes);
        }

        #[test]
        fn never_panics_on_entries(name in "[a/é]{0,4}", version in "v{0,2}[1é]{0,3}") {
            read(INSTALLED, format!(r#"[{{"name":"{name}","version":"{version}"}}]"#).as_bytes());
        }
    }
}
