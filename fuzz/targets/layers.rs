//! A layer, packed or not: what is found in it can be merged with itself, and is found again.
//! One that is not packed is read with the checksums as they are, and with right ones.
#![no_main]

use inventory::{DiffId, Limits, merge, scan_layer};
use libfuzzer_sys::fuzz_target;
use plimsoll_fuzz::mend_headers;

fn read(data: &[u8]) {
    let limits = Limits {
        uncompressed_bytes: 4 << 20,
        entries: 1_000,
        ..Limits::default()
    };
    let scan = || scan_layer(&mut &*data, "fuzz", &limits, DiffId::Skip);
    let Ok(report) = scan() else {
        return;
    };
    assert_eq!(Some(&report), scan().ok().as_ref(), "the same bytes, the same report");
    let digest = |number: u8| format!("sha256:{number:064x}").parse().expect("a digest");
    merge(&[(digest(0), report.clone()), (digest(1), report)]);
}

fuzz_target!(|data: &[u8]| {
    read(data);
    let mut mended = data.to_vec();
    mend_headers(&mut mended);
    if mended != data {
        read(&mended);
    }
});
