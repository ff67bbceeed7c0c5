//! Databases compared, sorted in little memory, merged over aliases, searched, locked.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_advisory::database::{Builder, Change, Database, LockError, UpdateLock};
use plimsoll_advisory::record::Advisory;
use proptest::prelude::*;

use crate::support::{Built, database};

/// One record in OSV, of few names, so that records meet.
fn record() -> impl Strategy<Value = String> {
    let package = (0..3_u8, 0..4_u8);
    let alias = prop::option::of(0..6_u8);
    (0..12_u8, alias, prop::collection::vec(package, 0..3), 0..4_u8, 0..3_u8).prop_map(
        |(id, alias, packages, fixed, day)| {
            let affected: Vec<_> = packages
                .into_iter()
                .map(|(release, name)| {
                    serde_json::json!({
                        "package": { "ecosystem": format!("Debian:{release}"), "name": format!("p{name}") },
                        "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": fixed.to_string() }] }],
                    })
                })
                .collect();
            serde_json::json!({
                "id": format!("A-{id}"),
                "aliases": alias.map(|it| format!("CVE-1-{it}")).into_iter().collect::<Vec<_>>(),
                "modified": format!("2026-01-0{day}"),
                "affected": affected,
            })
            .to_string()
        },
    )
}

fn built(records: &[String], memory: usize) -> Built {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("advisories.plim");
    let mut builder = Builder::new(&path).expect("a builder").with_memory(memory);
    let text = records.join("\n");
    if !text.is_empty() {
        builder
            .add_bytes("osv", "osv", text.as_bytes())
            .expect("readable");
    }
    builder.finish("2026-11-21T00:00:00Z").expect("written");
    Built {
        database: Database::open(&path).expect("opens"),
        folder,
    }
}

