//! CVSS vectors: a score of any vector is on the scale.
#![no_main]

use advisory::cvss::Vector;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(vector) = Vector::parse(text) {
        assert!(vector.base_score().tenths() <= 100 && vector.whole_score().tenths() <= 100);
        assert_eq!(Vector::parse(vector.as_str()).as_ref(), Ok(&vector));
    }
});
