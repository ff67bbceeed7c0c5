//! Signatures by keys of every kind: the first byte says by which, the rest is the signature.
//! None is over what is asked for. And what else is opened with a key or a path: sealed secrets,
//! proofs of a log.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use trust::{
    cosign::{Key, Verifier as _},
    log::{Hash, verify_consistency, verify_inclusion},
    sealed,
};

static KEYS: LazyLock<[Key; 5]> = LazyLock::new(|| {
    [
        include_str!("../../crates/trust/tests/fixtures/cosign.pub"),
        include_str!("../../crates/trust/tests/fixtures/cosign-keys/p384.pub"),
        include_str!("../../crates/trust/tests/fixtures/cosign-keys/p521.pub"),
        include_str!("../../crates/trust/tests/fixtures/cosign-keys/rsa.pub"),
        include_str!("../../crates/trust/tests/fixtures/cosign-keys/ed25519.pub"),
    ]
    .map(|pem| Key::from_pem(pem).expect("a key"))
});

fuzz_target!(|data: &[u8]| {
    let Some((first, signature)) = data.split_first() else { return };
    let key = &KEYS[usize::from(*first) % KEYS.len()];
    assert!(!key.verify(b"message", signature));
    assert_eq!(sealed::open(&[7; 32], data), None);
    let path: Vec<Hash> = signature.chunks_exact(32).filter_map(|hash| hash.try_into().ok()).collect();
    let (index, size) = (u64::from(*first), u64::from(*first) + path.len() as u64);
    assert!(verify_inclusion((&[1; 32], index), (size, &[2; 32]), &path).is_err());
    let grown = verify_consistency((index, &[2; 32]), (size, &[3; 32]), &path);
    assert!(grown.is_err() || index == 0, "an empty log is where every log begins");
});