/// What a package's findings depend on, found the slow way.
fn depends(database: &Database, ecosystem: &str, package: &str) -> BTreeMap<String, u32> {
    let mut texts = BTreeMap::new();
    let mut note = |place: &str, record: &Advisory| {
        let record = Advisory {
            modified: None,
            ..record.clone()
        };
        let text = serde_json::to_string(&record).expect("JSON");
        *texts.entry(format!("{place} {text}")).or_default() += 1;
    };
    let about = database.lookup(ecosystem, package).expect("readable");
    let mut names = BTreeSet::new();
    for record in &about {
        note("about", record);
        names.extend(record.vulnerabilities().into_iter().map(str::to_owned));
    }
    for name in names {
        for record in database.naming(&name).expect("readable") {
            note(&name, &record);
        }
    }
    texts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn exactly_those_packages_changed_whose_records_did(
        old in prop::collection::vec(record(), 0..10),
        new in prop::collection::vec(record(), 0..10),
        kept in any::<bool>(),
    ) {
        let new = if kept { [old.clone(), new].concat() } else { new };
        let (old, new) = (built(&old, 1 << 20), built(&new, 1 << 20));
        let found = Database::changed_packages(&old.database, &new.database).expect("readable");
        let mut expected = Vec::new();
        for release in 0..3 {
            for name in 0..4 {
                let (ecosystem, package) = (format!("Debian:{release}"), format!("p{name}"));
                let before = depends(&old.database, &ecosystem, &package);
                if before != depends(&new.database, &ecosystem, &package) {
                    expected.push((ecosystem, package));
                }
            }
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn little_memory_makes_the_same_file(records in prop::collection::vec(record(), 0..40)) {
        let (much, little) = (built(&records, 1 << 20), built(&records, 90));
        let read = |it: &Built| std::fs::read(it.folder.path().join("advisories.plim"));
        prop_assert_eq!(read(&much).expect("readable"), read(&little).expect("readable"));
    }
}

#[test]
fn dates_and_epss_alone_are_no_change() {
    let osv = |day: &str| {
        format!(
            r#"{{"id":"A","aliases":["CVE-1-1"],"modified":"{day}","affected":[{{"package":{{"ecosystem":"npm","name":"x"}}}}]}}"#
        )
    };
    let epss = |score: &str| {
        format!("#model_version:v1,score_date:2026-11-20T00:00:00Z\nCVE-1-1,{score},0.5\n")
    };
    let kev = r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-1-1","dateAdded":"2026-01-01"}]}"#;
    let old = database(&[("osv", &osv("2026-01-01")), ("scores", &epss("0.1"))]);
    let new = database(&[("osv", &osv("2026-01-02")), ("scores", &epss("0.9"))]);
    assert_ne!(old.database.meta().version, new.database.meta().version);
    let changed =
        |new: &Built| Database::changed_packages(&old.database, &new.database).expect("readable");
    assert_eq!(changed(&new), []);
    let worse = database(&[
        ("osv", &osv("2026-01-01")),
        ("scores", &epss("0.1")),
        ("known", kev),
    ]);
    assert_eq!(changed(&worse), [("npm".to_owned(), "x".to_owned())]);
    let names = Database::changed_names(&old.database, &worse.database).expect("readable");
    assert_eq!(names, [("CVE-1-1".to_owned(), Change::Changed)]);
    let known = worse.database.exploitation("CVE-1-1").expect("readable");
    assert!(known.kev.is_some() && known.epss.is_some_and(|it| it.score < 0.2));
}

#[test]
fn aliases_are_followed_but_never_into_another_cve() {
    let text = r#"{"id":"GHSA-1","aliases":["CVE-1-1"],"summary":"One"}
{"id":"PYSEC-1","aliases":["GHSA-1"],"details":"From PyPI"}
{"id":"OSV-1","aliases":["PYSEC-1"]}
{"id":"SNYK-1","aliases":["OSV-1","CVE-1-2"]}
{"id":"DSA-1-1","upstream":["CVE-1-1","CVE-1-2"]}
{"id":"MAL-1","affected":[{"package":{"ecosystem":"npm","name":"evil"}}]}"#;
    let built = database(&[("osv", text)]);
    let statements = |id: &str| {
        let found = built
            .database
            .vulnerability(id)
            .expect("readable")
            .expect("known");
        let mut ids: Vec<_> = found
            .statements
            .iter()
            .map(|it| it.advisory.clone())
            .collect();
        ids.sort();
        (found.id, ids.join(" "))
    };
    let one = (
        "CVE-1-1".to_owned(),
        "DSA-1-1 GHSA-1 OSV-1 PYSEC-1".to_owned(),
    );
    assert_eq!(statements("CVE-1-1"), one);
    assert_eq!(statements("PYSEC-1").0, "CVE-1-1");
    assert!(statements("PYSEC-1").1.contains("GHSA-1"));
    let other = "DSA-1-1 OSV-1 PYSEC-1 SNYK-1".to_owned();
    assert_eq!(statements("CVE-1-2"), ("CVE-1-2".to_owned(), other));
    let found = built.database.search("mal", 10).expect("readable");
    assert_eq!(found.vulnerabilities, ["MAL-1"]);
    let found = built.database.search("EVI", 10).expect("readable");
    assert_eq!(
        (found.packages[0].package.as_str(), found.more),
        ("evil", false)
    );
    assert!(built.database.search("-1", 2).expect("readable").more);
}

#[test]
fn names_are_found_however_they_are_written() {
    let text =
        r#"{"id":"PYSEC-1","affected":[{"package":{"ecosystem":"PyPI","name":"Zope.Interface"}}]}"#;
    let built = database(&[("osv", text)]);
    let found = built
        .database
        .lookup("PyPI", "zope_interface")
        .expect("readable");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].affected[0].package, "Zope.Interface");
}

#[test]
fn only_one_update_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("advisories.db");
    let first = UpdateLock::take(&path).expect("free");
    assert!(matches!(
        UpdateLock::take(&path),
        Err(LockError::Busy { .. })
    ));
    drop(first);
    UpdateLock::take(&path).expect("free again");
}

#[test]
fn a_failed_write_leaves_the_old_file() {
    let built = database(&[("osv", r#"{"id":"A"}"#)]);
    let path = built.folder.path().join("advisories.plim");
    let before = std::fs::read(&path).expect("readable");
    let gone = built.folder.path().join("gone/advisories.plim");
    assert!(Builder::new(&gone).is_err());
    let mut builder = Builder::new(&path).expect("a builder");
    let refused = builder.add_bytes("debian", "osv.json", br#"{"id":"A"}"#);
    insta::assert_snapshot!(refused.expect_err("a wrong kind"), @"osv.json holds OSV records, but this source has the Debian security tracker's JSON; check its address");
    drop(builder);
    assert_eq!(std::fs::read(&path).expect("readable"), before);
}
