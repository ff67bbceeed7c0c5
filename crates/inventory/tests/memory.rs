//! Memory has the bound that `docs/analysers.md` states, whatever the layers hold. This is a
//! program of its own, so that it is measured alone.

use std::sync::Mutex;

use oci::{Layout, RawManifest, media_type};
use plimsoll_inventory::{DiffId, Limits, Scan, analyse_file, scan_layers};
use serde_json::json;

const MIB: u64 = 1 << 20;
/// Layers that are read, as many at once as there are processors.
const LAYERS: u8 = 6;
/// What the widest window takes, and a fourth of it for everything else.
const MOST: u64 = 160 << 10;

/// What the densest document takes with its own bytes, kB, and some that others left.
const MOST_OF_A_DOCUMENT: u64 = 192 << 10;
/// One is measured at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// A tar archive of one file as large as given, as zstd: a window of 128 MiB, filled by blocks
/// that repeat one byte.
fn layer(name: u8, mib: u64) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_path(format!("srv/file{name}")).expect("a name");
    header.set_size(mib * MIB);
    header.set_mode(0o644);
    header.set_cksum();
    let block = |last: u32, kind: u32, size: u32| {
        let bytes = (size << 3 | kind << 1 | last).to_le_bytes();
        [bytes[0], bytes[1], bytes[2]]
    };
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3];
    frame.extend(block(0, 0, 512));
    frame.extend(header.as_bytes());
    for _ in 0..mib * 8 {
        frame.extend(block(0, 1, 128 << 10));
        frame.push(name);
    }
    // The two empty blocks at the end.
    frame.extend(block(1, 1, 1024));
    frame.push(0);
    frame
}

/// Returns the most memory this process has had at once, kB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

/// Begins to measure anew, from what is there now.
fn start() -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
    peak()
}

/// A document of `head`, `count` times `item` with numbers for `#`, and `tail`.
fn document(count: usize, head: &str, item: &str, tail: &str) -> Vec<u8> {
    let items = (0..count).map(|number| item.replace('#', &number.to_string()));
    let items: String = items.collect();
    // JSON has no comma behind the last.
    [head, items.trim_end_matches(','), tail]
        .concat()
        .into_bytes()
}

/// Those that are as long as is accepted, and those that are as dense.
#[test]
fn documents_are_not_held_by_the_value() {
    let _alone = ALONE.lock();
    let bill = r#"{"bomFormat":"CycloneDX","components":["#;
    let npm = r#"{"packages":{"#;
    let composer = r#"{"packages":["#;
    let conda = r#"{"name":"a","version":"1","files":["#;
    let cases = [
        ("bom.json", 8_000_000, bill, "0,", "]}"),
        ("bom.json", 5_000_000, bill, "{},", "]}"),
        (
            "bom.json",
            700_000,
            bill,
            r#"{"purl":"pkg:npm/a@1"},"#,
            "]}",
        ),
        ("composer.lock", 245_000, composer, r#"{"name":"a"},"#, "]}"),
        ("composer.lock", 8_000_000, composer, "0,", "]}"),
        ("package-lock.json", 245_000, npm, r##""#":{},"##, "}}"),
        ("conda-meta/a.json", 495_000, conda, r#""","#, "]}"),
        ("Cargo.lock", 8_000_000, "a=[", "0,", "]"),
        ("Cargo.lock", 495_000, "a=[", "0,", "]"),
        ("Cargo.lock", 2_500_000, "", "[[a]]\n", ""),
        ("Cargo.lock", 34_000, "", "[[package]]\nname=1\n", ""),
        ("uv.lock", 62_000, "", "[a#]\nb=1\n", ""),
        ("uv.lock", 240_000, "", "a#=1\n", ""),
        ("uv.lock", 40_000, "a=[", "{b=1},", "]"),
        (
            "uv.lock",
            400_000,
            "",
            "a#.b.b.b.b.b.b.b.b.b.b.b.b.b=1\n",
            "",
        ),
        ("uv.lock", 4_500, "", "a#.b.b.b.b.b.b.b.b.b.b.b.b.b=1\n", ""),
        ("Manifest.toml", 62_000, "", "[[a#]]\n", ""),
    ];
    let (before, mut most) = (start(), 0);
    for (path, count, head, item, tail) in cases {
        let bytes = document(count, head, item, tail);
        // Making it takes more.
        start();
        analyse_file(path, bytes, &Limits::default()).expect("within");
        let taken = peak() - before;
        eprintln!("{taken} kB: {path} {count} of {item}");
        most = most.max(taken);
    }
    assert!(most < MOST_OF_A_DOCUMENT, "{most} kB");
}

#[test]
fn wide_windows_are_open_one_at_a_time() {
    let _alone = ALONE.lock();
    let folder = tempfile::tempdir().expect("a folder");
    let layout = Layout::create(folder.path()).expect("a layout");
    let put = |name| layout.put_bytes(&layer(name, 300), media_type::OCI_LAYER_ZSTD);
    let layers: Vec<_> = (1..=LAYERS)
        .map(|name| put(name).expect("a layer"))
        .collect();
    let diff_ids: Vec<_> = layers.iter().map(|layer| &layer.digest).collect();
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    let config = layout.put_bytes(config.to_string().as_bytes(), media_type::OCI_CONFIG);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": config.expect("a configuration"), "layers": layers,
    });
    let manifest = manifest.to_string().into_bytes();
    let manifest = RawManifest::parse(manifest, Some(media_type::OCI_MANIFEST));
    layout
        .put_manifest(&manifest.expect("a manifest"), Some("a"))
        .expect("a tag");
    let source = layout.select(None).expect("an image");
    let image = oci::platform_images(&source).expect("an image").remove(0);
    let scan = Scan {
        diff_id: DiffId::Skip,
        ..Scan::default()
    };
    let before = start();
    let reports = scan_layers(&source, &image, &scan).expect("reports");
    assert!(
        reports
            .iter()
            .all(|(_, report)| report.uncompressed_size > 300 * MIB)
    );
    let after = peak();
    eprintln!("peak: {before} kB, with wide windows {after} kB");
    assert!(after < before + MOST, "{before} kB, {after} kB");
}
