//! A delta between databases as anybody may hand it over.
#![no_main]

use std::sync::LazyLock;

use advisory::database::{Builder, Database, delta};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// What the seed begins at.
const BASE: &str = r#"{"id":"GHSA-1","aliases":["CVE-2026-1"],"affected":[{"package":{"ecosystem":"npm","name":"p"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]}
{"id":"GHSA-2","affected":[{"package":{"ecosystem":"npm","name":"q"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}
"#;

static PLACE: LazyLock<(TempDir, Database)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("base");
    let mut builder = Builder::new(&path).expect("a builder");
    builder
        .add_bytes("seed", "seed", BASE.as_bytes())
        .expect("readable");
    builder.finish("2026-11-20T00:00:00Z").expect("a database");
    let base = Database::open(&path).expect("a database");
    (folder, base)
});

fuzz_target!(|data: &[u8]| {
    let (folder, base) = &*PLACE;
    let file = folder.path().join("delta");
    if std::fs::write(&file, data).is_ok() {
        let _any = delta::apply(base, &file, &folder.path().join("next"));
    }
});
