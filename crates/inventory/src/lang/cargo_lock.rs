//! What Cargo locks: `Cargo.lock` (doc.rust-lang.org/cargo, "Cargo.toml vs Cargo.lock").
//! It is often left beside a program whose own list, if it has one, says more.

use serde::Deserialize;

use super::{document, lock};
use crate::{
    Kind,
    analyser::{Analyser, Findings, Reading, Want},
    folders::Fills,
};

/// Reads `Cargo.lock`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "cargo-lock",
    wants: &[Want::Name("Cargo.lock")],
    read: Reading::Whole {
        most: lock::MOST,
        read,
    },
    fills: &[Fills::Published("registry/src")],
    ..Analyser::BASE
};

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    version: String,
    /// The project's own packages have none.
    source: Option<String>,
}

fn read(path: &str, bytes: &[u8]) -> Findings {
    if lock::is_of_a_package(path) {
        return Findings::default();
    }
    let lock: Lock = match document::toml(bytes) {
        Ok(lock) => lock,
        Err(error) => return Findings::unread(error),
    };
    let packages = lock
        .package
        .into_iter()
        .filter(|entry| entry.source.is_some());
    let packages = packages.map(|entry| lock::declared(Kind::Cargo, entry.name, entry.version));
    lock::findings(packages.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyser::readers, lang::listed};

    #[test]
    fn reads_what_is_fetched() {
        let findings = read(
            "srv/Cargo.lock",
            b"version = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\ndependencies = [\"serde\"]\n\n\
            [[package]]\nname = \"serde\"\nversion = \"1.0.1\"\nsource = \"registry+https://example.org\"\n",
        );
        assert_eq!(listed(&findings), ["pkg:cargo/serde@1.0.1 Declared"]);
    }

    #[test]
    fn what_is_no_lock() {
        for text in [
            "[[package",
            "package = 1",
            "\u{0}",
            "[[package]]\nname = \"a\"",
        ] {
            assert_eq!(
                read("Cargo.lock", text.as_bytes()).problems.len(),
                1,
                "{text}"
            );
        }
        assert!(read("Cargo.lock", b"").found.is_empty());
        let deep = format!("a = {}", "[".repeat(50_000));
        assert_eq!(read("Cargo.lock", deep.as_bytes()).problems.len(), 1);
        assert_eq!(readers("srv/Cargo.lock"), ["cargo-lock"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(\\[\\[package\\]\\]\n|(name|version|source) = \"?[a-é1]{0,3}\"?\n){0,9}") {
            read("Cargo.lock", text.as_bytes());
        }
    }
}
