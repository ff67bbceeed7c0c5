//! The tar reader: forms, compression, limits, damage.

use oci::Digest;
use plimsoll_inventory::{DiffId, EntryKind, Limits, ScanError, scan_layer};
use proptest::prelude::*;

use crate::support::{Layer, gzip, scan};

fn error(bytes: &[u8], limits: &Limits) -> ScanError {
    scan_layer(&mut &*bytes, "application/x", limits, DiffId::Compute).expect_err("no layer")
}

fn small() -> Layer {
    Layer::new()
        .dir("etc")
        .file("etc/motd", "hello\n")
        .symlink("etc/x", "motd")
}

#[test]
fn every_compression_gives_the_same_report() {
    let tar = small().tar();
    let plain = scan(&tar);
    assert_eq!(plain.diff_id, Some(Digest::of(&tar)));
    assert_eq!(plain.uncompressed_size, tar.len() as u64);
    let (left, right) = tar.split_at(700);
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let zstd = zstd::encode_all(&*tar, 1).expect("memory");
    let forms = [
        gzip(&tar),
        [gzip(left), gzip(right)].concat(),
        zstd.clone(),
        [&skippable[..], &zstd].concat(),
    ];
    for form in forms {
        let report = scan(&form);
        assert_eq!(report.size, form.len() as u64);
        assert_eq!(
            (&report.diff_id, &report.files),
            (&plain.diff_id, &plain.files)
        );
    }
}

/// GNU's header keeps the first hundred bytes of a longer path; the hundredth may be a slash.
#[test]
fn a_long_name_cut_at_a_slash_is_still_a_file() {
    let long = format!("{}/{}", "d".repeat(99), "f".repeat(20));
    let next = ("next", "y");
    let report = Layer::new().file(&long, "x").file(next.0, next.1).scan();
    let files: Vec<_> = report
        .files
        .iter()
        .map(|f| (&*f.path, f.kind, f.size))
        .collect();
    let expected = [(&*long, EntryKind::File, 1), (next.0, EntryKind::File, 1)];
    assert_eq!(files, expected);
}

#[test]
fn long_names_of_gnu_and_pax() {
    let long = format!("{}/file", "d".repeat(200));
    let gnu = Layer::new().file(&long, "x").symlink("l", &long).scan();
    assert_eq!(gnu.files[0].path, long);
    assert_eq!(gnu.files[1].link.as_deref(), Some(&*long));
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append_pax_extensions([("path", long.as_bytes()), ("uid", b"70000")])
        .expect("pax");
    let mut header = tar::Header::new_ustar();
    header.set_size(1);
    builder
        .append_data(&mut header, "short", &b"x"[..])
        .expect("a file");
    let pax = scan(&builder.into_inner().expect("an archive"));
    assert_eq!(
        (pax.files[0].path.as_str(), pax.files[0].uid),
        (&*long, 70000)
    );
}

#[test]
fn paths_are_normalised_and_stay_within() {
    let mut bytes = Layer::new()
        .file("abcdefghijk", "x")
        .file("second", "y")
        .tar();
    // The tar crate would refuse to write such a path.
    bytes[..11].copy_from_slice(b"../../a/b/c");
    let sum: u32 = bytes[..148]
        .iter()
        .chain(&bytes[156..512])
        .map(|b| u32::from(*b))
        .sum();
    bytes[148..156].copy_from_slice(format!("{:06o}\0 ", sum + 256).as_bytes());
    let report = scan(&bytes);
    assert_eq!(report.files.len(), 1);
    assert!(
        report.problems[0].text.contains("climbs"),
        "{:?}",
        report.problems
    );
}

