//! A file of roots to sign, as it may come to the machine that has the root key, and back: what is
//! signed is what it says, and what is read is written again.
#![no_main]

use chrono::{DateTime, Utc};
use libfuzzer_sys::fuzz_target;
use trust::{
    SigningKey,
    tuf::{RootsToSign, named_root_key},
};

fuzz_target!(|data: &[u8]| {
    let Ok(mut roots) = RootsToSign::read(data) else { return };
    assert_eq!(RootsToSign::read(&roots.to_bytes()).as_ref().ok(), Some(&roots));
    let key = |number: u8| SigningKey::from_scalar(&[number; 32]).expect("a scalar");
    let now = DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a time");
    for root in &mut roots.roots {
        root.root = None;
    }
    if roots.sign(&key(8), &[key(7)], now).is_err() {
        return;
    }
    for root in &roots.roots {
        let Some(signed) = &root.root else { continue };
        assert_eq!(signed.version, root.version());
        let said = signed.root().expect("a root");
        assert!(named_root_key(&said, &key(8).public()).is_some());
    }
});
