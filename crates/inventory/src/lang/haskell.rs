//! Haskell: GHC's package database of what is installed, and what `stack.yaml.lock` and
//! `cabal.project.freeze` ask for (downloads.haskell.org, "Package databases";
//! docs.haskellstack.org, "Lock files"; cabal.readthedocs.io, "cabal freeze").

use super::{
    lock,
    text::{fields, lines},
};
use crate::{
    FileEntry, Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
    licenses,
};

/// Reads `package.conf.d/*.conf`, `stack.yaml.lock` and `cabal.project.freeze`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "haskell",
    wants: &[
        Want::File(is_record),
        Want::Name("stack.yaml.lock"),
        Want::Name("cabal.project.freeze"),
    ],
    read: Reading::Whole {
        most: 4 << 20,
        read,
    },
    ..Analyser::BASE
};

/// Within `package.conf.d`, or `package.db` of cabal's store.
fn is_record(file: &FileEntry) -> bool {
    let name = file.path.strip_suffix(".conf");
    let folder = name.and_then(|path| path.rsplit_once('/'));
    folder.is_some_and(|(folder, _)| {
        folder.ends_with("package.conf.d") || folder.ends_with("package.db")
    })
}

fn read(path: &str, bytes: &[u8]) -> Findings {
    let text = String::from_utf8_lossy(bytes);
    if path.ends_with(".conf") {
        record(&text)
    } else if path.ends_with(".freeze") {
        let pins = text.split([',', '\n']).filter_map(frozen);
        lock::findings(pins.collect())
    } else {
        let pins = lines(&text).filter(|line| line.key == "hackage");
        lock::findings(pins.filter_map(|line| locked(line.value)).collect())
    }
}

fn record(text: &str) -> Findings {
    let fields = fields(text);
    let get = |name: &str| {
        let field = fields.iter().find(|(key, _)| *key == name);
        field.map_or("", |(_, value)| value.trim())
    };
    let (name, version) = (get("name"), get("version"));
    if !lock::is_sound(name) || !lock::is_sound(version) {
        return Findings::unread("no `name` or `version`");
    }
    Findings::packages(vec![Package {
        licenses: licenses::normalise(get("license")).into_iter().collect(),
        maintainer: Some(get("maintainer").to_owned()).filter(|name| !name.is_empty()),
        ..Package::new(Kind::Hackage, name, version)
    }])
}

/// `a50-0.5@sha256:…`.
fn locked(value: &str) -> Option<Package> {
    let (name, version) = value.split('@').next()?.rsplit_once('-')?;
    Some(lock::declared(Kind::Hackage, name, version))
}

/// `constraints: any.a50 ==0.5`; what GHC brings itself says `installed`, flags have no `==`.
fn frozen(pin: &str) -> Option<Package> {
    let pin = pin.trim();
    let pin = pin.strip_prefix("constraints:").unwrap_or(pin).trim();
    let (name, version) = pin.split_once("==")?;
    let name = name.trim().strip_prefix("any.").unwrap_or(name.trim());
    Some(lock::declared(Kind::Hackage, name, version.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Found, analyser::readers, lang::listed};

    const CONF: &str = "usr/lib/ghc/package.conf.d/text-2.0.2.conf";

    #[test]
    fn reads_the_database() {
        let findings = read(
            CONF,
            b"name:                 text\nversion:              2.0.2\nvisibility:           public\n\
            license:              BSD-2-Clause\nmaintainer:\n    M <m@example.org>\nexposed-modules:\n    Data.Text\n",
        );
        assert_eq!(listed(&findings), ["pkg:hackage/text@2.0.2"]);
        let Found::Packages(packages) = &findings.found[0] else {
            panic!("{findings:?}");
        };
        assert_eq!(packages[0].maintainer.as_deref(), Some("M <m@example.org>"));
        assert_eq!(packages[0].licenses, ["BSD-2-Clause"]);
        assert_eq!(read(CONF, b"name: a").problems.len(), 1);
    }

    #[test]
    fn reads_locks() {
        let stack = read(
            "stack.yaml.lock",
            b"packages:\n- completed:\n    hackage: AC-HalfInteger-1.2.1@sha256:aa,1\n    pantry-tree:\n      size: 1\n  \
            original:\n    hackage: AC-HalfInteger-1.2.1\nsnapshots: []\n",
        );
        assert_eq!(
            listed(&stack),
            ["pkg:hackage/AC-HalfInteger@1.2.1 Declared"]
        );
        let cabal = read(
            "cabal.project.freeze",
            b"active-repositories: hackage.haskell.org:merge\nconstraints: any.a50 ==0.5,\n             a50 +flag,\n             any.base ==4.18.0.0\n",
        );
        let expected = [
            "pkg:hackage/a50@0.5 Declared",
            "pkg:hackage/base@4.18.0.0 Declared",
        ];
        assert_eq!(listed(&cabal), expected);
        assert!(read("stack.yaml.lock", b"").found.is_empty());
        assert_eq!(readers(CONF), ["haskell"]);
        assert!(readers("etc/a.conf").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(hackage: |constraints:|any\\.|==|name:|version:|[-@,é a\n]){0,20}") {
            for name in ["stack.yaml.lock", "cabal.project.freeze", CONF] {
                read(name, text.as_bytes());
            }
        }
    }
}
