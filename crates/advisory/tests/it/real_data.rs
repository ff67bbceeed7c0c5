//! Everything at once: all real feeds there are, compiled and asked.

use plimsoll_advisory::database::{Builder, Database};

use crate::support::shared;

#[test]
fn compiles_every_real_feed_without_loss() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let mut builder = Builder::new(&path).expect("a builder");
    for name in ["osv", "alpine-secdb-json"] {
        let Some(feeds) = shared(name) else { return };
        for file in std::fs::read_dir(feeds).expect("readable") {
            let file = file.expect("readable").path();
            let summary = builder.add_source(name, &file).expect("a feed");
            assert!(
                summary.records > 0 && summary.broken.is_none(),
                "{}",
                file.display()
            );
            if summary.malformed > 0 {
                eprintln!(
                    "{}: {} malformed: {:?}",
                    file.display(),
                    summary.malformed,
                    summary.problems
                );
            }
            assert!(
                summary.malformed * 100 <= summary.records,
                "{}",
                file.display()
            );
        }
    }
    let meta = builder.finish("2026-11-21T00:00:00Z").expect("written");
    assert!(
        meta.records > 50_000 && meta.packages > 10_000,
        "{} {}",
        meta.records,
        meta.packages
    );
    let database = Database::open(&path).expect("opens");
    let musl = database.lookup("Alpine:v3.17", "musl").expect("readable");
    assert!(musl.iter().any(|record| record.id == "CVE-2020-28928"));
    let found = database
        .vulnerability("CVE-2022-37434")
        .expect("readable")
        .expect("known");
    assert!(found.statements.len() > 3);
}
