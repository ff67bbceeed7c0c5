//! Conda's record of an environment: one file for each package, `conda-meta/*.json`
//! (conda's documentation, "Environment files", `PrefixRecord`).

use serde::Deserialize;

use super::{document, python};
use crate::{
    FileEntry, Found, Kind, OwnedFiles, Package,
    analyser::{Analyser, Findings, PathLists, Reading, Want},
    licenses,
};

/// Reads `conda-meta/*.json`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "conda",
    wants: &[Want::File(is_record)],
    read: Reading::Whole {
        // It lists every file of the package.
        most: 32 << 20,
        read,
    },
    ..Analyser::BASE
};

fn is_record(file: &FileEntry) -> bool {
    let path = file.path.strip_suffix(".json");
    let folder = path.and_then(|path| path.rsplit_once('/'));
    folder.is_some_and(|(folder, _)| folder.ends_with("conda-meta"))
}

#[derive(Deserialize)]
struct Record {
    name: String,
    version: String,
    #[serde(default)]
    build: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    subdir: String,
    #[serde(default, rename = "fn")]
    file: String,
    #[serde(default)]
    license: Option<String>,
    #[serde(default)]
    depends: Vec<String>,
    /// From the environment's folder.
    #[serde(default)]
    files: Vec<String>,
}

fn read(path: &str, bytes: &[u8]) -> Findings {
    let record: Record = match document::json(bytes) {
        Ok(record) => record,
        Err(error) => return Findings::unread(error),
    };
    if record.name.is_empty() || record.version.is_empty() {
        return Findings::unread("`name` or `version` is empty");
    }
    let channel = channel(&record.channel, &record.subdir);
    let kind = if record.file.ends_with(".conda") {
        "conda"
    } else if record.file.ends_with(".tar.bz2") {
        "tar.bz2"
    } else {
        ""
    };
    let qualifiers = [
        ("build", &*record.build),
        ("channel", channel),
        ("subdir", &*record.subdir),
        ("type", kind),
    ];
    let qualifiers = qualifiers
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    let name = |text: &String| text.split_whitespace().next().map(str::to_owned);
    let mut paths = String::new();
    let mut lists = PathLists::default();
    let root = path.rsplit_once("conda-meta/").map_or("", |(root, _)| root);
    for file in &record.files {
        // Only what another reader may take for a package of its own.
        if file.contains("-info") || file.contains(".so") || file.starts_with("bin/") {
            lists.add(&mut paths, root.as_bytes(), file.as_bytes());
        }
    }
    let owned = OwnedFiles {
        package: owner(&record.name, &record.version),
        paths,
    };
    let owned = (!owned.paths.is_empty()).then(|| Found::Owned(vec![owned]));
    let mut findings = Findings::packages(vec![Package {
        qualifiers: qualifiers.collect(),
        licenses: record
            .license
            .iter()
            .filter_map(|l| licenses::normalise(l))
            .collect(),
        dependencies: record.depends.iter().filter_map(name).collect(),
        ..Package::new(Kind::Conda, record.name, record.version)
    }]);
    findings.found.extend(owned);
    findings
}

/// Returns the name by which the merge knows a package's files; distributions' have no blanks.
pub(crate) fn owner(name: &str, version: &str) -> String {
    format!("conda {} {version}", python::normalise(name))
}

/// Returns the channel's name of an address such as
/// `https://conda.anaconda.org/conda-forge/linux-64`.
fn channel<'t>(address: &'t str, subdir: &str) -> &'t str {
    let address = address.trim_end_matches('/');
    let address = address.strip_suffix(subdir).unwrap_or(address);
    let address = address.trim_end_matches('/');
    address.rsplit('/').next().unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyser::readers, lang::listed};

    #[test]
    fn reads_a_record() {
        let findings = read(
            "opt/conda/conda-meta/a.json",
            br#"{"name": "absl-py", "version": "0.4.1", "build": "py36h06a4308_0",
            "channel": "https://repo.anaconda.com/pkgs/main/linux-64", "subdir": "linux-64",
            "fn": "absl-py-0.4.1-py36h06a4308_0.tar.bz2", "license": "Apache 2.0",
            "depends": ["python >=3.6,<3.7.0a0", "six"], "files": ["lib/absl_py-0.4.1.dist-info/METADATA", "lib/libabsl.so.1", "a"]}"#,
        );
        assert_eq!(
            listed(&findings),
            [
                "pkg:conda/absl-py@0.4.1?build=py36h06a4308_0&channel=main&subdir=linux-64&type=tar.bz2"
            ]
        );
        let [Found::Packages(packages), Found::Owned(owned)] = &findings.found[..] else {
            panic!("{findings:?}");
        };
        assert_eq!(owned[0].package, owner("absl-py", "0.4.1"));
        assert_eq!(
            owned[0].paths,
            "opt/conda/lib/absl_py-0.4.1.dist-info/METADATA\nopt/conda/lib/libabsl.so.1\n"
        );
        assert_eq!(packages[0].licenses, ["Apache-2.0"]);
        assert_eq!(packages[0].dependencies, ["python", "six"]);
    }

    #[test]
    fn what_is_no_record() {
        for json in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"name": "a"}"#,
            r#"{"name": "", "version": "1"}"#,
        ] {
            let findings = read("", json.as_bytes());
            assert!(
                findings.found.is_empty() && findings.problems.len() == 1,
                "{json}"
            );
        }
        assert_eq!(readers("opt/conda/conda-meta/a-1-0.json"), ["conda"]);
        assert!(readers("opt/conda/conda-meta/history").is_empty());
        assert_eq!(channel("conda-forge", "linux-64"), "conda-forge");
        assert_eq!(channel("", ""), "");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            read("", &bytes);
        }

        #[test]
        fn never_panics_on_records(channel in "[a-z:/-]{0,20}", subdir in "[a-z/-]{0,6}") {
            read("", format!(r#"{{"name":"a","version":"1","channel":"{channel}","subdir":"{subdir}"}}"#).as_bytes());
        }
    }
}
