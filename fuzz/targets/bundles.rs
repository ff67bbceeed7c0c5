//! Sigstore bundles as a publisher may push them. None is signed by the key that is asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::Digest;
use trust::{SigningKey, bundle};

fuzz_target!(|data: &[u8]| {
    let key = SigningKey::from_scalar(&[7; 32]).expect("a small number is a scalar");
    assert!(bundle::verify(data, &Digest::of(b"image"), &[key.public()]).is_err());
});
