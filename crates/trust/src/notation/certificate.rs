//! Certificates of signers ("Certificate Requirements" in the specification), and the six
//! algorithms that their keys sign with.

use chrono::{DateTime, Utc};
use p521::ecdsa::signature::{Verifier as _, hazmat::PrehashVerifier as _};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_cert::{
    Certificate as X509,
    der::{
        Decode as _, Encode as _, Reader as _, SliceReader, asn1::UintRef, oid::ObjectIdentifier,
        referenced::OwnedToRef as _,
    },
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages},
    time::Time,
};

use super::{LEEWAY, NotationError};
use crate::{PublicKey, spki::Material};

/// No certificate is larger, in bytes.
const MAX_CERTIFICATE_BYTES: usize = 64 << 10;

/// What a signer's certificate must not be for: anything, servers, clients, mail, time.
const OTHER_PURPOSES: [&str; 5] = [
    "2.5.29.37.0",
    "1.3.6.1.5.5.7.3.1",
    "1.3.6.1.5.5.7.3.2",
    "1.3.6.1.5.5.7.3.4",
    "1.3.6.1.5.5.7.3.8",
];

/// What a key signs with; the key decides ("Algorithm Selection").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
}

impl Algorithm {
    const ALL: [Self; 6] = [
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|found| found.as_str() == name)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }
}

/// Why a certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It is no certificate, or more than one.
    #[error("expected one certificate (PEM, `BEGIN CERTIFICATE`) of at most 64 KiB")]
    NotOne,
    /// Its key is of a kind that signs nothing here.
    #[error(
        "the certificate's key must be RSA of 2048, 3072 or 4096 bits, or ECDSA on P-256, P-384 or P-521"
    )]
    Key,
}

/// A certificate (RFC 5280).
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    parsed: X509,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({})", self.thumbprint())
    }
}

