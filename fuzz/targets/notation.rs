//! Notation's envelopes as a publisher may push them, in both forms, and proofs of keys. None is
//! by a certificate that is trusted.
#![no_main]

use chrono::DateTime;
use libfuzzer_sys::fuzz_target;
use oci::{Descriptor, Digest, media_type};
use trust::{
    SigningKey,
    credential::Credential,
    notation::{COSE, JWS, Trusted, verify},
};

fuzz_target!(|data: &[u8]| {
    let key = SigningKey::from_scalar(&[7; 32]).expect("a small number is a scalar");
    let public = key.public();
    let image = Descriptor::new(media_type::OCI_MANIFEST, Digest::of(b"image"), 5);
    for kind in [JWS, COSE] {
        for trusted in [Trusted::Certificates(&[]), Trusted::Key(&public)] {
            assert!(verify((kind, data), &image, trusted, DateTime::UNIX_EPOCH).is_err());
        }
    }
    let text = String::from_utf8_lossy(data);
    if let Ok(credential) = Credential::parse(&text) {
        assert!(credential.check_proof("text", &text, (None, DateTime::UNIX_EPOCH)).is_err());
    }
    assert!(Credential::Key(public.into()).check_proof("text", &text, (None, DateTime::UNIX_EPOCH)).is_err());
});
