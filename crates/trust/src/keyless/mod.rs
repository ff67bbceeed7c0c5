//! Signatures of identities instead of keys: a certificate that was good for minutes says whose
//! a key was, and a log says when it signed (sigstore's "keyless" signatures).
//!
//! Nothing is asked over a network: authorities and logs are those of a [`TrustRoot`] that the
//! operator gave. Step by step, as sigstore's client specification has it: the log's time and
//! its proof; the certificate's chain at that time, and that a log of certificates promised to
//! take it; the signature; that the log's entry is of just this signature; whose it is.
//! Bundles of version 0.3 with the time of the log itself; those with countersignatures of time
//! (RFC 3161, as version 2 of the log has them) are refused with words.

mod certificate;
mod entry;
mod root;

use chrono::{DateTime, TimeDelta, Utc};
use oci::Digest;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

pub use self::root::{MAX_ROOT_BYTES, TrustRoot, TrustRootError};
use self::{
    certificate::Leaf,
    entry::{Entry, OVER_BYTES, OVER_ENVELOPE, Signature},
    root::bytes,
};
use crate::bundle::{BUNDLE, BundleError, Envelope, MAX_SIGNATURE_BYTES, kind, malformed};

/// As bundles of version 0.3 were called at first.
const BUNDLE_AT_FIRST: &str = "application/vnd.dev.sigstore.bundle+json;version=0.3";
/// The log's clock may be this much ahead.
const LEEWAY: TimeDelta = TimeDelta::minutes(5);
/// No part of an identity is longer.
const MAX_NAME_BYTES: usize = 2_000;

/// Who signs: a name, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    issuer: String,
    subject: String,
}

/// Why a text is no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an identity has two lines: `issuer: https://…`, who vouches for it, and `subject: …`, an e-mail address or URI, as they stand in the certificate"
)]
pub struct IdentityError;

impl Identity {
    /// Takes its two parts.
    ///
    /// # Errors
    /// [`IdentityError`]: one of them is empty, too long or has spaces in it.
    pub fn new(issuer: &str, subject: &str) -> Result<Self, IdentityError> {
        let odd = |name: &str| {
            let spaced = |letter: char| letter.is_whitespace() || letter.is_control();
            name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains(spaced)
        };
        match odd(issuer) || odd(subject) || !issuer.starts_with("https://") {
            true => Err(IdentityError),
            false => Ok(Self {
                issuer: issuer.to_owned(),
                subject: subject.to_owned(),
            }),
        }
    }