impl Certificate {
    /// Reads a certificate alone in a PEM file.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn from_pem(text: &str) -> Result<Self, CertificateError> {
        if text.len() > 2 * MAX_CERTIFICATE_BYTES || text.matches("-----BEGIN ").count() != 1 {
            return Err(CertificateError::NotOne);
        }
        match crate::pem::decode(text) {
            Some(("CERTIFICATE", der)) => {
                let read = Self::from_der(&der)?;
                read.algorithm().ok_or(CertificateError::Key)?;
                Ok(read)
            }
            _ => Err(CertificateError::NotOne),
        }
    }

    /// Reads a certificate's DER.
    ///
    /// # Errors
    /// [`CertificateError::NotOne`].
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE_BYTES {
            return Err(CertificateError::NotOne);
        }
        let parsed = X509::from_der(der).map_err(|_| CertificateError::NotOne)?;
        Ok(Self {
            der: der.to_vec(),
            parsed,
        })
    }

    /// Returns its bytes.
    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn parsed(&self) -> &X509 {
        &self.parsed
    }

    /// Returns its key with the algorithm, in DER.
    pub(crate) fn spki(&self) -> Option<Vec<u8>> {
        let spki = self.parsed.tbs_certificate().subject_public_key_info();
        spki.to_der().ok()
    }

    /// Tells whether it is an authority's in force at a time and signed `below`, with so many
    /// authorities between it and the signer.
    fn may_vouch(&self, below: &Self, between: usize, at: DateTime<Utc>) -> bool {
        let (begins, ends) = self.validity();
        let (about, issuer) = (
            below.parsed.tbs_certificate(),
            self.parsed.tbs_certificate(),
        );
        begins <= at
            && at <= ends
            && about.issuer() == issuer.subject()
            && self.authority_problem(between).is_none()
            && self.vouches_for(below) == Some(true)
    }

    /// Tells whether each of `above`, the lowest first, vouches for the one below it at a time.
    /// A chain may end below its root; what an operator gave is believed as it is.
    pub(crate) fn chain_vouches(leaf: &Self, above: &[Self], at: DateTime<Utc>) -> bool {
        let below = std::iter::once(leaf).chain(above);
        let mut pairs = below.zip(above).enumerate();
        pairs.all(|(between, (below, above))| above.may_vouch(below, between, at))
    }

    /// Tells whether it is an authority's.
    pub(crate) fn is_authority(&self) -> bool {
        let about = self.parsed.tbs_certificate();
        let found = about.get_extension::<BasicConstraints>();
        found.is_ok_and(|found| found.is_some_and(|(_, constraints)| constraints.ca))
    }

    /// Returns its name: SHA-256 over its DER, 64 hexadecimal digits.
    pub fn thumbprint(&self) -> String {
        hex::encode(Sha256::digest(&self.der))
    }

    /// Returns whose it is, as RFC 4514 writes names.
    pub fn subject(&self) -> String {
        super::shorten(&self.parsed.tbs_certificate().subject().to_string())
    }

    /// Returns from when until when it is in force.
    pub fn validity(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let validity = self.parsed.tbs_certificate().validity();
        let time = |time: Time, otherwise| {
            let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok();
            seconds
                .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
                .unwrap_or(otherwise)
        };
        // What cannot be told is never.
        (
            time(validity.not_before, DateTime::<Utc>::MAX_UTC),
            time(validity.not_after, DateTime::<Utc>::MIN_UTC),
        )
    }

    /// Tells whether `signature` is by its key over `message`: in ASN.1 DER for ECDSA, PSS with
    /// a salt as long as the hash for RSA, each with the hash that Notation has for the key.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Some((algorithm, key)) = self.key() else {
            return false;
        };
        let ring = |with| check(with, &key, message, signature);
        match algorithm {
            Algorithm::Es256 => ring(&signature::ECDSA_P256_SHA256_ASN1),
            Algorithm::Es384 => ring(&signature::ECDSA_P384_SHA384_ASN1),
            Algorithm::Es512 => p521::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| check_p521(&key, message, &signature)),
            _ => self.signed(message, signature),
        }
    }

    /// Tells whether `signature`, as envelopes have it, is by its key over `message`.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let Some((algorithm, key)) = self.key() else {
            return false;
        };
        let ring = |with| check(with, &key, message, signature);
        match algorithm {
            Algorithm::Ps256 => ring(&signature::RSA_PSS_2048_8192_SHA256),
            Algorithm::Ps384 => ring(&signature::RSA_PSS_2048_8192_SHA384),
            Algorithm::Ps512 => ring(&signature::RSA_PSS_2048_8192_SHA512),
            Algorithm::Es256 => ring(&signature::ECDSA_P256_SHA256_FIXED),
            Algorithm::Es384 => ring(&signature::ECDSA_P384_SHA384_FIXED),
            Algorithm::Es512 => p521::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| check_p521(&key, message, &signature)),
        }
    }

    /// Returns what its key signs with, where it is one of those.
    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        self.key().map(|(algorithm, _)| algorithm)
    }

    /// Returns how its key signs: `PS256`, `ES384` and so on; none for a key of another kind.
    pub fn algorithm_name(&self) -> Option<&'static str> {
        self.algorithm().map(Algorithm::as_str)
    }

    /// Returns its key, where that is one of the market's kind: ECDSA on P-256.
    pub fn public_key(&self) -> Option<PublicKey> {
        match self.key()? {
            (Algorithm::Es256, point) => PublicKey::from_point(&point).ok(),
            _ => None,
        }
    }

    /// Tells whether it is for `key`.
    pub(super) fn is_for(&self, key: &PublicKey) -> bool {
        self.spki() == Some(key.to_der())
    }

    /// Returns its key: a point, or PKCS#1 DER.
    fn key(&self) -> Option<(Algorithm, Vec<u8>)> {
        let spki = self.parsed.tbs_certificate().subject_public_key_info();
        match Material::of(&spki.owned_to_ref())? {
            Material::P256(key) => Some((Algorithm::Es256, key)),
            Material::P384(key) => Some((Algorithm::Es384, key)),
            Material::P521(key) => Some((Algorithm::Es512, key)),
            Material::Rsa(key) => match modulus_bits(&key)? {
                2048 => Some((Algorithm::Ps256, key)),
                3072 => Some((Algorithm::Ps384, key)),
                4096 => Some((Algorithm::Ps512, key)),
                _ => None,
            },
            Material::Ed25519(_) => None,
        }
    }

    /// Tells whether the key of this certificate signed `other`; none where the algorithm is
    /// too weak or not known here.
    fn vouches_for(&self, other: &Self) -> Option<bool> {
        let message = other.parsed.tbs_certificate().to_der().ok()?;
        let signature = other.parsed.signature().as_bytes()?;
        let oid = other.parsed.signature_algorithm().oid;
        self.verify_with(oid, &message, signature)
    }

    /// Tells whether its key made `signature` over `message` with an algorithm of X.509 (RFC 5758);
    /// none where the algorithm is too weak, not the key's or not known here.
    pub(crate) fn verify_with(
        &self,
        oid: ObjectIdentifier,
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        let oid = oid.to_string();
        let (algorithm, key) = self.key()?;
        let is_rsa = matches!(
            algorithm,
            Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512
        );
        let with: &'static dyn VerificationAlgorithm = match (oid.as_str(), algorithm) {
            ("1.2.840.113549.1.1.11", _) if is_rsa => &signature::RSA_PKCS1_2048_8192_SHA256,
            ("1.2.840.113549.1.1.12", _) if is_rsa => &signature::RSA_PKCS1_2048_8192_SHA384,
            ("1.2.840.113549.1.1.13", _) if is_rsa => &signature::RSA_PKCS1_2048_8192_SHA512,
            ("1.2.840.10045.4.3.2", Algorithm::Es256) => &signature::ECDSA_P256_SHA256_ASN1,
            ("1.2.840.10045.4.3.2", Algorithm::Es384) => &signature::ECDSA_P384_SHA256_ASN1,
            ("1.2.840.10045.4.3.3", Algorithm::Es256) => &signature::ECDSA_P256_SHA384_ASN1,
            ("1.2.840.10045.4.3.3", Algorithm::Es384) => &signature::ECDSA_P384_SHA384_ASN1,
            (hash, Algorithm::Es512) => {
                let signature = p521::ecdsa::Signature::from_der(signature).ok()?;
                let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(&key).ok()?;
                let hash = hash_for_p521(hash, message)?;
                return Some(key.verify_prehash(&hash, &signature).is_ok());
            }
            _ => return None,
        };
        Some(check(with, &key, message, signature))
    }

    /// Returns what keeps it from being a signer's.
    fn leaf_problem(&self) -> Option<&'static str> {
        let about = self.parsed.tbs_certificate();
        let (Ok(constraints), Ok(usage), Ok(purposes)) = (
            about.get_extension::<BasicConstraints>(),
            about.get_extension::<KeyUsage>(),
            about.get_extension::<ExtendedKeyUsage>(),
        ) else {
            return Some("has extensions that cannot be read");
        };
        if constraints.is_some_and(|(_, constraints)| constraints.ca) {
            return Some(
                "is an authority's, and signs no images: sign with one that it vouches for",
            );
        }
        let Some((true, KeyUsage(usage))) = usage else {
            return Some(
                "has no critical key usage: make one with `keyUsage=critical,digitalSignature`",
            );
        };
        let other = usage - KeyUsages::DigitalSignature - KeyUsages::NonRepudiation;
        if !usage.contains(KeyUsages::DigitalSignature) || !other.is_empty() {
            return Some(
                "is not for signatures alone: make one with `keyUsage=critical,digitalSignature`",
            );
        }
        let forbidden = OTHER_PURPOSES.map(ObjectIdentifier::new_unwrap);
        if purposes.is_some_and(|(_, found)| found.0.iter().any(|oid| forbidden.contains(oid))) {
            return Some(
                "is for other purposes as well: make one with `extendedKeyUsage=codeSigning`",
            );
        }
        self.algorithm()
            .is_none()
            .then_some("has a key that is too short, or of another kind")
    }

    /// Returns what keeps it from being an authority's, with so many authorities between it and the signer.
    fn authority_problem(&self, below: usize) -> Option<&'static str> {
        let about = self.parsed.tbs_certificate();
        let (Ok(constraints), Ok(usage)) = (
            about.get_extension::<BasicConstraints>(),
            about.get_extension::<KeyUsage>(),
        ) else {
            return Some("has extensions that cannot be read");
        };
        let Some((true, constraints)) = constraints else {
            return Some("has no critical basic constraints, as an authority's must");
        };
        if !constraints.ca {
            return Some("is no authority's, and yet vouches for another");
        }
        if constraints
            .path_len_constraint
            .is_some_and(|most| usize::from(most) < below)
        {
            return Some("vouches for a longer chain than it may");
        }
        match usage {
            Some((true, KeyUsage(usage))) if usage.contains(KeyUsages::KeyCertSign) => None,
            _ => Some("has no critical key usage for signing certificates"),
        }
    }

    pub(super) fn refuse(&self, problem: impl Into<String>) -> NotationError {
        NotationError::Certificate {
            subject: self.subject(),
            problem: problem.into(),
        }
    }
}

