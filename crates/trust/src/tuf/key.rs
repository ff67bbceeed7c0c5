//! Public keys in TUF metadata, and signatures by them, as Notary v1 clients make them.
//!
//! | `keytype` | `public`, in base64 | `method` of its signatures |
//! |---|---|---|
//! | `ecdsa` | SPKI DER | `ecdsa`: r and s, over SHA-256 |
//! | `ecdsa-x509` | a PEM certificate | the same |
//! | `ed25519` | 32 bytes | `eddsa` |
//! | `rsa` | SPKI DER | `rsapss`, `rsapkcs1v15`, or for PEM `pycrypto-pkcs#1 pss` |
//! | `rsa-x509` | a PEM certificate | `rsapss`, `rsapkcs1v15` |

use std::{borrow::Cow, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use pkcs8::spki::{SubjectPublicKeyInfoRef, der::Encode as _};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{certificate, certificate::Certificate, json::canonical};
use crate::{
    notation::modulus_bits,
    pem,
    spki::{FEWEST_BITS, Material, is_good_ed25519},
};

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    kind: String,
    public: Vec<u8>,
    id: String,
}

impl Key {
    /// Makes a key of its two parts.
    pub fn new(kind: &str, public: Vec<u8>) -> Self {
        let mut key = Self {
            kind: kind.to_owned(),
            public,
            id: String::new(),
        };
        let text = canonical(&key.to_json()).expect("texts always have a canonical form");
        key.id = hex::encode(Sha256::digest(text));
        key
    }

    /// Returns the public half of `key` in the form that TUF has for it.
    pub fn of(key: &crate::PublicKey) -> Self {
        Self::new("ecdsa", key.to_der())
    }

    /// Returns its name: SHA-256 over its canonical form.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns `ecdsa`, `rsa-x509` and so on.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns its form in metadata and in the answers to requests for keys.
    pub fn to_json(&self) -> Value {
        json!({
            "keytype": self.kind,
            "keyval": { "private": null, "public": STANDARD.encode(&self.public) },
        })
    }

    /// Returns the certificate that it is, if it is one that no authority has.
    pub(super) fn leaf(&self) -> Option<Certificate> {
        let (certificate, is_leaf) = self.certificate()?;
        is_leaf.then_some(certificate)
    }

    fn certificate(&self) -> Option<(Certificate, bool)> {
        let is = self.kind.ends_with("-x509");
        is.then(|| certificate::first(&self.public))?
    }

    /// Returns what tells keys apart whatever is written around them, hexadecimal: SHA-256 of
    /// the SPKI, or of the 32 bytes of an Ed25519 key. None for what is no key that can be
    /// used here, an RSA key below 2048 bits included.
    pub fn fingerprint(&self) -> Option<String> {
        self.material()?;
        let bytes = self.spki().unwrap_or_else(|| self.public.clone());
        Some(hex::encode(Sha256::digest(bytes)))
    }

    /// Tells whether `signature` is this key's over `message`. False for every algorithm and
    /// size that is not in the table above, RSA below 2048 bits included.
    pub(super) fn verify(&self, method: &str, message: &[u8], signature: &[u8]) -> bool {
        let check =
            |algorithm: &'static dyn VerificationAlgorithm, key: &[u8], signature: &[u8]| {
                UnparsedPublicKey::new(algorithm, key)
                    .verify(message, signature)
                    .is_ok()
            };
        match (method, self.material()) {
            ("eddsa", Some(Material::Ed25519(key))) => check(&signature::ED25519, &key, signature),
            ("ecdsa", Some(Material::P256(key))) => {
                check(&signature::ECDSA_P256_SHA256_FIXED, &key, signature)
            }
            ("ecdsa", Some(Material::P384(key))) => signature_der(signature, 48)
                .is_some_and(|der| check(&signature::ECDSA_P384_SHA256_ASN1, &key, &der)),
            ("rsapss" | "pycrypto-pkcs#1 pss", Some(Material::Rsa(key))) => {
                check(&signature::RSA_PSS_2048_8192_SHA256, &key, signature)
            }
            ("rsapkcs1v15", Some(Material::Rsa(key))) => {
                check(&signature::RSA_PKCS1_2048_8192_SHA256, &key, signature)
            }
            _ => false,
        }
    }

    /// Returns the key as SPKI DER, where it is one.
    fn spki(&self) -> Option<Vec<u8>> {
        match self.kind.as_str() {
            "ecdsa-x509" | "rsa-x509" => Some(self.certificate()?.0.spki),
            "rsa" if self.public.starts_with(b"-----") => {
                let (label, der) = pem::decode(str::from_utf8(&self.public).ok()?)?;
                (label == "PUBLIC KEY").then_some(der)
            }
            "ecdsa" | "rsa" => Some(self.public.clone()),
            _ => None,
        }
    }

    fn material(&self) -> Option<Material> {
        if self.kind == "ed25519" {
            let is_good = is_good_ed25519(&self.public);
            return is_good.then(|| Material::Ed25519(self.public.clone()));
        }
        let spki = self.spki()?;
        let spki = SubjectPublicKeyInfoRef::try_from(spki.as_slice()).ok()?;
        let material = Material::of(&spki)?;
        let fits = match &material {
            Material::P256(_) | Material::P384(_) => self.kind.starts_with("ecdsa"),
            Material::Rsa(key) => self.kind.starts_with("rsa") && modulus_bits(key)? >= FEWEST_BITS,
            Material::P521(_) | Material::Ed25519(_) => false,
        };
        fits.then_some(material)
    }
}

/// A key as it stands in metadata.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyText<'a> {
    #[serde(borrow)]
    keytype: Cow<'a, str>,
    #[serde(borrow)]
    keyval: KeyValue<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyValue<'a> {
    #[serde(borrow)]
    public: Cow<'a, str>,
    #[serde(rename = "private")]
    _private: (),
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = KeyText::deserialize(deserializer)?;
        let public = STANDARD.decode(text.keyval.public.as_bytes());
        Ok(Self::new(&text.keytype, public.map_err(D::Error::custom)?))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} {})", self.kind, self.id)
    }
}

/// Writes `r` and `s`, `size` bytes each, as ASN.1 DER, the only form that ring takes for
/// P-384 with SHA-256.
fn signature_der(raw: &[u8], size: usize) -> Option<Vec<u8>> {
    if raw.len() != 2 * size {
        return None;
    }
    let mut body = Vec::new();
    for number in raw.chunks(size) {
        let number = x509_cert::der::asn1::UintRef::new(number).ok()?;
        body.extend(number.to_der().ok()?);
    }
    // Two numbers of at most 49 bytes: the length fits the short form.
    let length = u8::try_from(body.len())
        .ok()
        .filter(|length| *length < 128)?;
    Some([[0x30, length].as_slice(), &body].concat())
}
