//! Certificates around keys (RFC 5280): what Notary's root keys and many delegation keys are.
//!
//! Their signatures are not looked at. A root is trusted because its own key signed it and
//! clients pin it; the certificate carries the name of the one repository it is for, and when
//! it ends.

use chrono::{DateTime, TimeDelta, Utc};
use p256::{
    ecdsa::{VerifyingKey, signature::Keypair},
    pkcs8::{
        EncodePublicKey as _,
        spki::{self, AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier},
    },
};
use sha2::{Digest as _, Sha256};
use x509_cert::{
    Certificate as X509, TbsCertificate,
    builder::{self, Builder as _, CertificateBuilder, profile::BuilderProfile},
    der::{
        Decode as _, Encode as _, EncodePem as _, SliceReader, TagNumber,
        asn1::{BitString, ContextSpecific, UtcTime},
        oid::ObjectIdentifier,
        pem::LineEnding,
    },
    ext::{
        Extension, ToExtension as _,
        pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages},
    },
    name::Name,
    serial_number::SerialNumber,
    spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef},
    time::{Time, Validity},
};

use super::Invalid;
use crate::{SignError, Signer, SigningKey};

/// A bundle is a certificate and those that vouch for it.
const MOST_IN_BUNDLE: usize = 8;
/// Clocks may be apart: a certificate may begin a day from now, as in the reference.
const LEEWAY: TimeDelta = TimeDelta::days(1);
/// Signatures that are good enough: RSA (RFC 8017) and ECDSA (RFC 5758), each with SHA-256,
/// SHA-384 and SHA-512, and Ed25519 (RFC 8410).
const SOUND: [&str; 7] = [
    "1.2.840.113549.1.1.11",
    "1.2.840.113549.1.1.12",
    "1.2.840.113549.1.1.13",
    "1.2.840.10045.4.3.2",
    "1.2.840.10045.4.3.3",
    "1.2.840.10045.4.3.4",
    "1.3.101.112",
];
/// RSA with PSS, whose hash stands beside it (RFC 4055).
const PSS: &str = "1.2.840.113549.1.1.10";
const SHA2: [&str; 3] = [
    "2.16.840.1.101.3.4.2.1",
    "2.16.840.1.101.3.4.2.2",
    "2.16.840.1.101.3.4.2.3",
];

/// What is read of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    /// Whom it is for: a GUN, or the beginning of several with `*` at its end.
    pub(super) common_name: String,
    /// The key, as SPKI DER.
    pub(super) spki: Vec<u8>,
    begins: DateTime<Utc>,
    ends: DateTime<Utc>,
    is_ca: bool,
    is_signed_soundly: bool,
}

impl Certificate {
    /// Returns whether it is for `gun`.
    pub(super) fn is_for(&self, gun: &str) -> bool {
        match self.common_name.strip_suffix('*') {
            Some(prefix) => gun.starts_with(prefix),
            None => self.common_name == gun,
        }
    }

    /// Returns whether it may be used at all, whatever the time.
    pub(super) fn is_sound(&self) -> bool {
        self.begins <= self.ends && self.is_signed_soundly
    }

    /// Returns whether `now` is within its time.
    pub(super) fn is_in_force(&self, now: DateTime<Utc>) -> bool {
        self.begins <= now + LEEWAY && now <= self.ends
    }
}

/// What Docker's own client writes around a root key: for signing code, no authority's.
struct RootProfile(Name);

/// Why there is no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertifyError {
    /// The name cannot stand in one.
    #[error("no certificate can be made for `{0}`: {1}")]
    Name(String, String),
    /// The key did not sign it.
    #[error(transparent)]
    Unsigned(#[from] SignError),
}

/// Whose signature a certificate gets.
struct Issuer(VerifyingKey);

impl Keypair for Issuer {
    type VerifyingKey = VerifyingKey;

    fn verifying_key(&self) -> VerifyingKey {
        self.0
    }
}

impl DynSignatureAlgorithmIdentifier for Issuer {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        self.0.signature_algorithm_identifier()
    }
}

/// For signing code (RFC 5280, section 4.2.1.12).
const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";

impl BuilderProfile for RootProfile {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.0.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let subject = tbs.subject();
        let purposes = ExtendedKeyUsage(vec![ObjectIdentifier::new_unwrap(CODE_SIGNING)]);
        let constraints = BasicConstraints {
            ca: false,
            path_len_constraint: None,
        };
        Ok(vec![
            KeyUsage(KeyUsages::DigitalSignature.into()).to_extension(subject, &[])?,
            purposes.to_extension(subject, &[])?,
            constraints.to_extension(subject, &[])?,
        ])
    }
}