/// Checks a chain, the signer's certificate first and the root last, at each of `times`.
pub(super) fn check_chain(
    chain: &[Certificate],
    times: [DateTime<Utc>; 2],
) -> Result<(), NotationError> {
    for (index, found) in chain.iter().enumerate() {
        let problem = match index {
            0 => found.leaf_problem(),
            _ => found.authority_problem(index - 1),
        };
        if let Some(problem) = problem {
            return Err(found.refuse(problem));
        }
        let (begins, ends) = found.validity();
        let is_early = |time: DateTime<Utc>| time < begins - LEEWAY;
        if let Some(time) = times.iter().find(|time| is_early(**time) || **time > ends) {
            return Err(found.refuse(format!(
                "is in force from {begins:?} to {ends:?}, and not at {time:?}"
            )));
        }
        // The last one, the root, vouches for itself.
        let above = chain.get(index + 1).unwrap_or(found);
        let (about, issuer) = (
            found.parsed.tbs_certificate(),
            above.parsed.tbs_certificate(),
        );
        if index + 1 < chain.len() && about.issuer() == about.subject() {
            return Err(found.refuse("is a root, and yet others follow it"));
        }
        if about.issuer() != issuer.subject() {
            return Err(found.refuse(match index + 1 == chain.len() {
                true => "is the last and yet no root: sign with the whole chain up to the root"
                    .to_owned(),
                false => format!(
                    "is not followed by that of its issuer, `{}`",
                    about.issuer()
                ),
            }));
        }
        match above.vouches_for(found) {
            Some(true) => {}
            Some(false) => return Err(found.refuse("is not signed by the one above it")),
            None => {
                return Err(found.refuse(format!(
                    "is signed with an algorithm that is weak or not known here ({})",
                    found.parsed.signature_algorithm().oid
                )));
            }
        }
    }
    Ok(())
}

