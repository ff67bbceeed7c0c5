//! The readers, on small texts of each format and each kind of damage.

use std::io::{Cursor, Write};
use std::path::Path;

use plimsoll_advisory::feeds::{self, FeedError, Format, Limits, Summary};
use plimsoll_advisory::record::{Advisory, Authority, Status};

fn read(bytes: &[u8], limits: Limits) -> Result<(Vec<Advisory>, Summary), FeedError> {
    let mut records = Vec::new();
    let summary = feeds::read(
        Cursor::new(bytes),
        Path::new("feed"),
        "test",
        limits,
        &mut |it| {
            records.push(it);
            Ok(())
        },
    )?;
    Ok((records, summary))
}

fn records(bytes: &[u8]) -> (Vec<Advisory>, Summary) {
    read(bytes, Limits::default()).expect("a readable feed")
}

fn ids(bytes: &[u8]) -> Vec<String> {
    records(bytes)
        .0
        .into_iter()
        .map(|record| record.id)
        .collect()
}

pub(crate) const TRACKER: &str = r#"{"zlib": {"CVE-2022-37434": {"description": "zlib through 1.2.12 has a heap-based buffer over-read. More.", "scope": "local", "releases": {
    "bullseye": {"status": "resolved", "repositories": {"bullseye": "1:1.2.11.dfsg-2+deb11u2"}, "fixed_version": "1:1.2.11.dfsg-2+deb11u2", "urgency": "not yet assigned"},
    "sid": {"status": "resolved", "fixed_version": "1:1.2.11.dfsg-4.1", "urgency": "not yet assigned"}}},
  "CVE-2023-45853": {"releases": {
    "bookworm": {"status": "open", "urgency": "not yet assigned", "nodsa": "contrib/minizip not built", "nodsa_reason": "ignored"},
    "bullseye": {"status": "open", "urgency": "unimportant"},
    "trixie": {"status": "resolved", "fixed_version": "0", "urgency": "unimportant"},
    "buster": {"status": "open", "urgency": "end-of-life"},
    "sid": {"status": "undetermined", "urgency": "not yet assigned"},
    "stretch": {"status": "open", "urgency": "low", "nodsa": "Minor issue", "nodsa_reason": ""}}},
  "CVE-2000-0001": {"releases": 7}}, "broken": 5}"#;

#[test]
fn detects_every_format_by_its_beginning() {
    let cases: [(&[u8], Option<Format>); 12] = [
        (b"PK\x03\x04....", Some(Format::Archive)),
        (b"[{\"id\": \"A\"}]", Some(Format::Osv)),
        (
            b"\xef\xbb\xbf {\"schema_version\": \"1.6.0\"",
            Some(Format::Osv),
        ),
        (b"{\n \"affected\": [", Some(Format::Osv)),
        (b"{\"distroversion\":\"v3.18\"", Some(Format::AlpineSecdb)),
        (b"{\"apkurl\":\"{{urlprefix}}/\"", Some(Format::AlpineSecdb)),
        (TRACKER.as_bytes(), Some(Format::DebianTracker)),
        (
            b"{\"389-ds-base\": {\"TEMP-0000000-000000\": {",
            Some(Format::DebianTracker),
        ),
        (b"{\"name\": \"left-pad\"}", None),
        (b"[1, 2]", None),
        (b"", None),
        (b"<html>", None),
    ];
    for (beginning, expected) in cases {
        assert_eq!(
            feeds::detect(beginning),
            expected,
            "{}",
            String::from_utf8_lossy(beginning)
        );
    }
}

#[test]
fn reads_osv_as_document_lines_and_array() {
    assert_eq!(ids(b"{\"id\": \"A\"}"), ["A"]);
    assert_eq!(
        ids(b"{\n  \"id\": \"A\"\n}\n{\n\"id\": \"B\"}\n"),
        ["A", "B"]
    );
    assert_eq!(ids(b"\n{\"id\": \"A\"}\n\n{\"id\": \"B\"}"), ["A", "B"]);
    assert_eq!(ids(b" [{\"id\": \"A\"},\n {\"id\": \"B\"}]"), ["A", "B"]);
    assert_eq!(ids(b"[]"), Vec::<String>::new());
}

