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
