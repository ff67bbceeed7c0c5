//! A feed as anybody may publish it, of any format, packed or not.
#![no_main]

use std::{io::Cursor, path::Path};

use advisory::feeds::{self, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let limits = Limits {
        input: 1 << 20,
        record: 1 << 16,
        records: 1000,
        entries: 100,
    };
    let mut records = 0_u64;
    let mut sink = |record: advisory::record::Advisory| {
        records += 1;
        // It is stored as JSON and must be read alike from then on.
        let text = serde_json::to_vec(&record).expect("a record has a JSON form");
        let again: advisory::record::Advisory =
            serde_json::from_slice(&text).expect("what was written is read again");
        assert_eq!(again, record);
        Ok(())
    };
    let read = feeds::read(Cursor::new(data), Path::new("photon4.json"), "fuzz", limits, &mut sink);
    if let Ok(summary) = read {
        assert_eq!(summary.records, records, "what was handed on is counted");
    }
});
