//! Building, opening, asking and refusing.

use plimsoll_advisory::database::{Builder, Database, DatabaseError};
use plimsoll_advisory::record::Authority;

use crate::feeds::TRACKER;
use crate::support::database;

const OSV: &str = r#"{"id": "GHSA-1", "aliases": ["CVE-2022-37434"], "summary": "Title", "modified": "2024-01-01T00:00:00Z", "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}
{"id": "DSA-9-1", "upstream": ["CVE-2022-37434", "CVE-2023-45853"], "summary": "zlib - security update"}"#;

#[test]
fn answers_by_package_and_by_any_name() {
    let built = database(&[("tracker", TRACKER), ("osv", OSV)]);
    let found = built
        .database
        .lookup("Debian:11", "zlib")
        .expect("readable");
    let ids: Vec<&str> = found.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2022-37434", "CVE-2023-45853"]);
    assert!(
        built
            .database
            .lookup("Debian:11", "zli")
            .expect("readable")
            .is_empty()
    );
    let by_ghsa = built
        .database
        .vulnerability("GHSA-1")
        .expect("readable")
        .expect("known");
    let by_cve = built
        .database
        .vulnerability("CVE-2022-37434")
        .expect("readable")
        .expect("known");
    assert_eq!(
        (by_ghsa.id.as_str(), by_cve.id.as_str()),
        ("CVE-2022-37434", "CVE-2022-37434")
    );
    assert_eq!(by_cve.aliases, ["GHSA-1"]);
    assert!(by_cve.details.starts_with("zlib through"));
    let statements: Vec<_> = by_cve
        .statements
        .iter()
        .map(|it| (it.advisory.as_str(), it.source.as_str(), it.authority))
        .collect();
    assert_eq!(
        statements,
        [
            ("CVE-2022-37434", "tracker", Authority::Distribution),
            ("DSA-9-1", "osv", Authority::Distribution),
            ("GHSA-1", "osv", Authority::Ecosystem),
        ]
    );
    assert!(
        built
            .database
            .vulnerability("CVE-1-1")
            .expect("readable")
            .is_none()
    );
}

#[test]
fn meta_tells_sources_problems_and_content() {
    let built = database(&[("tracker", TRACKER), ("osv", OSV)]);
    let mut meta = built.database.meta().clone();
    assert_eq!(meta.version.len(), 64);
    meta.version = "digest".into();
    insta::assert_json_snapshot!(meta, @r#"
{
  "version": "digest",
  "created_at": "2026-11-21T00:00:00Z",
  "sources": [
    {
      "name": "tracker",
      "files": 1,
      "records": 2,
      "malformed": 2,
      "problems": [
        {
          "place": "zlib CVE-2000-0001",
          "reason": "invalid type: integer `7`, expected a map at line 1 column 14"
        },
        {
          "place": "broken",
          "reason": "invalid type: integer `5`, expected a map at line 1 column 1"
        }
      ],
      "broken": [],
      "newest": null,
      "licence": null,
      "attribution": null
    },
    {
      "name": "osv",
      "files": 1,
      "records": 2,
      "malformed": 0,
      "problems": [],
      "broken": [],
      "newest": "2024-01-01T00:00:00Z",
      "licence": "LicenseRef-per-database",
      "attribution": "OSV.dev and the databases it gathers"
    }
  ],
  "records": 4,
  "packages": 6,
  "ecosystems": [
    "Debian:10",
    "Debian:11",
    "Debian:12",
    "Debian:13",
    "Debian:9",
    "Debian:sid"
  ]
}
"#);
}

#[test]
fn equal_content_has_equal_versions_whenever_built() {
    let version = |created: &str, text: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut builder = Builder::new(&folder.path().join("db")).expect("a builder");
        builder
            .add_bytes("mine", "feed", text.as_bytes())
            .expect("readable");
        builder.finish(created).expect("written").version
    };
    assert_eq!(
        version("2026-01-01T00:00:00Z", OSV),
        version("2026-01-02T00:00:00Z", OSV)
    );
    assert_ne!(
        version("2026-01-01T00:00:00Z", OSV),
        version("2026-01-01T00:00:00Z", TRACKER)
    );
}

#[test]
fn nothing_is_visible_before_it_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    std::fs::write(&path, "old").expect("writable");
    let mut builder = Builder::new(&path).expect("a builder");
    builder
        .add_bytes("osv", "osv", OSV.as_bytes())
        .expect("readable");
    assert_eq!(std::fs::read(&path).expect("readable"), b"old");
    drop(builder);
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("readable").count(),
        1
    );
}

#[test]
fn refuses_foreign_cut_and_damaged_files() {
    let built = database(&[("osv", OSV)]);
    let path = built.folder.path().join("advisories.plim");
    let whole = std::fs::read(&path).expect("readable");
    let open = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("writable");
        Database::open(&path).expect_err("must be refused")
    };
    let with = |at: usize, value: u8| {
        let mut bytes = whole.clone();
        bytes[at] = value;
        bytes
    };
    assert!(matches!(open(b"short"), DatabaseError::Foreign { .. }));
    assert!(matches!(
        open(&with(0, b'X')),
        DatabaseError::Foreign { .. }
    ));
    assert!(matches!(
        open(&with(8, 9)),
        DatabaseError::Version { found: 9, .. }
    ));
    assert!(matches!(
        open(&whole[..whole.len() - 1]),
        DatabaseError::Corrupt { .. }
    ));
    assert!(matches!(
        open(&with(whole.len() - 9, 0)),
        DatabaseError::Corrupt { .. }
    ));
    // A damaged block is found when it is read.
    std::fs::write(&path, with(80, whole[80] ^ 1)).expect("writable");
    let database = Database::open(&path).expect("index and meta are whole");
    assert!(matches!(
        database.naming("GHSA-1"),
        Err(DatabaseError::Corrupt { .. })
    ));
    let missing = Database::open(&path.with_extension("none")).expect_err("absent");
    assert!(matches!(missing, DatabaseError::Read { .. }));
}