    /// Reads the two lines that people register, in any order.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let (mut issuer, mut subject) = (None, None);
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or(IdentityError)?;
            let part = match name {
                "issuer" => &mut issuer,
                "subject" => &mut subject,
                _ => return Err(IdentityError),
            };
            if part.replace(value.trim()).is_some() {
                return Err(IdentityError);
            }
        }
        Self::new(issuer.ok_or(IdentityError)?, subject.ok_or(IdentityError)?)
    }

    /// Returns its name: SHA-256 over its two lines, 64 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let lines = format!("issuer: {}\nsubject: {}\n", self.issuer, self.subject);
        hex::encode(Sha256::digest(lines))
    }

    /// Returns who vouches for it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the name.
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` of {}", self.subject, self.issuer)
    }
}

/// A signature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Whose it is.
    pub identity: Identity,
    /// When the log took it.
    pub at: DateTime<Utc>,
    /// Its number in the log.
    pub index: u64,
}

/// Why a signature of an identity does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeylessError {
    /// The bundle cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// It is, or has in it, what is not supported.
    #[error("the bundle holds {0}, which is not supported")]
    Kind(String),
    /// The log's own time is not there.
    #[error(
        "the log did not sign when it took the signature: countersignatures of time are not supported, so sign with version 1 of the log"
    )]
    Untimed,
    /// The log's time is yet to come.
    #[error("the log took the signature at {0}, which is yet to come")]
    Future(DateTime<Utc>),
    /// Something is wrong with the log's entry.
    #[error("the log's entry of the signature {0}")]
    Log(&'static str),
    /// Something is wrong with the signer's certificate.
    #[error("the signer's certificate {0}")]
    Certificate(&'static str),
    /// The signature does not fit.
    #[error("the signature is not by the certificate's key, or what it signs was altered")]
    Signature,
    /// It is about something else.
    #[error("{identity} signed a statement about something else than {expected}")]
    OtherDigest {
        /// Who signed.
        identity: Box<Identity>,
        /// What was asked about.
        expected: Digest,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    verification_material: Material,
    dsse_envelope: Option<Envelope>,
    message_signature: Option<MessageSignature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Material {
    certificate: Option<RawJson>,
    #[serde(default)]
    tlog_entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawJson {
    #[serde(deserialize_with = "bytes")]
    raw_bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct MessageSignature {
    #[serde(deserialize_with = "bytes")]
    signature: Vec<u8>,
}

/// Tells whether a bundle was signed by an identity, and not with a key alone.
pub fn is_keyless(bundle: &[u8]) -> bool {
    let read = serde_json::from_slice::<Bundle>(bundle);
    read.is_ok_and(|bundle| bundle.verification_material.certificate.is_some())
}

/// Checks a bundle with a statement about the image `digest`; gives who signed it and the kind
/// of statement.
///
/// # Errors
/// [`KeylessError`].
pub fn verify_statement(
    bundle: &[u8],
    digest: &Digest,
    (root, now): (&TrustRoot, DateTime<Utc>),
) -> Result<(Signed, String), KeylessError> {
    let bundle = read(bundle)?;
    let envelope = bundle.dsse_envelope.as_ref();
    let envelope = envelope.ok_or_else(crate::bundle::no_statement)?.open()?;
    let [signature] = envelope.signatures.as_slice() else {
        return Err(KeylessError::Signature);
    };
    let message = envelope.message();
    let signed = bundle.check(
        (&message, &envelope.payload, signature),
        &OVER_ENVELOPE,
        (root, now),
    )?;
    match envelope.about(digest)? {
        Some((kind, _)) => Ok((signed, kind)),
        None => Err(KeylessError::OtherDigest {
            identity: Box::new(signed.identity),
            expected: digest.clone(),
        }),
    }
}

/// Checks a bundle with a signature over `message`; gives who signed it.
///
/// # Errors
/// [`KeylessError`].
pub fn verify_message(
    bundle: &[u8],
    message: &[u8],
    with: (&TrustRoot, DateTime<Utc>),
) -> Result<Signed, KeylessError> {
    let bundle = read(bundle)?;
    let Some(MessageSignature { signature }) = &bundle.message_signature else {
        return Err(KeylessError::Kind("no signature over bytes".to_owned()));
    };
    bundle.check((message, message, signature), &OVER_BYTES, with)
}

fn read(bytes: &[u8]) -> Result<Bundle, BundleError> {
    if bytes.len() > MAX_SIGNATURE_BYTES {
        return Err(BundleError::TooLarge);
    }
    let bundle: Bundle = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
    match bundle.media_type.as_str() {
        BUNDLE | BUNDLE_AT_FIRST => Ok(bundle),
        other => Err(kind(other)),
    }
}

impl Bundle {
    /// Checks a signature over `message`, whose entry in the log is of `content`.
    fn check(
        &self,
        (message, content, signature): (&[u8], &[u8], &[u8]),
        places: &entry::Places,
        (root, now): (&TrustRoot, DateTime<Utc>),
    ) -> Result<Signed, KeylessError> {
        let Some(certificate) = &self.verification_material.certificate else {
            return Err(KeylessError::Kind("no certificate of a signer".to_owned()));
        };
        let [entry] = self.verification_material.tlog_entries.as_slice() else {
            return Err(KeylessError::Kind(format!(
                "{} entries of logs, where one is expected",
                self.verification_material.tlog_entries.len()
            )));
        };
        let at = entry.check(root)?;
        if at > now + LEEWAY {
            return Err(KeylessError::Future(at));
        }
        let leaf = Leaf::read(&certificate.raw_bytes)?;
        leaf.check(root, at)?;
        if !leaf.certificate().verify(message, signature) {
            return Err(KeylessError::Signature);
        }
        entry.is_of(&Signature {
            content,
            signature,
            certificate: &certificate.raw_bytes,
            places,
        })?;
        let identity = leaf.identity().ok_or(KeylessError::Certificate(
            "names no identity, or more than one",
        ))?;
        let index = entry.index()?;
        Ok(Signed {
            identity,
            at,
            index,
        })
    }
}