/// Makes the certificate with which a key is a root key of `gun`, signed by itself.
pub(super) fn for_root(
    key: &SigningKey,
    gun: &str,
    times: (DateTime<Utc>, DateTime<Utc>),
) -> Result<String, Invalid> {
    let certificate = code_signing(key, gun, times).map_err(|error| Invalid(error.to_string()))?;
    certificate
        .to_pem(LineEnding::LF)
        .map_err(|error| Invalid(format!("no certificate can be made for `{gun}`: {error}")))
}

/// Makes a certificate of a key for `name`, to sign code with, signed by itself.
pub(crate) fn code_signing(
    key: &dyn Signer,
    name: &str,
    (begins, ends): (DateTime<Utc>, DateTime<Utc>),
) -> Result<X509, CertifyError> {
    let wrong =
        |error: &dyn std::fmt::Display| CertifyError::Name(name.to_owned(), error.to_string());
    let time = |time: DateTime<Utc>| {
        let since = std::time::Duration::from_secs(u64::try_from(time.timestamp()).unwrap_or(0));
        UtcTime::from_unix_duration(since).map(Time::UtcTime)
    };
    let validity = Validity::new(
        time(begins).map_err(|error| wrong(&error))?,
        time(ends).map_err(|error| wrong(&error))?,
    );
    let subject: Name = format!("CN={name}")
        .parse()
        .map_err(|error: x509_cert::der::Error| wrong(&error))?;
    let number = Sha256::digest(format!("{name} {}", begins.timestamp()));
    let serial =
        SerialNumber::new(&[&[1], &number[..15]].concat()).map_err(|error| wrong(&error))?;
    let issuer = Issuer(*key.public().inner());
    let spki = issuer
        .0
        .to_public_key_der()
        .map_err(|error| wrong(&error))?;
    let spki =
        SubjectPublicKeyInfoOwned::from_der(spki.as_bytes()).map_err(|error| wrong(&error))?;
    let mut builder = CertificateBuilder::new(RootProfile(subject), serial, validity, spki)
        .map_err(|error| wrong(&error))?;
    let message = builder.finalize(&issuer).map_err(|error| wrong(&error))?;
    let signature = BitString::from_bytes(&key.sign_der(&message)?);
    let signature = signature.map_err(|error| wrong(&error))?;
    builder
        .assemble(signature, &issuer)
        .map_err(|error| wrong(&error))
}

/// Reads the PEM blocks of `pem` and returns the first certificate, and whether it alone is
/// no authority's, as it must be for a root key.
pub(super) fn first(pem: &[u8]) -> Option<(Certificate, bool)> {
    let blocks = pem
        .windows(11)
        .filter(|part| part == b"-----BEGIN ")
        .count();
    if blocks == 0 || blocks > MOST_IN_BUNDLE {
        return None;
    }
    let chain = X509::load_pem_chain(pem).ok()?;
    let mut chain = chain.iter().map(read);
    let first = chain.next()??;
    let others_vouch = chain.all(|other| other.is_some_and(|other| other.is_ca));
    let is_leaf = !first.is_ca && others_vouch;
    Some((first, is_leaf))
}

fn read(certificate: &X509) -> Option<Certificate> {
    let about = certificate.tbs_certificate();
    let constraints = about.get_extension::<BasicConstraints>().ok()?;
    let time = |time: Time| {
        let seconds = time.to_unix_duration().as_secs();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)
    };
    let name = about.subject().common_name().ok()?;
    Some(Certificate {
        common_name: name
            .map(|name| name.value().into_owned())
            .unwrap_or_default(),
        spki: about.subject_public_key_info().to_der().ok()?,
        begins: time(about.validity().not_before)?,
        ends: time(about.validity().not_after)?,
        is_ca: constraints.is_some_and(|(_, constraints)| constraints.ca),
        is_signed_soundly: is_sound(certificate.signature_algorithm()),
    })
}

/// Tells whether an algorithm of signatures is none that can be forged.
fn is_sound(algorithm: &AlgorithmIdentifierOwned) -> bool {
    let is_in = |list: &[&str], found: ObjectIdentifier| {
        list.iter()
            .any(|oid| ObjectIdentifier::new_unwrap(oid) == found)
    };
    match is_in(&[PSS], algorithm.oid) {
        true => pss_hash(algorithm).is_some_and(|hash| is_in(&SHA2, hash)),
        false => is_in(&SOUND, algorithm.oid),
    }
}

/// Returns the hash of an RSA signature with PSS; none where it is left out, which means SHA-1.
fn pss_hash(algorithm: &AlgorithmIdentifierOwned) -> Option<ObjectIdentifier> {
    let parameters = algorithm.parameters.as_ref()?;
    let mut reader = SliceReader::new(parameters.value()).ok()?;
    let hash =
        ContextSpecific::<AlgorithmIdentifierOwned>::decode_explicit(&mut reader, TagNumber(0));
    Some(hash.ok()??.value.oid)
}
