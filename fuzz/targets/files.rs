//! A file inside an image; the first line of the input is its path, which says who reads it.
#![no_main]

use inventory::{Limits, analyse_file};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(at) = data.iter().position(|byte| *byte == b'\n') else {
        return;
    };
    let Ok(path) = std::str::from_utf8(&data[..at]) else {
        return;
    };
    let _any = analyse_file(path, data[at + 1..].to_vec(), &Limits::default());
});
