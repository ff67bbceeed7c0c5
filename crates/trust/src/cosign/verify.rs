//! Verification of cosign's signatures, with a precise reason for each refusal.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use oci::{Descriptor, Digest, RawManifest, Reference};

use super::{
    MAX_PAYLOAD_BYTES, MAX_SIGNATURES, PAYLOAD_TYPE, Payload, SIMPLE_SIGNING, Verifier,
    signature_of,
};
use crate::keyless::{Identity, Kept, Signed as Keyless, TrustRoot};

/// By whom a signature must be.
#[derive(Debug)]
pub struct Trusted<'a, K> {
    /// One of these keys,
    pub keys: &'a [K],
    /// or one of these identities,
    pub identities: &'a [Identity],
    /// as the trust root, where there is one, says at this time.
    pub root: Option<(&'a TrustRoot, DateTime<Utc>)>,
}

// Derived, they would ask the same of keys.
impl<K> Clone for Trusted<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Trusted<'_, K> {}

impl<'a, K> Trusted<'a, K> {
    /// Trusts keys alone.
    pub fn keys(keys: &'a [K]) -> Self {
        Self {
            keys,
            identities: &[],
            root: None,
        }
    }
}

/// A signature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whose it is, by [`Verifier::key_id`] or [`Identity::fingerprint`].
    pub key_id: String,
    /// Which identity signed, and when, where it was no key.
    pub identity: Option<Keyless>,
    /// The repository that the signer named.
    pub docker_reference: String,
    /// The bytes that were signed.
    pub payload: Vec<u8>,
}

/// Why no signature holds. Of several signatures, the reason is that of the one that came
/// furthest; the order of the variants is the order of the steps.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum VerifyError {
    /// There is no signature.
    #[error("the image is not signed: the manifest carries no cosign signature")]
    Unsigned,
    /// There are more signatures than anybody makes.
    #[error("the image carries {0} signatures; the limit is {MAX_SIGNATURES}")]
    TooMany(usize),
    /// A payload cannot be had.
    #[error("the signed payload {0} is missing: push the signature again")]
    PayloadMissing(Digest),
    /// A payload is not what the manifest says.
    #[error("the payload has the digest {found}, the signature's manifest says {expected}")]
    PayloadAltered {
        /// What the manifest says.
        expected: Digest,
        /// What the bytes are.
        found: Digest,
    },
    /// A part is not what cosign writes.
    #[error("the signature is malformed: {0}")]
    Malformed(String),
    /// None of the keys made it.
    #[error("the signature over {payload} was made by none of the {} trusted keys ({}), or the payload was altered", tried.len(), tried.join(", "))]
    UnknownKey {
        /// The payload's digest.
        payload: Digest,
        /// The keys tried, by their ids.
        tried: Vec<String>,
    },
    /// It is by an identity, of which nothing can be said.
    #[error(
        "the image is signed by an identity with a certificate, and no trust root says whom to believe (the operator's `trust.identity_root`)"
    )]
    NoTrustRoot,
    /// It is by an identity, and does not hold.
    #[error("the signature with a certificate does not hold: {0}")]
    Keyless(String),
    /// Another identity made it.
    #[error("the image is signed by {0}, which is none of the identities that count here")]
    UnknownIdentity(String),
    /// A trusted key signed something that is no payload of cosign's.
    #[error("key {key_id} signed something else than an image: {what}")]
    NoClaims {
        /// Whose signature it is.
        key_id: String,
        /// What is wrong with the payload.
        what: String,
    },
    /// A trusted key signed another image.
    #[error("key {key_id} signed {named}, not {expected}")]
    OtherDigest {
        /// Whose signature it is.
        key_id: String,
        /// What it is for.
        named: String,
        /// What was asked about.
        expected: Digest,
    },
    /// A trusted key signed the image for another repository.
    #[error("key {key_id} signed the image as `{named}`, not as `{expected}`")]
    OtherRepository {
        /// Whose signature it is.
        key_id: String,
        /// What the signer called it.
        named: String,
        /// What was asked about.
        expected: String,
    },
}

/// Verifies that one of those trusted signed the image `digest`; `manifest` is what lies under
/// [`super::signature_tag`] and `payload_of` fetches its blobs. With `repository` (host and
/// name) the signer must have named that repository.
///
/// # Errors
/// [`VerifyError`] says why no signature holds.
pub fn verify<K: Verifier>(
    manifest: &RawManifest,
    payload_of: &dyn Fn(&Digest) -> Option<Vec<u8>>,
    digest: &Digest,
    trusted: Trusted<'_, K>,
    repository: Option<&str>,
) -> Result<Verified, VerifyError> {
    let layers = manifest
        .image()
        .map_or(&[][..], |image| image.layers.as_slice());
    if layers.len() > MAX_SIGNATURES {
        return Err(VerifyError::TooMany(layers.len()));
    }
    let mut furthest = VerifyError::Unsigned;
    for layer in layers.iter().filter(|l| l.media_type == SIMPLE_SIGNING) {
        let verified = signed_bytes(layer, payload_of)
            .and_then(|payload| check_signature(layer, payload, trusted))
            .and_then(|signed| check_claims(signed, digest, repository));
        match verified {
            Ok(verified) => return Ok(verified),
            Err(reason) => furthest = furthest.max(reason),
        }
    }
    Err(furthest)
}

