//! No reader panics, whatever it is given; nor does a damaged database.

use std::io::Cursor;
use std::path::Path;

use plimsoll_advisory::database::Database;
use plimsoll_advisory::feeds::{self, Limits};
use proptest::prelude::*;

use crate::feeds::TRACKER;
use crate::support::database;

const OSV: &str = r#"{"id":"DSA-1","aliases":["CVE-1"],"affected":[{"package":{"ecosystem":"Debian:11","name":"a"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"}]}]}]}"#;
const SECDB: &str = r#"{"distroversion":"v3.18","packages":[{"pkg":{"name":"a","secfixes":{"1-r0":["CVE-1 XSA-1"]}}}]}"#;

fn read_all(bytes: &[u8]) {
    let limits = Limits {
        input: 1 << 20,
        record: 1 << 16,
        records: 1000,
        entries: 100,
    };
    drop(feeds::read(
        Cursor::new(bytes),
        Path::new("f"),
        "s",
        limits,
        &mut |_| Ok(()),
    ));
}

fn damage(mut bytes: Vec<u8>, changes: &[(usize, u8)], keep: usize) -> Vec<u8> {
    for (at, value) in changes {
        let length = bytes.len();
        bytes[at % length] = *value;
    }
    bytes.truncate(keep % (bytes.len() + 1));
    bytes
}

proptest! {
    #[test]
    fn readers_survive_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        read_all(&bytes);
        for head in [&b"PK\x03\x04"[..], b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"[{", b"{\"id\":", b"{\"a\":{\"CVE-", b"<updates><update>", b"<oval_definitions>", b"#model_version:v1,score_date:2026-01-01T\n", b"BZh9", b"{\"document\":{\"tracking\":"] {
            read_all(&[head, &bytes].concat());
        }
    }

    #[test]
    fn readers_survive_damage(
        which in 0..3_usize,
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..8),
        keep in any::<usize>(),
    ) {
        let text = [OSV, TRACKER, SECDB][which].as_bytes().to_vec();
        read_all(&damage(text, &changes, keep));
    }

    #[test]
    fn databases_survive_damage(
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..8),
        keep in any::<usize>(),
    ) {
        let built = database(&[("osv", OSV), ("tracker", TRACKER)]);
        let path = built.folder.path().join("advisories.plim");
        let whole = std::fs::read(&path).expect("readable");
        std::fs::write(&path, damage(whole, &changes, keep.max(1))).expect("writable");
        if let Ok(database) = Database::open(&path) {
            drop(database.lookup("Debian:11", "zlib"));
            drop(database.vulnerability("CVE-1"));
        }
    }
}
