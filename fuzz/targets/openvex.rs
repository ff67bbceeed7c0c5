//! OpenVEX documents that publishers send: what is read is written and read again as the same.
#![no_main]

use advisory::vex::OpenVex;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = OpenVex::read(bytes) else {
        return;
    };
    for product in document.statements.iter().flat_map(|it| &it.products) {
        assert!(product.name.all().next().is_some());
    }
    let written = serde_json::to_vec(&document).expect("a document can be written");
    // Escapes may make it longer than what is read.
    if written.len() <= advisory::vex::MAX_OPENVEX {
        assert_eq!(OpenVex::read(&written), Ok(document));
    }
});
