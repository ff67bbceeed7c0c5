//! Public keys of every kind that cosign signs with, and what it makes with them.
//!
//! | key | signature | hash |
//! |---|---|---|
//! | ECDSA on P-256 | ASN.1 DER | SHA-256 |
//! | ECDSA on P-384 | ASN.1 DER | SHA-256; in bundles of cosign 3 SHA-384 |
//! | ECDSA on P-521 | ASN.1 DER | SHA-256; in bundles of cosign 3 SHA-512 |
//! | RSA from 2048 bits | PKCS #1 v1.5 | SHA-256 |
//! | Ed25519 | 64 bytes | none before it; in bundles of cosign 3 around statements SHA-512 (RFC 8032, `Ed25519ph`) |

use std::fmt;

use p521::ecdsa::signature::{Verifier as _, hazmat::PrehashVerifier as _};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use sha2::{Digest as _, Sha256, Sha512};
use x509_cert::{
    der::{Decode as _, Encode as _, asn1::UintRef},
    spki::SubjectPublicKeyInfoRef,
};

use crate::{
    KeyError, PublicKey, key_file,
    notation::{modulus_bits, padded},
    pem,
    spki::{FEWEST_BITS, Material},
};

/// Nor are signatures by longer ones checked.
const MOST_BITS: usize = 8192;

/// What checks that something was signed.
pub trait Verifier {
    /// Returns the key's name: SHA-256 over its SPKI DER, hexadecimal.
    fn key_id(&self) -> String;

    /// Tells whether `signature` is by this key over `message`.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool;
}

impl Verifier for PublicKey {
    fn key_id(&self) -> String {
        self.key_id()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verify_der(message, signature)
    }
}

/// A public key of one of the kinds above.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    spki: Vec<u8>,
    material: Material,
}

impl Key {
    /// Reads an SPKI `PUBLIC KEY`, which is what `cosign.pub` is.
    ///
    /// # Errors
    /// [`KeyError`] says what the file is instead, or that the key is too weak.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let der = key_file::public(text)?;
        let spki = SubjectPublicKeyInfoRef::from_der(&der).map_err(|_| KeyError::Kind)?;
        let material = Material::of(&spki).ok_or(KeyError::Kind)?;
        if let Material::Rsa(key) = &material {
            let bits = modulus_bits(key).ok_or(KeyError::Kind)?;
            if !(FEWEST_BITS..=MOST_BITS).contains(&bits) {
                return Err(KeyError::Short(bits));
            }
        }
        if matches!(material, Material::P256(_)) {
            // Its point may be written in two ways, and always could.
            return PublicKey::from_pem(text).map(Self::from);
        }
        match is_canonical(&spki, &material) {
            true => Ok(Self {
                spki: der,
                material,
            }),
            false => Err(KeyError::Kind),
        }
    }

    /// Writes the key as SPKI `PUBLIC KEY`.
    pub fn to_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.spki)
    }

    /// Returns what it signs with, as JWS calls that (RFC 7518, RFC 8037).
    pub fn algorithm_name(&self) -> &'static str {
        match self.material {
            Material::P256(_) => "ES256",
            Material::P384(_) => "ES384",
            Material::P521(_) => "ES512",
            Material::Rsa(_) => "RS256",
            Material::Ed25519(_) => "EdDSA",
        }
    }

    /// Returns what it is called in trust metadata: [`Verifier::key_id`], but for an Ed25519 key,
    /// which has no SPKI there.
    pub fn fingerprint(&self) -> String {
        match &self.material {
            Material::Ed25519(key) => hex::encode(Sha256::digest(key)),
            _ => self.key_id(),
        }
    }
}

/// One key has one name: there is one way to write it down. Lengths are looked at by those who
/// check signatures, where a key that is none signs nothing.
fn is_canonical(spki: &SubjectPublicKeyInfoRef<'_>, material: &Material) -> bool {
    let parameters = spki.algorithm.parameters;
    match material {
        Material::P256(point) | Material::P384(point) | Material::P521(point) => {
            point.first() == Some(&4)
        }
        Material::Rsa(key) => {
            let numbers = Vec::<UintRef<'_>>::from_der(key);
            let again = numbers.and_then(|numbers| numbers.to_der());
            again.is_ok_and(|again| again == *key)
                && parameters.is_some_and(|parameters| parameters.is_null())
        }
        Material::Ed25519(_) => parameters.is_none(),
    }
}

impl From<PublicKey> for Key {
    fn from(key: PublicKey) -> Self {
        Self {
            spki: key.to_der(),
            material: Material::P256(key.to_point()),
        }
    }
}

impl Verifier for Key {
    fn key_id(&self) -> String {
        hex::encode(Sha256::digest(&self.spki))
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let check = |with: &'static dyn VerificationAlgorithm, key: &[u8]| {
            let key = UnparsedPublicKey::new(with, key);
            key.verify(message, signature).is_ok()
        };
        match &self.material {
            Material::P256(key) => check(&signature::ECDSA_P256_SHA256_ASN1, key),
            Material::P384(key) => {
                check(&signature::ECDSA_P384_SHA256_ASN1, key)
                    || check(&signature::ECDSA_P384_SHA384_ASN1, key)
            }
            Material::P521(key) => check_p521(key, message, signature),
            Material::Rsa(key) => check(&signature::RSA_PKCS1_2048_8192_SHA256, key),
            Material::Ed25519(key) => {
                check(&signature::ED25519, key) || check_hashed(key, message, signature)
            }
        }
    }
}

fn check_p521(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(key);
    let signature = p521::ecdsa::Signature::from_der(signature);
    let (Ok(key), Ok(signature)) = (key, signature) else {
        return false;
    };
    let short = padded(&Sha256::digest(message));
    key.verify_prehash(&short, &signature).is_ok() || key.verify(message, &signature).is_ok()
}

fn check_hashed(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = ed25519_dalek::VerifyingKey::try_from(key);
    let signature = ed25519_dalek::Signature::from_slice(signature);
    let (Ok(key), Ok(signature)) = (key, signature) else {
        return false;
    };
    let hash = Sha512::new_with_prefix(message);
    let verified = key.verify_prehashed_strict(hash, None, &signature);
    verified.is_ok()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} {})", self.algorithm_name(), self.key_id())
    }
}