/// A header whose name, kind and other fields are as given, and its body.
fn raw(name: &[u8], kind: u8, body: &[u8], fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut block = vec![0; 512];
    let size = format!("{:011o}\0", body.len());
    let all = [(0, name), (124, size.as_bytes()), (148, &b"        "[..])];
    for (at, value) in all.iter().chain(fields) {
        block[*at..at + value.len()].copy_from_slice(value);
    }
    block[156] = kind;
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.extend(body);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

#[test]
fn names_that_are_no_text_stay_apart() {
    let bytes = [
        raw(
            b"srv/\xff/package.json",
            b'0',
            br#"{"name": "a", "version": "1"}"#,
            &[],
        ),
        raw(b"srv/\xfe/package.json", b'0', b"{}", &[]),
        raw(b"l", b'2', b"", &[(157, b"srv/\xff")]),
    ];
    let report = scan(&bytes.concat());
    assert_eq!(report.files[0].path, "srv/\u{fffd}ff/package.json");
    assert_eq!(report.files[1].path, "srv/\u{fffd}fe/package.json");
    assert_eq!(report.files[2].link.as_deref(), Some("srv/\u{fffd}ff"));
}

/// One database of two packages with a hole between them, in each form that tar has for it.
#[test]
fn sparse_files_are_read() {
    const PATH: &[u8] = b"lib/apk/db/installed";
    let (first, second) = ("P:a\nV:1-r0\n\n", "\n\nP:b\nV:2-r0\n\n");
    let (size, start) = (9000 + second.len(), 9000);
    let (head, tail) = (first.len(), second.len());
    let content = [first, second].concat();
    let octal = |n: usize| format!("{n:011o}\0").into_bytes();
    let numbers = [0, head, start, tail, size, 0].map(octal).concat();
    let real = octal(size);
    let old = |here: &[u8], more: &[u8]| {
        let continues: &[u8] = if more.is_empty() { b"" } else { b"1" };
        let fields = [(386, here), (482, continues), (483, &*real)];
        let mut bytes = raw(PATH, b'S', content.as_bytes(), &fields);
        if !more.is_empty() {
            let mut block = more.to_vec();
            block.resize(512, 0);
            bytes.splice(512..512, block);
        }
        bytes
    };
    let pax = |records: &[(&str, String)], body: &[u8]| {
        let record = |(key, value): &(&str, String)| {
            let rest = format!(" GNU.sparse.{key}={value}\n");
            format!("{}{rest}", rest.len() + if rest.len() < 98 { 2 } else { 3 })
        };
        let records: String = records.iter().map(record).collect();
        let name = b"GNUSparseFile.1/installed";
        [
            raw(b"x", b'x', records.as_bytes(), &[]),
            raw(name, b'0', body, &[]),
        ]
        .concat()
    };
    let path = String::from_utf8_lossy(PATH).into_owned();
    let named = |key, value: String| [("name", path.clone()), (key, value)];
    let one = |key, value: usize| (key, value.to_string());
    let mut each = named("size", size.to_string()).to_vec();
    for (offset, length) in [(0, head), (start, tail)] {
        each.extend([one("offset", offset), one("numbytes", length)]);
    }
    let map = format!("0,{head},{start},{tail}");
    let all = [&named("size", size.to_string())[..], &[("map", map)]].concat();
    let lines = format!("2\n0\n{head}\n{start}\n{tail}\n{}", "\0".repeat(512));
    let realsize = named("realsize", size.to_string());
    let front = [&realsize[..], &[one("major", 1), one("minor", 0)]].concat();
    let forms = [
        old(&numbers, b""),
        old(&numbers[..24], &numbers[24..]),
        pax(&each, content.as_bytes()),
        pax(&all, content.as_bytes()),
        pax(&front, [&lines[..512], &content].concat().as_bytes()),
    ];
    for (form, bytes) in forms.iter().enumerate() {
        let report = scan(&[&bytes[..], &raw(b"next", b'0', b"x", &[])].concat());
        let files: Vec<_> = report.files.iter().map(|f| (&*f.path, f.size)).collect();
        assert_eq!(files, [(&*path, size as u64), ("next", 1)], "{form}");
        let found = format!("{:?}", report.extracts);
        assert!(
            found.contains("\"1-r0\"") && found.contains("\"2-r0\""),
            "{form}: {report:?}"
        );
    }
    let broken = scan(&old(&numbers[..36], b""));
    assert!(
        broken.problems[0].text.contains("sparse"),
        "{:?}",
        broken.problems
    );
    let huge = u64::MAX.to_string();
    let bytes = pax(&named("realsize", huge), b"");
    let error = error(&bytes, &Limits::default());
    assert!(matches!(error, ScanError::Damaged { .. }), "{error}");
}

#[test]
fn what_is_no_archive() {
    for bytes in [&b"{\"predicate\": 1}"[..], &[7; 2000], &gzip(b"text")] {
        assert!(matches!(
            error(bytes, &Limits::default()),
            ScanError::NotATar { .. }
        ));
    }
    assert!(scan(b"").files.is_empty());
    assert!(scan(&[0; 1024]).files.is_empty());
}

#[test]
fn what_is_damaged() {
    let tar = small().tar();
    let limits = Limits::default();
    for length in [1027, 1600] {
        let error = error(&tar[..length], &limits);
        assert!(matches!(error, ScanError::Damaged { .. }), "{error}");
    }
    let gz = gzip(&tar);
    assert!(matches!(
        error(&gz[..gz.len() / 2], &limits),
        ScanError::Read { .. }
    ));
    let mut bad = tar.clone();
    bad[512] ^= 1;
    let message = error(&bad, &limits).to_string();
    assert!(
        message.contains("byte 1024") && message.contains("checksum"),
        "{message}"
    );
}

#[test]
fn limits_are_named() {
    let base = Limits::default();
    let tar = small()
        .file("var/lib/dpkg/status", vec![b'\n'; 5000])
        .file("lib/apk/db/installed", "P:a\nV:1\n\nP:b\nV:1\n")
        .tar();
    let cases = [
        (
            "uncompressed_bytes",
            Limits {
                uncompressed_bytes: 2000,
                ..base.clone()
            },
        ),
        (
            "entries",
            Limits {
                entries: 2,
                ..base.clone()
            },
        ),
        (
            "path_bytes",
            Limits {
                path_bytes: 6,
                ..base.clone()
            },
        ),
        (
            "all_path_bytes",
            Limits {
                all_path_bytes: 10,
                ..base.clone()
            },
        ),
        (
            "packages",
            Limits {
                packages: 1,
                ..base
            },
        ),
    ];
    for (name, limits) in cases {
        let message = error(&tar, &limits).to_string();
        assert!(message.contains(&format!("`{name}`")), "{name}: {message}");
    }
}

#[test]
fn files_beyond_a_limit_are_reported_as_not_read() {
    let tar = small()
        .file("var/lib/dpkg/status", vec![b'\n'; 5000])
        .file(
            "srv/a/package.json",
            "{\"name\": \"a\", \"version\": \"1\"}",
        )
        .file("srv/b/package.json", vec![b' '; 5 << 20])
        .tar();
    let limits = |file_bytes, all_file_bytes| Limits {
        file_bytes,
        all_file_bytes,
        ..Limits::default()
    };
    for (limits, name) in [
        (limits(4999, 1 << 30), "`file_bytes`"),
        (limits(1 << 30, 4999), "`all_file_bytes`"),
    ] {
        let report = scan_layer(&mut &*tar, "", &limits, DiffId::Compute).expect("a layer");
        let status = &report.problems[0];
        assert_eq!(status.path, "var/lib/dpkg/status");
        assert!(status.text.contains("not read") && status.text.contains(name));
        assert_eq!(report.problems[1].path, "srv/b/package.json");
        let read: Vec<_> = report.extracts.iter().map(|e| e.path.as_str()).collect();
        assert_eq!(read, ["srv/a/package.json"]);
    }
    let report = scan(&tar);
    assert!(report.problems[0].text.starts_with("npm: not read"));
}

#[test]
fn a_zip_bomb_ends_at_the_limit() {
    let bomb = gzip(&Layer::new().file("zeros", vec![0; 50 << 20]).tar());
    assert!(bomb.len() < 1 << 20);
    let limits = Limits {
        uncompressed_bytes: 1 << 20,
        ..Limits::default()
    };
    assert!(matches!(
        error(&bomb, &limits),
        ScanError::Limit {
            name: "uncompressed_bytes",
            ..
        }
    ));
}

#[test]
fn kinds_rights_and_links() {
    let layer = Layer::new()
        .mode("bin/su", 0o4755, "x")
        .hardlink("bin/su2", "bin/su")
        .dir("d");
    let report = layer.scan();
    let kinds: Vec<_> = report.files.iter().map(|f| (f.kind, f.mode)).collect();
    assert_eq!(kinds[0], (EntryKind::File, 0o4755));
    assert_eq!(kinds[1].0, EntryKind::Hardlink);
    assert_eq!(kinds[2], (EntryKind::Directory, 0o755));
}

#[test]
fn a_report_survives_json_compactly() {
    let report = small()
        .file("etc/os-release", "ID=alpine\n")
        .whiteout("etc/gone")
        .scan();
    let json = serde_json::to_string(&report).expect("plain values");
    assert!(
        json.contains(r#"["etc/motd","f",6,420,0,0,null]"#),
        "{json}"
    );
    assert_eq!(
        report,
        serde_json::from_str(&json).expect("what was written")
    );
}

proptest! {
    #[test]
    fn never_panics_on_noise(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        drop(scan_layer(&mut &*bytes, "", &Limits::default(), DiffId::Compute));
    }

    #[test]
    fn never_panics_on_flipped_bytes(
        flips in proptest::collection::vec((0_usize..6000, any::<u8>()), 1..20),
    ) {
        let long = "n".repeat(150);
        let layer = small().file(&long, "x").hardlink("h", &long).file("var/lib/dpkg/status", "a");
        let mut bytes = layer.tar();
        for (place, byte) in flips {
            let length = bytes.len();
            bytes[place % length] = byte;
        }
        // Checksums made right again, so that the flips reach the fields.
        for block in bytes.chunks_exact_mut(512) {
            let sum: u32 = block[..148].iter().chain(&block[156..]).map(|b| u32::from(*b)).sum();
            if sum > 0 {
                block[148..156].copy_from_slice(format!("{:06o}\0 ", sum + 256).as_bytes());
            }
        }
        drop(scan_layer(&mut &*bytes, "", &Limits::default(), DiffId::Compute));
    }
}
