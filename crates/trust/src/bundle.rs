//! Sigstore bundles of version 0.3 around a DSSE envelope with an in-toto statement: how
//! cosign 3 signs images, and what attestations lie in (sigstore/protobuf-specs,
//! secure-systems-lab/dsse, in-toto/attestation).
//!
//! Signatures by keys alone; those by certificates of identities are [`crate::keyless`]'s.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use oci::{Descriptor, Digest, RawManifest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{SignError, Signer, cosign::Verifier, referrer};

/// The media type of a bundle, and the artifact type of the manifest that carries one.
pub const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// What a statement is about that signs an image, and says nothing else of it.
pub const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
/// How something was made (SLSA provenance 1).
pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// What tests found.
pub const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// What is inside (CycloneDX).
pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";
/// What is inside (SPDX 2).
pub const SPDX: &str = "https://spdx.dev/Document";
/// What is true of vulnerabilities (OpenVEX).
pub const OPENVEX: &str = "https://openvex.dev/ns";
/// No bundle is larger, in bytes: bills of materials of large images have megabytes.
pub const MAX_BUNDLE_BYTES: usize = 64 << 20;
/// No bundle that signs an image, and says nothing else of it, is larger, in bytes.
pub const MAX_SIGNATURE_BYTES: usize = 4 << 20;
/// No statement is about more, no envelope has more signatures.
const MAX_PARTS: usize = 100;

const IN_TOTO: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// A statement that a key signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// Whose it is, by [`Verifier::key_id`].
    pub key_id: String,
    /// Of which kind.
    pub predicate_type: String,
    /// What is said.
    pub predicate: Value,
    /// The statement's bytes, as they were signed.
    pub payload: Vec<u8>,
}

/// Why a bundle says nothing of an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// It is too large.
    #[error("the bundle has more than {MAX_BUNDLE_BYTES} bytes")]
    TooLarge,
    /// It is no bundle.
    #[error("the bundle is malformed: {0}")]
    Malformed(String),
    /// It is a bundle of another kind.
    #[error("the bundle is of a kind that is not supported: {0}")]
    Kind(String),
    /// None of the keys signed it.
    #[error("the bundle is signed by none of the {} trusted keys ({}), or was altered", .0.len(), .0.join(", "))]
    UnknownKey(Vec<String>),
    /// A key signed it for something else.
    #[error("key {key_id} signed a statement about something else than {expected}")]
    OtherDigest {
        /// Whose signature it is.
        key_id: String,
        /// What was asked about.
        expected: Digest,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    dsse_envelope: Option<Envelope>,
}

/// A DSSE envelope, as it stands in a bundle.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

/// An envelope's parts, decoded.
pub(crate) struct Opened {
    pub(crate) payload: Vec<u8>,
    pub(crate) signatures: Vec<Vec<u8>>,
}

impl Envelope {
    pub(crate) fn open(&self) -> Result<Opened, BundleError> {
        if self.payload_type != IN_TOTO {
            return Err(kind(&self.payload_type));
        }
        if self.signatures.len() > MAX_PARTS {
            return Err(malformed(&"it has too many signatures"));
        }
        let payload = STANDARD.decode(&self.payload);
        let signatures = self.signatures.iter();
        // What is no base64 is no signature either.
        let signatures = signatures.flat_map(|signature| STANDARD.decode(&signature.sig));
        Ok(Opened {
            payload: payload.map_err(|error| malformed(&error))?,
            signatures: signatures.collect(),
        })
    }
}

impl Opened {
    /// Returns what is signed.
    pub(crate) fn message(&self) -> Vec<u8> {
        encoded(IN_TOTO, &self.payload)
    }

    /// Returns what is stated of an image, of which kind and what; nothing where the statement
    /// is about something else.
    pub(crate) fn about(&self, digest: &Digest) -> Result<Option<(String, Value)>, BundleError> {
        let statement: Statement =
            serde_json::from_slice(&self.payload).map_err(|error| malformed(&error))?;
        if statement.kind != STATEMENT || statement.subject.len() > MAX_PARTS {
            return Err(malformed(&"it holds no in-toto statement of version 1"));
        }
        let is_subject = |subject: &Subject| {
            let found = subject.digest.get(digest.algorithm().as_str());
            found.is_some_and(|found| found == digest.hex())
        };
        let is_about = statement.subject.iter().any(is_subject);
        Ok(is_about.then_some((statement.predicate_type, statement.predicate)))
    }
}

