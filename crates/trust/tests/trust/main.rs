//! Keys, tokens and signatures, against real files of cosign's and OpenSSL's.

mod bundle;
mod cosign;
mod cosign_keys;
mod instance;
mod jws;
mod key;
mod keyless;
mod log;
mod notation;
mod publisher;
mod timestamps;
mod tools;
mod tuf;
mod weak;

use plimsoll_trust::{PublicKey, SigningKey};

/// A key that is the same each time.
pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from_scalar(&[number; 32]).expect("a small number is a scalar")
}

pub(crate) const COSIGN_KEY: &str = include_str!("../fixtures/cosign.key");
pub(crate) const PAYLOAD: &[u8] = include_bytes!("../fixtures/payload.json");

/// The key that signed the recorded signature.
pub(crate) fn cosign_pub() -> PublicKey {
    PublicKey::from_pem(include_str!("../fixtures/cosign.pub")).expect("cosign's key")
}