fn signed_bytes(
    layer: &Descriptor,
    payload_of: &dyn Fn(&Digest) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, VerifyError> {
    if layer.size > MAX_PAYLOAD_BYTES {
        return Err(VerifyError::Malformed(format!(
            "a payload of {} bytes; the limit is {MAX_PAYLOAD_BYTES}",
            layer.size
        )));
    }
    let payload = payload_of(&layer.digest)
        .ok_or_else(|| VerifyError::PayloadMissing(layer.digest.clone()))?;
    let found = digest_like(&layer.digest, &payload);
    if found != layer.digest {
        return Err(VerifyError::PayloadAltered {
            expected: layer.digest.clone(),
            found,
        });
    }
    Ok(payload)
}

fn digest_like(model: &Digest, bytes: &[u8]) -> Digest {
    let mut digester = oci::Digester::new(model.algorithm());
    digester.update(bytes);
    digester.finish()
}

/// A payload that somebody trusted signed, whatever it says.
struct Signed {
    key_id: String,
    identity: Option<Keyless>,
    payload: Vec<u8>,
}

fn check_signature<K: Verifier>(
    layer: &Descriptor,
    payload: Vec<u8>,
    trusted: Trusted<'_, K>,
) -> Result<Signed, VerifyError> {
    let text = signature_of(layer).ok_or_else(|| {
        VerifyError::Malformed("the layer has no signature annotation".to_owned())
    })?;
    let signature = STANDARD
        .decode(text)
        .map_err(|_| VerifyError::Malformed("the signature is not base64".to_owned()))?;
    let mut keys = trusted.keys.iter();
    if let Some(key) = keys.find(|key| key.verify(&payload, &signature)) {
        return Ok(Signed {
            key_id: key.key_id(),
            identity: None,
            payload,
        });
    }
    let none = BTreeMap::new();
    match Kept::find(layer.annotations.as_ref().unwrap_or(&none)) {
        Some(kept) => {
            let signed = check_identity(&kept, (&payload, &signature), trusted)?;
            Ok(Signed {
                key_id: signed.identity.fingerprint(),
                identity: Some(signed),
                payload,
            })
        }
        None => Err(VerifyError::UnknownKey {
            payload: layer.digest.clone(),
            tried: trusted.keys.iter().map(K::key_id).collect(),
        }),
    }
}

fn check_identity<K>(
    kept: &Kept<'_>,
    (payload, signature): (&[u8], &[u8]),
    trusted: Trusted<'_, K>,
) -> Result<Keyless, VerifyError> {
    let root = trusted.root.ok_or(VerifyError::NoTrustRoot)?;
    let signed = kept.verify(payload, signature, root);
    let signed = signed.map_err(|error| VerifyError::Keyless(error.to_string()))?;
    match trusted.identities.contains(&signed.identity) {
        true => Ok(signed),
        false => Err(VerifyError::UnknownIdentity(shorten(
            &signed.identity.to_string(),
        ))),
    }
}

fn check_claims(
    signed: Signed,
    digest: &Digest,
    expected: Option<&str>,
) -> Result<Verified, VerifyError> {
    let no_claims = |what| VerifyError::NoClaims {
        key_id: signed.key_id.clone(),
        what,
    };
    let claims: Payload =
        serde_json::from_slice(&signed.payload).map_err(|e| no_claims(e.to_string()))?;
    if claims.critical.kind != PAYLOAD_TYPE {
        let kind = shorten(&claims.critical.kind);
        return Err(no_claims(format!("its type is `{kind}`")));
    }
    let named = claims.critical.image.docker_manifest_digest;
    if named != digest.as_str() {
        return Err(VerifyError::OtherDigest {
            key_id: signed.key_id,
            named: shorten(&named),
            expected: digest.clone(),
        });
    }
    let named = claims.critical.identity.docker_reference;
    if let Some(expected) = expected
        && repository(&named) != repository(expected)
    {
        return Err(VerifyError::OtherRepository {
            key_id: signed.key_id,
            named: shorten(&named),
            expected: expected.to_owned(),
        });
    }
    Ok(Verified {
        key_id: signed.key_id,
        identity: signed.identity,
        docker_reference: named,
        payload: signed.payload,
    })
}

/// Host and name without tag and digest (skopeo writes the tag, cosign does not), and one
/// name for Docker Hub, which has two. What is no reference equals only itself.
fn repository(reference: &str) -> (String, String) {
    match reference.parse::<Reference>() {
        Ok(found) => {
            let host = found.host.unwrap_or_default();
            let host = match host.as_str() {
                "index.docker.io" => "docker.io".to_owned(),
                _ => host,
            };
            (host, found.repo.to_string())
        }
        Err(_) => (String::new(), reference.to_owned()),
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(200).collect()
}
