//! Nix: what lies in `nix/store`, by the names of its folders, `hash-name-version`
//! (nixos.org, "Store paths"). No file says it, so none is read: the list of a layer's files
//! is enough, and stays right where the database of Nix is not part of an image.

use std::collections::BTreeMap;

use super::lock;
use crate::{Confidence, EntryKind, Extract, FileEntry, Found, Kind, Package, analyser::Analyser};

/// Reads no file; [`extracts`] is called at the end of a layer.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "nix",
    ..Analyser::BASE
};

const STORE: &str = "nix/store/";
/// Characters of the hash, in Nix' own base 32.
const HASH: usize = 32;
/// Parts of a package that are installed apart.
static OUTPUTS: &[&str] = &[
    "-bin",
    "-data",
    "-debug",
    "-dev",
    "-devdoc",
    "-dist",
    "-doc",
    "-getent",
    "-info",
    "-lib",
    "-libgcc",
    "-man",
    "-out",
    "-static",
    "-terminfo",
];

/// What the names of scripts end with, which is none of the version.
static SCRIPTS: &[&str] = &[".sh", ".bash", ".py", ".pl", ".AppImage"];
/// What tells archives, patches and instructions to build from what is installed.
static SOURCES: &[&str] = &[
    ".drv", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".zip", ".patch", ".diff", ".gem",
    ".crate",
];

/// Returns each package of the store, shown by the first of its files, or of its links: some
/// packages have nothing else, and a store that was optimised has hard links.
pub(crate) fn extracts(files: &[FileEntry]) -> Vec<Extract> {
    let mut first: BTreeMap<&str, (u8, String)> = BTreeMap::new();
    for file in files {
        let (Some(name), Some(shown)) = (store_name(file), shown(file)) else {
            continue;
        };
        first
            .entry(name)
            .and_modify(|best| {
                if shown < (best.0, best.1.as_str()) {
                    *best = (shown.0, shown.1.to_owned());
                }
            })
            .or_insert_with(|| (shown.0, shown.1.to_owned()));
    }
    let first = first.into_iter().map(|(name, (_, path))| (name, path));
    let packages = first.filter_map(|(name, path)| {
        Some(Extract {
            path,
            analyser: ANALYSER.name.to_owned(),
            found: Found::Packages(vec![package(name)?]),
        })
    });
    packages.collect()
}

/// Returns the name of the store path that an entry belongs to. One that is a file itself is a
/// program or a script; others are sources, patches and settings, which nobody runs.
fn store_name(file: &FileEntry) -> Option<&str> {
    let within = file.path.strip_prefix(STORE)?;
    match within.split_once('/') {
        Some((folder, _)) => Some(folder),
        None if file.kind != EntryKind::Symlink && file.mode & 0o111 != 0 => Some(within),
        None => None,
    }
}

/// Returns how well an entry shows its package, best first, and where its content is: a hard
/// link is the file that it names.
fn shown(file: &FileEntry) -> Option<(u8, &str)> {
    match file.kind {
        EntryKind::File => Some((0, &file.path)),
        EntryKind::Symlink => Some((1, &file.path)),
        EntryKind::Hardlink => {
            let target = file.link.as_deref()?;
            Some((2, target.trim_start_matches("./").trim_start_matches('/')))
        }
        _ => None,
    }
}

/// The version begins behind the first dash that no letter follows (Nix' `parseDrvName`); what
/// has none is no package.
fn package(folder: &str) -> Option<Package> {
    let (hash, name) = folder.split_at_checked(HASH)?;
    let is_hash = hash
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    let name = name.strip_prefix('-').filter(|_| is_hash)?;
    let bytes = name.as_bytes();
    let dash = bytes
        .windows(2)
        .position(|pair| pair[0] == b'-' && !pair[1].is_ascii_alphabetic())?;
    let (name, version) = (&name[..dash], &name[dash + 1..]);
    let script = SCRIPTS.iter().find_map(|end| version.strip_suffix(*end));
    let version = script.unwrap_or(version);
    let output = OUTPUTS
        .iter()
        .find_map(|output| version.strip_suffix(*output));
    let version = output.unwrap_or(version);
    let is_package = lock::is_sound(name)
        && lock::is_sound(version)
        && version.starts_with(|c: char| c.is_ascii_digit())
        && !SOURCES.iter().any(|end| version.contains(end));
    is_package.then(|| Package {
        confidence: Confidence::Medium,
        ..Package::new(Kind::Nix, name, version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0c7c96gikmzv87i7lv3vq5s1cmfjd6zf";

    #[test]
    fn reads_names_of_folders() {
        let is = |name: &str| {
            let package = package(&format!("{HASH}-{name}"))?;
            Some(format!("{}@{}", package.name, package.version))
        };
        assert_eq!(is("glibc-2.38-44").as_deref(), Some("glibc@2.38-44"));
        assert_eq!(is("openssl-3.0.12-bin").as_deref(), Some("openssl@3.0.12"));
        assert_eq!(
            is("python3.11-idna-3.4").as_deref(),
            Some("python3.11-idna@3.4")
        );
        assert_eq!(is("a-b2-1.0.sh").as_deref(), Some("a-b2@1.0"));
        for other in [
            "source",
            "a-1.0.drv",
            "a-1.0.tar.gz",
            "CVE-2023-1.patch",
            "a-1.0.diff",
            "a-_b-1.0",
            "",
            "-1",
        ] {
            assert_eq!(is(other), None, "{other}");
        }
        assert_eq!(package("short-1.0"), None);
        assert_eq!(package("é".repeat(40).as_str()), None);
    }

    #[test]
    fn one_file_shows_a_package() {
        let path = |rest: &str| FileEntry::file(&format!("nix/store/{HASH}-{rest}"), 1);
        let files = [
            path("a-1.0/lib/b"),
            path("a-1.0/bin/a"),
            path("b-2.0"),
            FileEntry::file("c-1", 1),
        ];
        let extracts = extracts(&files);
        assert_eq!(extracts.len(), 1);
        assert_eq!(extracts[0].path, files[1].path);
    }

    #[test]
    fn programs_are_packages_of_one_file() {
        let file = |rest: &str, mode| FileEntry {
            mode,
            ..FileEntry::file(&format!("nix/store/{HASH}-{rest}"), 1)
        };
        let link = FileEntry {
            kind: EntryKind::Symlink,
            link: Some("a".to_owned()),
            ..file("e-1.0", 0o777)
        };
        let files = [
            file("a-1.0", 0o555),
            file("b-2.0.conf", 0o444),
            file("c-3.0.tar.gz", 0o555),
            file("d", 0o555),
            link,
        ];
        let extracts = extracts(&files);
        let paths: Vec<_> = extracts.iter().map(|one| &*one.path).collect();
        assert_eq!(paths, [&*files[0].path]);
    }

    #[test]
    fn links_show_what_has_nothing_else() {
        let link = |kind, rest: &str, target: &str| FileEntry {
            kind,
            link: Some(target.to_owned()),
            ..FileEntry::file(&format!("nix/store/{HASH}-{rest}"), 0)
        };
        let files = [
            link(EntryKind::Hardlink, "a-1.0/a", "./nix/store/.links/x"),
            link(EntryKind::Symlink, "b-2.0/b", "/nix/store/c"),
        ];
        let extracts = extracts(&files);
        let paths: Vec<_> = extracts.iter().map(|one| &*one.path).collect();
        assert_eq!(paths, ["nix/store/.links/x", &files[1].path]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(name in "[-a0é.]{30,50}") {
            package(&name);
        }
    }
}
