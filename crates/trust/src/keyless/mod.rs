//! Signatures of identities instead of keys: a certificate that was good for minutes says whose
//! a key was, and a log says when it signed (sigstore's "keyless" signatures).
//!
//! Nothing is asked over a network: authorities and logs are those of a [`TrustRoot`] that the
//! operator gave. Step by step, as sigstore's client specification has it: when the signature was
//! made, as authorities of time (RFC 3161) and the log say, and that it stands in the log; the
//! certificate's chain at each of these times, and that a log of certificates promised to take it;
//! the signature; that the log's entry is of just this signature; whose it is.
//! A trust root without logs is that of an instance that has none: there an authority's word for
//! the time is enough.
//!
//! Signatures come in bundles of version 0.3, or as cosign 2 keeps them ([`Kept`]).

mod certificate;
mod entry;
mod kept;
mod root;
mod timestamp;

use chrono::{DateTime, TimeDelta, Utc};
use oci::Digest;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use self::{
    certificate::Leaf,
    entry::{Entry, Signature, is_hash},
    root::bytes,
};
pub use self::{
    kept::Kept,
    root::{MAX_ROOT_BYTES, TrustRoot, TrustRootError},
    timestamp::verify_timestamp,
};
use crate::bundle::{BUNDLE, BundleError, Envelope, MAX_SIGNATURE_BYTES, kind, malformed};

/// As bundles of version 0.3 were called at first.
const BUNDLE_AT_FIRST: &str = "application/vnd.dev.sigstore.bundle+json;version=0.3";
/// The clocks of logs and authorities may be this much ahead.
const LEEWAY: TimeDelta = TimeDelta::minutes(5);
/// No signature has more countersignatures of time.
const MAX_TIMESTAMPS: usize = 16;
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
    /// When it was made, as the first of those who saw it says.
    pub at: DateTime<Utc>,
    /// Its number in the log; none where the instance has no log.
    pub index: Option<u64>,
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
    /// The log's entry is of a kind that says nothing of such a signature.
    #[error(
        "the log's entry of the signature is of the kind {0}, which is not one of such signatures"
    )]
    Entry(String),
    /// Nobody says when.
    #[error(
        "nobody says when the signature was made: neither the log nor a timestamp authority of the market's trust root"
    )]
    Untimed,
    /// The time is yet to come.
    #[error("the signature was seen at {0}, which is yet to come")]
    Future(DateTime<Utc>),
    /// Something is wrong with a countersignature of time.
    #[error("the timestamp of the signature {0}")]
    Timestamp(&'static str),
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
    #[serde(default)]
    timestamp_verification_data: Timestamps,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Timestamps {
    #[serde(default)]
    rfc3161_timestamps: Vec<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Timestamp {
    #[serde(deserialize_with = "bytes")]
    signed_timestamp: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawJson {
    #[serde(deserialize_with = "bytes")]
    raw_bytes: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageSignature {
    message_digest: Option<MessageDigest>,
    #[serde(deserialize_with = "bytes")]
    signature: Vec<u8>,
}

/// What the signer says the signature is over.
#[derive(Deserialize)]
struct MessageDigest {
    algorithm: String,
    digest: String,
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
    let content = (message.as_slice(), Some(envelope.payload.as_slice()));
    let signed = bundle.check(content, signature, (root, now))?;
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
    let Some(signed) = &bundle.message_signature else {
        return Err(KeylessError::Kind("no signature over bytes".to_owned()));
    };
    let mut said = signed.message_digest.iter();
    match said.all(|said| is_hash(&said.algorithm, &said.digest, message)) {
        true => bundle.check((message, None), &signed.signature, with),
        false => Err(KeylessError::Signature),
    }
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
    /// Checks a signature over a message, which is that of an envelope where there is a payload.
    fn check(
        &self,
        (message, payload): (&[u8], Option<&[u8]>),
        signature: &[u8],
        with: (&TrustRoot, DateTime<Utc>),
    ) -> Result<Signed, KeylessError> {
        let material = &self.verification_material;
        let Some(certificate) = &material.certificate else {
            return Err(KeylessError::Kind("no certificate of a signer".to_owned()));
        };
        let timestamps = material
            .timestamp_verification_data
            .rfc3161_timestamps
            .iter();
        let evidence = Evidence {
            entries: &material.tlog_entries,
            timestamps: timestamps
                .map(|found| found.signed_timestamp.as_slice())
                .collect(),
        };
        let signature = Signature {
            message,
            payload,
            signature,
            certificate: &certificate.raw_bytes,
        };
        evidence.check(&signature, with)
    }
}

/// Who saw a signature, and when.
struct Evidence<'a> {
    entries: &'a [Entry],
    /// Answers of timestamp authorities.
    timestamps: Vec<&'a [u8]>,
}

impl Evidence<'_> {
    fn check(
        &self,
        signature: &Signature<'_>,
        (root, now): (&TrustRoot, DateTime<Utc>),
    ) -> Result<Signed, KeylessError> {
        let (mut times, problem) = self.stamped(signature.signature, root)?;
        let entry = self.entry(root)?;
        if let Some(entry) = entry {
            let taken = entry.check(root, times.first().copied());
            // Who has a stamp that does not hold is told why.
            times.extend(taken.map_err(|error| match error {
                KeylessError::Untimed => problem.clone().unwrap_or(error),
                _ => error,
            })?);
        }
        let Some(at) = times.iter().min().copied() else {
            return Err(problem.unwrap_or(KeylessError::Untimed));
        };
        if let Some(future) = times.iter().find(|at| **at > now + LEEWAY) {
            return Err(KeylessError::Future(*future));
        }
        let leaf = Leaf::read(signature.certificate)?;
        leaf.check(root, &times)?;
        if !leaf
            .certificate()
            .verify(signature.message, signature.signature)
        {
            return Err(KeylessError::Signature);
        }
        if let Some(entry) = entry {
            entry.is_of(signature)?;
        }
        let identity = leaf.identity().ok_or(KeylessError::Certificate(
            "names no identity, or more than one",
        ))?;
        let index = entry.map(Entry::index).transpose()?;
        Ok(Signed {
            identity,
            at,
            index,
        })
    }

    /// Returns when authorities of the root saw the signature, and why one of the answers does not hold.
    fn stamped(
        &self,
        signature: &[u8],
        root: &TrustRoot,
    ) -> Result<(Vec<DateTime<Utc>>, Option<KeylessError>), KeylessError> {
        if self.timestamps.len() > MAX_TIMESTAMPS {
            return Err(KeylessError::Timestamp("is one of too many"));
        }
        let (mut times, mut problem) = (Vec::new(), None);
        for answer in &self.timestamps {
            match verify_timestamp(answer, signature, root) {
                Ok(at) => times.push(at),
                Err(error) => problem = Some(error),
            }
        }
        Ok((times, problem))
    }

    /// Returns the log's entry, where the root names logs.
    fn entry(&self, root: &TrustRoot) -> Result<Option<&Entry>, KeylessError> {
        match self.entries {
            _ if !root.names_logs() => Ok(None),
            [entry] => Ok(Some(entry)),
            more => Err(KeylessError::Kind(format!(
                "{} entries of logs, where one is expected",
                more.len()
            ))),
        }
    }
}
