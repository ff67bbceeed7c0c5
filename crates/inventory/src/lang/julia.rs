//! Julia: the `Project.toml` of each package that is there, and what `Manifest.toml` asks for
//! (pkgdocs.julialang.org, "Project.toml and Manifest.toml").

use serde::Deserialize;

use super::{
    document::{self, DocumentError},
    lock,
};
use crate::{
    Claim, FileEntry, Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
};

/// Reads `Project.toml` and `Manifest.toml`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "julia",
    wants: &[
        Want::Name("Project.toml"),
        Want::Name("Manifest.toml"),
        Want::File(is_versioned),
        Want::Name("JuliaManifest.toml"),
    ],
    read: Reading::Whole {
        most: 4 << 20,
        read,
    },
    ..Analyser::BASE
};

/// `Manifest-v1.11.toml`, for one version of Julia.
fn is_versioned(file: &FileEntry) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    name.starts_with("Manifest-v") && name.ends_with(".toml")
}

#[derive(Deserialize)]
struct Project {
    name: Option<String>,
    #[serde(flatten)]
    entry: Entry,
}

#[derive(Deserialize)]
struct Entry {
    uuid: Option<String>,
    version: Option<String>,
}

fn read(path: &str, bytes: &[u8]) -> Findings {
    let is_project = path.ends_with("Project.toml");
    let packages = if is_project {
        project(bytes)
    } else {
        manifest(bytes)
    };
    match packages {
        Ok(packages) => lock::findings(packages),
        Err(error) => Findings::unread(error),
    }
}

fn package(name: &str, entry: &Entry, claim: Claim) -> Option<Package> {
    // Both tell Julia's files from others of the same names.
    let (uuid, version) = (entry.uuid.as_deref()?, entry.version.as_deref()?);
    let mut package = Package::new(Kind::Julia, name, version);
    package
        .qualifiers
        .insert("uuid".to_owned(), uuid.to_owned());
    package.claim = claim;
    Some(package)
}

fn project(bytes: &[u8]) -> Result<Vec<Package>, DocumentError> {
    let project: Project = document::toml(bytes)?;
    let name = project.name.as_deref();
    let package = name.and_then(|name| package(name, &project.entry, Claim::Installed));
    Ok(package.into_iter().collect())
}

/// Packages are lists of tables by name: in the whole file, since format 2 below `deps`.
fn manifest(bytes: &[u8]) -> Result<Vec<Package>, DocumentError> {
    let mut table: toml::Table = document::toml(bytes)?;
    if let Some(toml::Value::Table(deps)) = table.remove("deps") {
        table = deps;
    }
    let mut packages = Vec::new();
    for (name, entries) in table {
        let toml::Value::Array(entries) = entries else {
            continue;
        };
        for entry in entries {
            // The manifest's own tables may be anything.
            let entry = entry.try_into::<Entry>().ok();
            packages.extend(entry.and_then(|entry| package(&name, &entry, Claim::Declared)));
        }
    }
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyser::readers, lang::listed};

    const UUID: &str = "ade2ca70-3891-5945-98fb-dc099432e06a";

    #[test]
    fn reads_both_formats() {
        for prefix in ["", "deps."] {
            let text = format!(
                "manifest_format = \"2.0\"\n[[{prefix}Dates]]\nuuid = \"{UUID}\"\nversion = \"1.9.0\"\n[[{prefix}Base64]]\nuuid = \"2a\"\n"
            );
            let found = listed(&read("srv/Manifest.toml", text.as_bytes()));
            assert_eq!(
                found,
                [format!("pkg:julia/Dates@1.9.0?uuid={UUID} Declared")]
            );
        }
    }

    #[test]
    fn reads_packages() {
        let text = format!(
            "name = \"Dates\"\nuuid = \"{UUID}\"\nversion = \"1.9.0\"\n[deps]\nPrintf = \"de\"\n"
        );
        let found = listed(&read(
            "root/.julia/packages/Dates/x/Project.toml",
            text.as_bytes(),
        ));
        assert_eq!(found, [format!("pkg:julia/Dates@1.9.0?uuid={UUID}")]);
        for text in ["", "[deps]\na = \"b\"\n", "name = \"a\"\nversion = \"1\"\n"] {
            assert!(
                read("Project.toml", text.as_bytes()).found.is_empty(),
                "{text}"
            );
        }
        assert_eq!(read("Manifest.toml", b"[").problems.len(), 1);
        assert_eq!(readers("srv/Manifest.toml"), ["julia"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(\\[\\[(deps\\.)?a\\]\\]\n|(name|uuid|version) = [\"é1]{0,3}\n|deps = 1\n){0,9}") {
            read("Manifest.toml", text.as_bytes());
            read("Project.toml", text.as_bytes());
        }
    }
}