pub(crate) fn malformed(error: &dyn std::fmt::Display) -> BundleError {
    BundleError::Malformed(error.to_string())
}

/// Says that something is of a kind that is not supported.
pub(crate) fn kind(found: &str) -> BundleError {
    BundleError::Kind(found.chars().take(120).collect())
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    #[serde(default)]
    predicate: Value,
}

#[derive(Serialize, Deserialize)]
struct Subject {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    digest: BTreeMap<String, String>,
}

/// What is signed of a payload (DSSE, "PAE"): its type and itself, each after its length.
fn encoded(kind: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Signs a statement about the image `digest`, called `name`, and writes its bundle.
///
/// # Errors
/// The key did not sign.
pub fn sign(
    key: &dyn Signer,
    (name, digest): (&str, &Digest),
    predicate_type: &str,
    predicate: Value,
) -> Result<Vec<u8>, SignError> {
    let statement = Statement {
        kind: STATEMENT.to_owned(),
        subject: vec![Subject {
            name: name.to_owned(),
            digest: BTreeMap::from([(
                digest.algorithm().as_str().to_owned(),
                digest.hex().to_owned(),
            )]),
        }],
        predicate_type: predicate_type.to_owned(),
        predicate,
    };
    let payload = serde_json::to_vec(&statement).expect("texts and values always serialise");
    seal(key, &payload)
}

/// Signs a statement's bytes, as [`verify`] gives them, and writes their bundle.
///
/// # Errors
/// The key did not sign.
pub fn seal(key: &dyn Signer, payload: &[u8]) -> Result<Vec<u8>, SignError> {
    let signature = key.sign_der(&encoded(IN_TOTO, payload))?;
    let hint = STANDARD.encode(Sha256::digest(key.public().to_der()));
    let bundle = json!({
        "mediaType": BUNDLE,
        "verificationMaterial": { "publicKey": { "hint": hint } },
        "dsseEnvelope": {
            "payload": STANDARD.encode(payload),
            "payloadType": IN_TOTO,
            "signatures": [{ "sig": STANDARD.encode(signature) }],
        },
    });
    Ok(bundle.to_string().into_bytes())
}

fn envelope(bundle: &[u8]) -> Result<Opened, BundleError> {
    if bundle.len() > MAX_BUNDLE_BYTES {
        return Err(BundleError::TooLarge);
    }
    let bundle: Bundle = serde_json::from_slice(bundle).map_err(|error| malformed(&error))?;
    if bundle.media_type != BUNDLE {
        return Err(kind(&bundle.media_type));
    }
    bundle.dsse_envelope.ok_or_else(no_statement)?.open()
}

/// Checks that one of `keys` signed the bundle's statement, and that it is about `digest`.
///
/// # Errors
/// [`BundleError`].
pub fn verify<K: Verifier>(
    bundle: &[u8],
    digest: &Digest,
    keys: &[K],
) -> Result<Verified, BundleError> {
    let envelope = envelope(bundle)?;
    let message = envelope.message();
    let signed_by = |key: &&K| {
        let mut signatures = envelope.signatures.iter();
        signatures.any(|signature| key.verify(&message, signature))
    };
    let key = keys
        .iter()
        .find(signed_by)
        .ok_or_else(|| BundleError::UnknownKey(keys.iter().map(K::key_id).collect()))?;
    let Some((predicate_type, predicate)) = envelope.about(digest)? else {
        return Err(BundleError::OtherDigest {
            key_id: key.key_id(),
            expected: digest.clone(),
        });
    };
    Ok(Verified {
        key_id: key.key_id(),
        predicate_type,
        predicate,
        payload: envelope.payload,
    })
}

pub(crate) fn no_statement() -> BundleError {
    BundleError::Kind("it holds a signature over bytes, not a statement".to_owned())
}

/// Makes the manifest that carries a bundle as a referrer of an image, as cosign 3 does; its
/// configuration is the empty one.
pub fn manifest(
    bundle: &[u8],
    predicate_type: &str,
    subject: Descriptor,
    created: DateTime<Utc>,
) -> RawManifest {
    let annotations = [
        ("dev.sigstore.bundle.content", "dsse-envelope".to_owned()),
        (
            "dev.sigstore.bundle.predicateType",
            predicate_type.to_owned(),
        ),
    ];
    referrer::manifest(BUNDLE, (BUNDLE, bundle), annotations, subject, created)
}
