//! Signatures of identities as a publisher may push them: bundles, what cosign 2 keeps beside a
//! signature, answers of timestamp authorities; and a trust root as an operator may give it.
//! Whatever holds is not over what is asked for.
#![no_main]

use std::{collections::BTreeMap, sync::LazyLock};

use chrono::{DateTime, Utc};
use libfuzzer_sys::fuzz_target;
use oci::Digest;
use trust::keyless::{Kept, TrustRoot, verify_message, verify_statement, verify_timestamp};

const TEXT: &[u8] = include_bytes!("../../crates/trust/tests/fixtures/keyless/a.txt");
static ROOT: LazyLock<TrustRoot> = LazyLock::new(|| {
    let json = include_bytes!("../../crates/trust/tests/fixtures/keyless/rekor2/root.json");
    TrustRoot::read(json).expect("a root")
});

fuzz_target!(|data: &[u8]| {
    let now = DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a time");
    let with = (&*ROOT, now);
    assert!(verify_message(data, b"image", with).is_err());
    assert!(verify_statement(data, &Digest::of(b"image"), with).is_err());
    assert!(verify_timestamp(data, b"signature", &ROOT).is_err());
    // Over what was signed, to come further.
    let _whose = (verify_message(data, TEXT, with), verify_statement(data, &Digest::of(TEXT), with));
    let _root = TrustRoot::read(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut parts = text.split('\0');
    let names = ["certificate", "bundle", "rfc3161timestamp"];
    let annotations: BTreeMap<_, _> = names
        .into_iter()
        .zip(&mut parts)
        .map(|(name, part)| (format!("dev.sigstore.cosign/{name}"), part.to_owned()))
        .collect();
    if let Some(kept) = Kept::find(&annotations) {
        assert!(kept.verify(b"image", b"signature", with).is_err());
    }
});