#[test]
fn counts_what_it_cannot_understand_and_goes_on() {
    let (found, summary) = records(b"{\"id\": \"A\"}\nnonsense\n{\"id\": 5}\n{\"id\": \"\"}\n{\"id\": \"B\", \"affected\": null, \"new\": 1}");
    assert_eq!(
        found.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(),
        ["A", "B"]
    );
    insta::assert_json_snapshot!(summary, @r#"
{
  "records": 2,
  "malformed": 3,
  "problems": [
    {
      "place": "record 2",
      "reason": "expected ident at line 1 column 2"
    },
    {
      "place": "record 3",
      "reason": "invalid type: integer `5`, expected a string at line 1 column 8"
    },
    {
      "place": "record 4",
      "reason": "the record has no id"
    }
  ],
  "silent": 2,
  "broken": null,
  "newest": null
}
"#);
}

#[test]
fn a_cut_off_array_keeps_what_came_before() {
    let (found, summary) = records(b"[{\"id\": \"A\"}, {\"id\": \"B");
    assert_eq!((found.len(), summary.records), (1, 1));
    assert!(summary.broken.is_some_and(|reason| reason.contains("EOF")));
}

#[test]
fn limits_end_a_reading_with_their_name() {
    let small = Limits {
        record: 10,
        ..Limits::default()
    };
    let long = format!(
        "[{{\"id\": \"A\", \"details\": \"{}\"}}]",
        "x".repeat(1 << 18)
    );
    let (found, summary) = read(long.as_bytes(), small).expect("readable");
    assert!(found.is_empty());
    insta::assert_snapshot!(summary.broken.unwrap_or_default(), @"a record is larger than the limit of 10 bytes");
    let few = Limits {
        records: 1,
        ..Limits::default()
    };
    let (found, summary) = read(b"{\"id\":\"A\"}\n{\"id\":\"B\"}", few).expect("readable");
    assert_eq!(
        (found.len(), summary.broken.as_deref()),
        (1, Some("more than 1 records"))
    );
}

#[test]
fn unpacks_gzip_zstd_xz_and_zip() {
    let xz = b"\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\xe5\xa3\xe0\x00\x17\x00\x15\x5d\x00\x3d\x88\x89\x26\x81\x93\x53\x7f\x5a\x33\x13\xab\xce\x6c\x69\xfd\xcf\x3c\x94\x00\x00\x00\x00\x00\x00\x5d\xcd\xbf\xf1\x28\xa4\xb6\x30\x00\x01\x31\x18\xcf\x2a\xb7\xf5\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a";
    assert_eq!(ids(xz), ["A", "B"]);
    assert!(ids(&xz[..xz.len() - 20]).len() < 3, "cut off, and no panic");
    let text = b"{\"id\": \"A\"}\n{\"id\": \"B\"}\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text).expect("to memory");
    assert_eq!(ids(&gzip.finish().expect("to memory")), ["A", "B"]);
    assert_eq!(
        ids(&zstd::encode_all(&text[..], 3).expect("to memory")),
        ["A", "B"]
    );
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [
        ("A.json", "{\"id\": \"A\"}"),
        ("readme.txt", "no"),
        ("C.json", "x"),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .expect("to memory");
        zip.write_all(text.as_bytes()).expect("to memory");
    }
    let bytes = zip.finish().expect("to memory").into_inner();
    let (found, summary) = records(&bytes);
    assert_eq!((found.len(), summary.malformed), (1, 1));
    assert_eq!(summary.problems[0].place, "C.json");
}

#[test]
fn a_foreign_file_is_refused_by_name() {
    let error = read(b"{\"name\": \"left-pad\"}", Limits::default()).expect_err("no feed");
    assert!(matches!(error, FeedError::UnknownFormat { .. }));
    assert!(error.to_string().contains("feed is no advisory feed"));
}

#[test]
fn a_failing_receiver_ends_the_reading() {
    let sink = &mut |_| Err(std::io::Error::other("full"));
    let result = feeds::read(
        Cursor::new("[{\"id\":\"A\"}]"),
        Path::new("f"),
        "s",
        Limits::default(),
        sink,
    );
    assert!(matches!(result, Err(FeedError::Sink { .. })));
}

#[test]
fn tracker_states_become_statuses() {
    let (found, summary) = records(TRACKER.as_bytes());
    assert_eq!((summary.records, summary.malformed), (2, 2));
    let minizip = found
        .iter()
        .find(|it| it.id == "CVE-2023-45853")
        .expect("there");
    let status = |release: &str| {
        let entry = minizip.affected.iter().find(|it| it.ecosystem == release);
        entry.map(|it| (it.status, it.ranges.len(), it.reason.as_deref()))
    };
    assert_eq!(
        status("Debian:12"),
        Some((Status::WillNotFix, 1, Some("contrib/minizip not built")))
    );
    assert_eq!(status("Debian:11"), Some((Status::Unimportant, 1, None)));
    assert_eq!(status("Debian:13"), Some((Status::NotAffected, 0, None)));
    assert_eq!(status("Debian:10"), Some((Status::EndOfLife, 1, None)));
    assert_eq!(status("Debian:sid"), Some((Status::Undetermined, 0, None)));
    assert_eq!(
        status("Debian:9"),
        Some((Status::FixDeferred, 1, Some("Minor issue")))
    );
}

#[test]
fn secdb_entries_become_ranges_and_aliases() {
    let text = r#"{"distroversion": "v3.18", "reponame": "main", "packages": [
        {"pkg": {"name": "xen", "secfixes": {"4.17.1-r1": ["CVE-2022-42336 XSA-431"], "0": ["CVE-1-1"], "2-r0": null, "3-r0": ["(none)"]}}}, {"pkg": 1}]}"#;
    let (found, summary) = records(text.as_bytes());
    assert_eq!((summary.records, summary.malformed), (2, 2));
    let xen = found
        .iter()
        .find(|it| it.id == "CVE-2022-42336")
        .expect("there");
    assert_eq!(
        (xen.aliases.as_slice(), xen.authority),
        (&["XSA-431".to_owned()][..], Authority::Distribution)
    );
    assert_eq!(xen.affected[0].ecosystem, "Alpine:v3.18");
    assert!(
        found
            .iter()
            .any(|it| it.affected[0].status == Status::NotAffected)
    );
}

#[test]
fn npms_own_ranges_are_read_where_there_are_no_events() {
    let text = br#"{"id":"NSWG-ECO-1","affected":[{"package":{"ecosystem":"npm","name":"bassmaster"},"database_specific":{"node_range":"<=1.5.1 || ^2.0.0"}}]}"#;
    let (found, _) = records(text);
    let ranges = &found[0].affected[0].ranges;
    let words: Vec<_> = ranges.iter().map(|range| range.events.len()).collect();
    assert_eq!(words, [2, 2]);
}
