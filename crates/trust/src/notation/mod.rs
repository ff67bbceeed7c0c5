//! Notation's signatures (notaryproject/specifications, "Signature Specification"): an envelope
//! in JWS or COSE around the descriptor of an image, in a manifest that refers to the image.
//!
//! Step by step, as the specification has it: the envelope's form, its attributes, the chain of
//! certificates, the signature, whether one of the certificates is trusted, times, and at last
//! what was signed. Revocation lists and countersignatures of time are not looked at: without
//! them every certificate must be in force both when the signature was made and now.

mod certificate;
mod cose;
mod jws;
mod sign;

use chrono::{DateTime, TimeDelta, Utc};
use oci::{Descriptor, Digest};
use serde::Deserialize;

pub use crate::tuf::CertifyError;
pub use certificate::{Certificate, CertificateError};
pub use sign::{Certified, certify, manifest};

use crate::PublicKey;
use certificate::Algorithm;
pub(crate) use certificate::{modulus_bits, padded};

/// The artifact type of the manifest that carries a signature.
pub const SIGNATURE: &str = "application/vnd.cncf.notary.signature";
/// The media type of an envelope in JSON.
pub const JWS: &str = "application/jose+json";
/// The media type of an envelope in CBOR.
pub const COSE: &str = "application/cose";
/// No envelope is larger, in bytes.
pub const MAX_ENVELOPE_BYTES: usize = 1 << 20;

const PAYLOAD: &str = "application/vnd.cncf.notary.payload.v1+json";
const SCHEME: &str = "io.cncf.notary.signingScheme";
const SIGNING_TIME: &str = "io.cncf.notary.signingTime";
const AUTHENTIC_TIME: &str = "io.cncf.notary.authenticSigningTime";
const EXPIRY: &str = "io.cncf.notary.expiry";
/// The signer's own clock tells the time.
const X509: &str = "notary.x509";
/// A signing service vouches for the time; here it is believed no more than the signer's.
const SIGNING_AUTHORITY: &str = "notary.x509.signingAuthority";

/// No chain is longer, no list of critical attributes either.
const MAX_PARTS: usize = 16;
/// The clocks of the signer, and of who made a certificate, may be this much ahead.
const LEEWAY: TimeDelta = TimeDelta::minutes(5);

/// A signature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The trusted certificate, by [`Certificate::thumbprint`].
    pub thumbprint: String,
    /// Whose certificate signed.
    pub subject: String,
    /// `PS256`, `ES384` and so on.
    pub algorithm: &'static str,
    /// When it was signed, as the signer says.
    pub signed_at: DateTime<Utc>,
    /// Until when the signer wants it believed.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why a signature does not hold; the order of the variants is the order of the steps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotationError {
    /// It is too large.
    #[error("the envelope has more than {MAX_ENVELOPE_BYTES} bytes")]
    TooLarge,
    /// It is of a form that is not Notation's.
    #[error("the envelope is of the type `{0}`; sign with `--signature-format jws` or `cose`")]
    Kind(String),
    /// It is not what Notation writes.
    #[error("the envelope is malformed: {0}")]
    Malformed(String),
    /// An algorithm that is not one of the six.
    #[error(
        "the signature is made with `{0}`; sign with PS256, PS384, PS512, ES256, ES384 or ES512"
    )]
    Algorithm(String),
    /// The signer demands what cannot be done here.
    #[error(
        "the signer demands that `{0}` be understood, which is not: sign without the plugin that adds it"
    )]
    Critical(String),
    /// A rule about attributes is broken.
    #[error("the signature's attributes contradict each other: {0}")]
    Attributes(String),
    /// A rule about certificates is broken.
    #[error("the certificate of `{subject}` {problem}")]
    Certificate {
        /// Whose it is.
        subject: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The signature does not match.
    #[error(
        "the signature does not fit the certificate of `{0}`: the envelope was altered, or signed by another key"
    )]
    Signature(String),
    /// None of the certificates is trusted.
    #[error(
        "none of the certificates of the signature is registered ({0}): register the signing certificate, or that of the authority above it"
    )]
    Untrusted(String),
    /// It is no longer, or not yet, to be believed.
    #[error("{0}: sign again")]
    Time(String),
    /// It is about something else.
    #[error("`{subject}` signed {named}, not {expected}")]
    OtherDigest {
        /// Who signed.
        subject: String,
        /// What it is for.
        named: String,
        /// What was asked about.
        expected: Digest,
    },
}

/// What signatures are believed by.
#[derive(Debug, Clone, Copy)]
pub enum Trusted<'a> {
    /// Certificates: signers' own, or those of authorities above them.
    Certificates(&'a [Certificate]),
    /// A key, whatever certificate the signer made for it.
    Key(&'a PublicKey),
}

impl Trusted<'_> {
    /// Returns the certificate of a chain that is believed, the signer's first.
    fn find<'c>(&self, chain: &'c [Certificate]) -> Option<&'c Certificate> {
        match self {
            Self::Certificates(known) => chain.iter().find(|found| known.contains(found)),
            Self::Key(key) => chain.first().filter(|leaf| leaf.is_for(key)),
        }
    }
}

/// What an envelope says, in whatever form it came.
struct Envelope {
    algorithm: String,
    content_type: String,
    scheme: String,
    signing_time: Option<DateTime<Utc>>,
    authentic_time: Option<DateTime<Utc>>,
    expiry: Option<DateTime<Utc>>,
    /// What must be understood.
    critical: Vec<String>,
    payload: Vec<u8>,
    /// What is signed: attributes and payload.
    message: Vec<u8>,
    signature: Vec<u8>,
    /// Certificates as DER, the signer's first.
    chain: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    target_artifact: Target,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    media_type: String,
    digest: String,
    size: u64,
}

