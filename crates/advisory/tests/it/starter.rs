//! The starter set: readable, complete, and true of a minimal Debian 11.

use std::collections::BTreeSet;

use plimsoll_advisory::cvss::Vector;
use plimsoll_advisory::database::{Builder, Database};
use plimsoll_advisory::matching::match_packages;
use plimsoll_advisory::{STARTER_SOURCE, starter};

use crate::support::deb;

fn starter_database() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let mut builder = Builder::new(&path).expect("a builder");
    builder.add_starter().expect("readable");
    let meta = builder.finish("2026-11-21T00:00:00Z").expect("written");
    assert_eq!(meta.sources[0].name, STARTER_SOURCE);
    assert_eq!(meta.sources[0].malformed, 0);
    (folder, Database::open(&path).expect("opens"))
}

#[test]
fn lists_exactly_the_files_of_its_folder() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../advisories/starter");
    let files = std::fs::read_dir(folder).expect("the folder is part of the project");
    let files: BTreeSet<String> = files
        .map(|file| {
            file.expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.ends_with(".json"))
        .collect();
    let listed: BTreeSet<String> = starter()
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(listed, files);
}

#[test]
fn every_record_is_marked_and_valid() {
    for (name, text) in starter() {
        let record: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(
            format!("{}.json", record["id"].as_str().expect("an id")),
            *name
        );
        assert_eq!(
            record["database_specific"]["plimsoll"]["starter"], true,
            "{name}"
        );
        assert!(
            !record["summary"].as_str().unwrap_or_default().is_empty(),
            "{name}"
        );
        for severity in record["severity"].as_array().into_iter().flatten() {
            let text = severity["score"].as_str().expect("a vector");
            Vector::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

#[test]
fn matches_a_debian_11_11_without_security_updates() {
    let (_folder, database) = starter_database();
    let installed = [
        ("openssl", "1.1.1w-0+deb11u1"),
        ("glibc", "2.31-13+deb11u11"),
        ("perl", "5.32.1-4+deb11u3"),
        ("krb5", "1.18.3-6+deb11u5"),
        ("gnutls28", "3.7.1-5+deb11u5"),
        ("pam", "1.4.0-9+deb11u1"),
        ("systemd", "247.3-7+deb11u5"),
        ("xz-utils", "5.2.5-2.1~deb11u1"),
        ("shadow", "1:4.8.1-1"),
        ("e2fsprogs", "1.46.2-2"),
        ("libtasn1-6", "4.16.0-2+deb11u1"),
        ("gnupg2", "2.2.27-2+deb11u2"),
        ("dpkg", "1.20.13"),
        ("libsepol", "3.1-1"),
        ("zlib", "1:1.2.11.dfsg-2+deb11u2"),
    ];
    let packages: Vec<_> = installed
        .iter()
        .map(|(name, version)| deb(name, version))
        .collect();
    let report = match_packages(&database, &packages).expect("readable");
    assert!(report.matches.len() >= 20, "only {}", report.matches.len());
    let unscored = report
        .matches
        .iter()
        .filter(|it| it.score().is_none())
        .count();
    assert!(
        (1..5).contains(&unscored),
        "some wait for classification: {unscored}"
    );
    let zlib = report
        .matches
        .iter()
        .find(|it| it.package.name == "zlib")
        .expect("never fixed");
    insta::assert_snapshot!(zlib.explanation, @"plimsoll-starter (PLIMSOLL-CVE-2023-45853): source package zlib in Debian 11 has no fixed version; installed is 1:1.2.11.dfsg-2+deb11u2. Its status is: will not be fixed (contrib/minizip is not built).");
    // Fixed before the point release, so it must stay silent.
    assert!(
        report
            .matches
            .iter()
            .all(|it| it.vulnerability != "CVE-2022-37434")
    );
}
