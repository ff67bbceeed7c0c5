//! Seeds for fuzzing, replayed: every analyser finds something in its own, and none
//! minds being cut short or changed.

use std::path::Path;

use plimsoll_inventory::{DiffId, Limits, analyse_file, merge, scan_layer};

use crate::support::digest;

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let entries = std::fs::read_dir(folder.join(target)).expect("a folder of seeds");
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("a seed").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        (name, std::fs::read(&path).expect("its bytes"))
    };
    entries.map(read).collect()
}

#[test]
fn files_are_understood_and_may_be_cut_or_changed_anywhere() {
    let limits = Limits::default();
    let (mut count, mut silent) = (0, Vec::new());
    for (name, seed) in seeds("files") {
        let at = seed.iter().position(|byte| *byte == b'\n').expect("a path");
        let path = std::str::from_utf8(&seed[..at]).expect("a path");
        let bytes = &seed[at + 1..];
        let (found, problems) = analyse_file(path, bytes.to_vec(), &limits).expect("small");
        if found.is_empty() && problems.is_empty() {
            silent.push(name);
        }
        let step = (bytes.len() / 200).max(1);
        for at in (0..bytes.len()).step_by(step) {
            analyse_file(path, bytes[..at].to_vec(), &limits).expect("small");
            for byte in [0, 0x7f, 0xff] {
                let mut changed = bytes.to_vec();
                changed[at] = byte;
                analyse_file(path, changed, &limits).expect("small");
            }
        }
        count += 1;
    }
    assert!(count > 30);
    assert!(silent.is_empty(), "nothing is found in {silent:?}");
}

#[test]
fn layers_are_read_or_refused() {
    for (name, seed) in seeds("layers") {
        let scan =
            |bytes: &[u8]| scan_layer(&mut &*bytes, "test", &Limits::default(), DiffId::Skip);
        let report = scan(&seed).expect("an archive");
        let inventory = merge(&[(digest(0), report)]);
        assert_eq!(inventory.components.len(), 1, "{name}");
        for at in (0..seed.len()).step_by((seed.len() / 300).max(1)) {
            let mut changed = seed.clone();
            changed[at] ^= 0xff;
            for bytes in [&seed[..at], &changed] {
                if let Ok(report) = scan(bytes) {
                    merge(&[(digest(0), report)]);
                }
            }
        }
    }
}
