//! VEX documents of every format, and whether their statements hold for something.
#![no_main]

use advisory::vex::{self, Target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(statements) = vex::read(bytes) else {
        return;
    };
    for statement in &statements {
        let names: Vec<&str> = statement.vulnerability.iter().map(String::as_str).collect();
        let products = statement.products.iter().flat_map(|product| &product.names);
        for purl in products.take(8) {
            let target = Target { vulnerability: &names, purl, image: std::slice::from_ref(purl) };
            vex::applicable(&statements, target);
        }
    }
});