fn check(
    with: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    let key = UnparsedPublicKey::new(with, key);
    key.verify(message, signature).is_ok()
}

fn check_p521(key: &[u8], message: &[u8], signature: &p521::ecdsa::Signature) -> bool {
    p521::ecdsa::VerifyingKey::from_sec1_bytes(key)
        .is_ok_and(|key| key.verify(message, signature).is_ok())
}

fn hash_for_p521(oid: &str, message: &[u8]) -> Option<[u8; 64]> {
    let hash = match oid {
        "1.2.840.10045.4.3.2" => Sha256::digest(message).to_vec(),
        "1.2.840.10045.4.3.3" => Sha384::digest(message).to_vec(),
        "1.2.840.10045.4.3.4" => Sha512::digest(message).to_vec(),
        _ => return None,
    };
    Some(padded(&hash))
}

/// Returns a hash of at most 64 bytes as a number for P-521: OpenSSL signs certificates, and
/// cosign 2 images, with SHA-256 whatever the curve, and a shorter hash is the same number with
/// zeros before it (FIPS 186-5, 6.4.1).
pub(crate) fn padded(hash: &[u8]) -> [u8; 64] {
    let mut padded = [0; 64];
    padded[64 - hash.len()..].copy_from_slice(hash);
    padded
}

/// Returns how long an RSA key is (RFC 8017, appendix A.1.1).
pub(crate) fn modulus_bits(der: &[u8]) -> Option<usize> {
    let mut reader = SliceReader::new(der).ok()?;
    let bits = reader.sequence(|inner| -> x509_cert::der::Result<usize> {
        let modulus = UintRef::decode(inner)?;
        let _exponent = UintRef::decode(inner)?;
        let bytes = modulus.as_bytes();
        let unused = bytes
            .first()
            .map_or(0, |first| first.leading_zeros() as usize);
        Ok(bytes.len() * 8 - unused)
    });
    bits.ok()
}