/// Verifies that `envelope`, a blob of the given media type, is a signature over `image` that
/// is by somebody `trusted`.
///
/// # Errors
/// [`NotationError`] says why not.
pub fn verify(
    (media_type, envelope): (&str, &[u8]),
    image: &Descriptor,
    trusted: Trusted<'_>,
    now: DateTime<Utc>,
) -> Result<Verified, NotationError> {
    if envelope.len() > MAX_ENVELOPE_BYTES {
        return Err(NotationError::TooLarge);
    }
    let envelope = match media_type {
        JWS => jws::parse(envelope)?,
        COSE => cose::parse(envelope)?,
        other => return Err(NotationError::Kind(shorten(other))),
    };
    let algorithm = Algorithm::named(&envelope.algorithm)
        .ok_or_else(|| NotationError::Algorithm(shorten(&envelope.algorithm)))?;
    let signed_at = envelope.attributes()?;
    let chain = read_chain(&envelope.chain)?;
    certificate::check_chain(&chain, [signed_at, now])?;
    let leaf = &chain[0];
    if leaf.algorithm() != Some(algorithm) {
        let problem = format!("is for another algorithm than {}", algorithm.as_str());
        return Err(leaf.refuse(problem));
    }
    if !leaf.signed(&envelope.message, &envelope.signature) {
        return Err(NotationError::Signature(leaf.subject()));
    }
    let anchor = trusted
        .find(&chain)
        .ok_or_else(|| NotationError::Untrusted(named(&chain)))?;
    envelope.check_times(signed_at, now)?;
    envelope.check_target(leaf, image)?;
    Ok(Verified {
        thumbprint: anchor.thumbprint(),
        subject: leaf.subject(),
        algorithm: algorithm.as_str(),
        signed_at,
        expires_at: envelope.expiry,
    })
}

impl Envelope {
    /// Checks the attributes against each other and returns when it was signed.
    fn attributes(&self) -> Result<DateTime<Utc>, NotationError> {
        let wrong = |what: &str| Err(NotationError::Attributes(what.to_owned()));
        if self.content_type != PAYLOAD {
            let kind = shorten(&self.content_type);
            return wrong(&format!("the payload is of the type `{kind}`"));
        }
        if self.critical.len() > MAX_PARTS {
            return wrong("too many of them are critical");
        }
        let is_authority = self.scheme == SIGNING_AUTHORITY;
        if !is_authority && self.scheme != X509 {
            let scheme = shorten(&self.scheme);
            return wrong(&format!("the signing scheme is `{scheme}`"));
        }
        let known = [SCHEME, EXPIRY, AUTHENTIC_TIME];
        if let Some(unknown) = self.critical.iter().find(|n| !known.contains(&n.as_str())) {
            return Err(NotationError::Critical(shorten(unknown)));
        }
        let is_critical = |name: &str| self.critical.iter().any(|found| found == name);
        let must = [
            (SCHEME, true),
            (EXPIRY, self.expiry.is_some()),
            (AUTHENTIC_TIME, is_authority),
        ];
        for (name, is_there) in must {
            if is_critical(name) != is_there {
                return wrong(&format!("`{name}` is critical exactly where it is used"));
            }
        }
        let (time, other) = match is_authority {
            true => (self.authentic_time, self.signing_time),
            false => (self.signing_time, self.authentic_time),
        };
        match (time, other) {
            (Some(time), None) => Ok(time),
            (None, _) => wrong("it says not when it was made"),
            (_, Some(_)) => wrong("it has a time that its signing scheme has not"),
        }
    }

    fn check_times(
        &self,
        signed_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), NotationError> {
        let wrong = |what: String| Err(NotationError::Time(what));
        if signed_at > now + LEEWAY {
            return wrong(format!(
                "the signature says that it was made at {signed_at:?}, which is yet to come"
            ));
        }
        match self.expiry {
            Some(expiry) if expiry <= signed_at => {
                wrong("the signature ended before it was made".to_owned())
            }
            Some(expiry) if expiry <= now => {
                wrong(format!("the signature was good until {expiry:?}"))
            }
            _ => Ok(()),
        }
    }

    fn check_target(&self, leaf: &Certificate, image: &Descriptor) -> Result<(), NotationError> {
        let payload: Payload = serde_json::from_slice(&self.payload)
            .map_err(|error| NotationError::Malformed(error.to_string()))?;
        let target = payload.target_artifact;
        let is_it = target.digest == image.digest.as_str()
            && target.size == image.size
            && target.media_type == image.media_type;
        if is_it {
            return Ok(());
        }
        Err(NotationError::OtherDigest {
            subject: leaf.subject(),
            named: shorten(&format!(
                "{} of {} bytes ({})",
                target.digest, target.size, target.media_type
            )),
            expected: image.digest.clone(),
        })
    }
}

fn read_chain(chain: &[Vec<u8>]) -> Result<Vec<Certificate>, NotationError> {
    if chain.is_empty() || chain.len() > MAX_PARTS {
        return Err(NotationError::Malformed(format!(
            "it has {} certificates; between 1 and {MAX_PARTS} are expected",
            chain.len()
        )));
    }
    let read = |der: &Vec<u8>| Certificate::from_der(der);
    let chain: Result<_, CertificateError> = chain.iter().map(read).collect();
    chain.map_err(|error| NotationError::Malformed(error.to_string()))
}

/// Names certificates for people.
fn named(chain: &[Certificate]) -> String {
    let names = chain
        .iter()
        .map(|found| format!("`{}`, SHA-256 {}", found.subject(), found.thumbprint()));
    names.collect::<Vec<_>>().join("; ")
}

fn shorten(text: &str) -> String {
    text.chars().take(200).collect()
}
