//! Which key an SPKI holds (RFC 5280, 4.1.2.7), of the kinds that are used here. Whether an RSA
//! key is long enough is for those who use it to say: their rules differ.

use x509_cert::{der::oid::ObjectIdentifier, spki::SubjectPublicKeyInfoRef};

const EC: &str = "1.2.840.10045.2.1";
const RSA: &str = "1.2.840.113549.1.1.1";
const ED25519: &str = "1.3.101.112";
const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";
const P521: &str = "1.3.132.0.35";

/// No shorter RSA key signs for cosign or in trust metadata; Notation names its own sizes.
pub(crate) const FEWEST_BITS: usize = 2048;

/// A public key, as the libraries that check signatures take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Material {
    /// A point (SEC 1).
    P256(Vec<u8>),
    /// A point.
    P384(Vec<u8>),
    /// A point.
    P521(Vec<u8>),
    /// PKCS#1 DER.
    Rsa(Vec<u8>),
    /// The 32 bytes.
    Ed25519(Vec<u8>),
}

impl Material {
    /// Returns the key; none where it is of another kind.
    pub(crate) fn of(spki: &SubjectPublicKeyInfoRef<'_>) -> Option<Self> {
        let is = |found: ObjectIdentifier, oid: &str| found == ObjectIdentifier::new_unwrap(oid);
        let key = spki.subject_public_key.as_bytes()?.to_vec();
        let kind = &spki.algorithm;
        if is(kind.oid, RSA) {
            return Some(Self::Rsa(key));
        }
        if is(kind.oid, ED25519) {
            return is_good_ed25519(&key).then_some(Self::Ed25519(key));
        }
        if !is(kind.oid, EC) {
            return None;
        }
        let curve = kind.parameters?.decode_as::<ObjectIdentifier>().ok()?;
        match () {
            () if is(curve, P256) => Some(Self::P256(key)),
            () if is(curve, P384) => Some(Self::P384(key)),
            () if is(curve, P521) => Some(Self::P521(key)),
            () => None,
        }
    }
}

/// Returns whether these 32 bytes are an Ed25519 key that proves anything: a point of small order
/// has signatures that hold for every message, and a point written in another way is another name
/// for the same key (RFC 8032, 5.1.3).
pub(crate) fn is_good_ed25519(key: &[u8]) -> bool {
    let Ok(bytes) = <[u8; 32]>::try_from(key) else {
        return false;
    };
    let [first, middle @ .., last] = bytes;
    // The number is below 2^255 - 19.
    let is_canonical =
        last & 0x7f != 0x7f || first < 0xed || middle.iter().any(|byte| *byte != 0xff);
    let point = ed25519_dalek::VerifyingKey::from_bytes(&bytes);
    is_canonical && point.is_ok_and(|point| !point.is_weak())
}
