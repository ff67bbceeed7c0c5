//! What leads from one database to the next, and a source that is taken over.

use std::path::Path;

use plimsoll_advisory::database::{
    Builder, Database,
    delta::{self, DeltaError},
};
use proptest::prelude::*;

use crate::support::{Built, database};

/// A record of npm that was fixed in a version.
fn record(id: u32, fixed: u32) -> String {
    format!(
        r#"{{"id":"GHSA-{id}","aliases":["CVE-2026-{id}"],"affected":[{{"package":{{"ecosystem":"npm","name":"p{}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"1.{fixed}.0"}}]}}]}}]}}"#,
        id % 7
    )
}

fn lines(records: &[(u32, u32)]) -> String {
    let lines = records.iter().map(|(id, fixed)| record(*id, *fixed));
    lines.collect::<Vec<_>>().join("\n")
}

/// Writes the delta beside the newer database; gives where the older one's successor would be.
fn between(old: &Built, new: &Built) -> (std::path::PathBuf, std::path::PathBuf) {
    let file = new.folder.path().join("step.delta");
    delta::write(&old.database, &new.database, &file).expect("a delta");
    (file, old.folder.path().join("next"))
}

fn ids(database: &Database, package: &str) -> Vec<String> {
    let found = database.lookup("npm", package).expect("readable");
    let mut ids: Vec<_> = found
        .iter()
        .map(|record| format!("{} {}", record.source, record.id))
        .collect();
    ids.sort();
    ids
}

#[test]
fn a_delta_leads_to_the_same_database() {
    let (kev, epss) = (
        r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2026-1","dateAdded":"2026-10-05"}]}"#,
        "#model_version:v1,score_date:2026-10-31T00:00:00Z\ncve,epss,percentile\nCVE-2026-1,0.25,0.97\n",
    );
    let old = database(&[
        ("mine", &lines(&[(1, 1), (2, 1), (3, 1), (3, 1)])),
        ("gone", &record(4, 1)),
        ("kev", kev),
    ]);
    let new = database(&[
        ("mine", &lines(&[(9, 1), (1, 2), (2, 1), (3, 1)])),
        ("kev", kev),
        ("epss", epss),
    ]);
    let (file, next) = between(&old, &new);
    assert!(delta::is_delta(&file) && !delta::is_delta(&old.folder.path().join("advisories.plim")));
    let meta = delta::apply(&old.database, &file, &next).expect("applied");
    assert_eq!(&meta, new.database.meta());
    let made = Database::open(&next).expect("a database");
    assert_eq!(made.meta(), new.database.meta());
    for package in ["p1", "p2", "p3", "p4"] {
        assert_eq!(
            ids(&made, package),
            ids(&new.database, package),
            "{package}"
        );
    }
    let found = made.exploitation("CVE-2026-1").expect("readable");
    assert!(found.kev.is_some() && found.epss.is_some());
    // A second time there is nothing to do, and another base is refused.
    assert_eq!(
        delta::apply(&made, &file, &next).expect("there already"),
        meta
    );
    let other = database(&[("mine", &record(1, 1))]);
    let refused = delta::apply(&other.database, &file, &next).expect_err("another base");
    assert!(matches!(refused, DeltaError::OtherBase { .. }), "{refused}");
    assert!(
        refused
            .to_string()
            .contains("export a delta since that one")
    );
}

#[test]
fn a_damaged_delta_changes_nothing() {
    let (old, new) = (
        database(&[("mine", &lines(&[(1, 1), (2, 1)]))]),
        database(&[("mine", &lines(&[(1, 2), (5, 1)]))]),
    );
    let (file, next) = between(&old, &new);
    std::fs::write(&next, "what was there").expect("writable");
    let whole = std::fs::read(&file).expect("readable");
    for length in 0..whole.len() {
        std::fs::write(&file, &whole[..length]).expect("writable");
        delta::apply(&old.database, &file, &next).expect_err("it is cut off");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        std::fs::write(&file, &bytes).expect("writable");
        // Only what says nothing of the records may differ.
        if let Ok(meta) = delta::apply(&old.database, &file, &next) {
            assert_eq!(meta.version, new.database.meta().version);
            std::fs::write(&next, "what was there").expect("writable");
        }
    }
    let there = std::fs::read(&next).expect("readable");
    assert_eq!(there, b"what was there");
    let names = std::fs::read_dir(old.folder.path()).expect("a folder");
    assert_eq!(names.count(), 2, "nothing is left behind");
}

#[test]
fn a_source_is_taken_over_as_it_is() {
    let old = database(&[
        ("mine", &lines(&[(1, 1), (2, 1)])),
        ("other", &record(3, 1)),
    ]);
    let keep = |path: &Path, name: &str| {
        let mut builder = Builder::new(path).expect("a builder");
        builder.keep_source(name, &old.database).expect("kept");
        builder.finish("2026-11-22T00:00:00Z").expect("a database")
    };
    let path = old.folder.path().join("next");
    let meta = keep(&path, "mine");
    assert_eq!((meta.records, meta.sources.len()), (2, 1));
    assert_eq!(meta.sources[0], old.database.meta().sources[0]);
    let kept = Database::open(&path).expect("a database");
    assert_eq!(ids(&kept, "p1"), ["mine GHSA-1"]);
    assert!(ids(&kept, "p3").is_empty());
    assert_eq!(keep(&path, "nobody").records, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_step_can_be_taken(
        old in prop::collection::vec((0_u32..12, 0_u32..3), 0..12),
        new in prop::collection::vec((0_u32..12, 0_u32..3), 0..12),
    ) {
        // A feed is never empty.
        let (old, new) = (
            database(&[("mine", &format!("{}\n{}", record(99, 1), lines(&old)))]),
            database(&[("mine", &format!("{}\n{}", record(99, 1), lines(&new)))]),
        );
        let (file, next) = between(&old, &new);
        let meta = delta::apply(&old.database, &file, &next).expect("applied");
        prop_assert_eq!(&meta.version, &new.database.meta().version);
        prop_assert_eq!(meta.records, new.database.meta().records);
    }
}

#[test]
fn the_seeds_for_fuzzing_are_what_they_seem() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let base = Database::open(&seeds.join("databases/small")).expect("a database");
    let folder = tempfile::tempdir().expect("a folder");
    let next = folder.path().join("next");
    let meta = delta::apply(&base, &seeds.join("deltas/step"), &next).expect("applied");
    assert_eq!(meta.records, 3);
}
