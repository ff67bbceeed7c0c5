//! cosign's signatures (sigstore/cosign, `specs/SIGNATURE_SPEC.md`): a small JSON payload that
//! names an image's digest is signed, and lies as a layer of an OCI image under the tag
//! `sha256-<hex>.sig` beside the image. cosign, skopeo and podman read them.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oci::{Descriptor, Digest, Manifest, ManifestKind, RawManifest, Tag, media_type};
use serde::{Deserialize, Serialize};

use crate::{PublicKey, SignError, Signer};

mod key;
mod verify;

pub use key::{Key, Verifier};
pub use verify::{Trusted, Verified, VerifyError, verify};

/// The media type of a payload.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The annotation that holds a payload's signature, base64 of ASN.1 DER.
pub const SIGNATURE_ANNOTATION: &str = "dev.cosignproject.cosign/signature";
/// No payload is larger.
pub const MAX_PAYLOAD_BYTES: u64 = 64 << 10;
/// No image has more signatures.
pub const MAX_SIGNATURES: usize = 100;

const PAYLOAD_TYPE: &str = "cosign container image signature";

/// What is signed; the field order is cosign's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Payload {
    critical: Critical,
    #[serde(default)]
    optional: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Identity {
    docker_reference: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Image {
    docker_manifest_digest: String,
}

/// Returns the bytes to sign for the image `digest` under `docker_reference`, which is host
/// and repository without a tag; `optional` are annotations as `cosign sign -a` adds.
pub fn payload(
    docker_reference: &str,
    digest: &Digest,
    optional: Option<&BTreeMap<String, String>>,
) -> Vec<u8> {
    let payload = Payload {
        critical: Critical {
            identity: Identity {
                docker_reference: docker_reference.to_owned(),
            },
            image: Image {
                docker_manifest_digest: digest.to_string(),
            },
            kind: PAYLOAD_TYPE.to_owned(),
        },
        optional: optional.map(|map| {
            map.iter()
                .map(|(name, value)| (name.clone(), value.clone().into()))
                .collect()
        }),
    };
    serde_json::to_vec(&payload).expect("maps of strings always serialise")
}

/// A payload and who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The bytes signed.
    pub payload: Vec<u8>,
    /// The signature, base64 of ASN.1 DER.
    pub signature: String,
}

/// Signs a payload.
///
/// # Errors
/// The key did not sign.
pub fn sign(key: &dyn Signer, payload: Vec<u8>) -> Result<Signature, SignError> {
    Ok(Signature {
        signature: STANDARD.encode(key.sign_der(&payload)?),
        payload,
    })
}

/// Returns the tag under which the signatures of `digest` lie; none for SHA-512, with which
/// the tag would be longer than tags may be, so that no client looks there.
pub fn signature_tag(digest: &Digest) -> Option<Tag> {
    format!("{}-{}.sig", digest.algorithm().as_str(), digest.hex())
        .parse()
        .ok()
}

/// An OCI image that carries signatures: what to push under [`signature_tag`].
#[derive(Debug, Clone, PartialEq)]
pub struct SignatureImage {
    /// The manifest.
    pub manifest: RawManifest,
    /// The configuration that the manifest names.
    pub config: Vec<u8>,
    /// The payloads that are new; each is a blob, named by its digest.
    pub payloads: Vec<Vec<u8>>,
}

/// Why signatures cannot be attached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// The existing manifest is an index.
    #[error("the existing signatures are no image manifest: delete the tag and sign again")]
    NotAnImage,
    /// There would be too many signatures.
    #[error("the image would have {0} signatures; the limit is {MAX_SIGNATURES}")]
    TooMany(usize),
}

/// Makes the image that carries `signatures`.
///
/// # Errors
/// [`AttachError::TooMany`] beyond [`MAX_SIGNATURES`].
pub fn signature_manifest(signatures: &[Signature]) -> Result<SignatureImage, AttachError> {
    build(Vec::new(), None, signatures)
}

/// Adds `signatures` to those that `existing` carries; one that is already there stays single.
///
/// # Errors
/// [`AttachError`] when `existing` carries none by its form, or too many.
pub fn append(
    existing: &RawManifest,
    signatures: &[Signature],
) -> Result<SignatureImage, AttachError> {
    let manifest = existing.image().ok_or(AttachError::NotAnImage)?;
    build(
        manifest.layers.clone(),
        manifest.annotations.clone(),
        signatures,
    )
}

/// Tells whether an image of signatures carries one of `payload` by `key`.
pub fn carries(existing: &RawManifest, payload: &[u8], key: &PublicKey) -> bool {
    let digest = Digest::of(payload);
    let layers = existing.image().map(|image| image.layers.as_slice());
    let mut layers = layers.unwrap_or_default().iter();
    layers.any(|layer| {
        let signature = signature_of(layer).and_then(|text| STANDARD.decode(text).ok());
        layer.digest == digest
            && signature.is_some_and(|signature| key.verify_der(payload, &signature))
    })
}

fn build(
    mut layers: Vec<Descriptor>,
    annotations: Option<BTreeMap<String, String>>,
    signatures: &[Signature],
) -> Result<SignatureImage, AttachError> {
    let mut present: BTreeSet<_> = layers
        .iter()
        .filter_map(|layer| Some((layer.digest.clone(), signature_of(layer)?.to_owned())))
        .collect();
    let mut payloads = Vec::new();
    for signature in signatures {
        let digest = Digest::of(&signature.payload);
        if present.insert((digest.clone(), signature.signature.clone())) {
            layers.push(layer(digest, signature));
            payloads.push(signature.payload.clone());
        }
    }
    if layers.len() > MAX_SIGNATURES {
        return Err(AttachError::TooMany(layers.len()));
    }
    let config = config(&layers);
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        artifact_type: None,
        config: descriptor(media_type::OCI_CONFIG, Digest::of(&config), &config),
        layers,
        subject: None,
        annotations,
    };
    let bytes = serde_json::to_vec(&manifest).expect("a manifest always serialises");
    Ok(SignatureImage {
        manifest: RawManifest {
            digest: Digest::of(&bytes),
            bytes,
            media_type: media_type::OCI_MANIFEST.to_owned(),
            kind: ManifestKind::Image(manifest),
        },
        config,
        payloads,
    })
}

fn layer(digest: Digest, signature: &Signature) -> Descriptor {
    Descriptor {
        annotations: Some(BTreeMap::from([(
            SIGNATURE_ANNOTATION.to_owned(),
            signature.signature.clone(),
        )])),
        ..descriptor(SIMPLE_SIGNING, digest, &signature.payload)
    }
}

fn descriptor(media_type: &str, digest: Digest, bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest,
        size: bytes.len() as u64,
        artifact_type: None,
        platform: None,
        annotations: None,
        urls: None,
    }
}

/// The configuration as cosign 2 writes it: an image's, empty but for the layers.
fn config(layers: &[Descriptor]) -> Vec<u8> {
    const NEVER: &str = "0001-01-01T00:00:00Z";
    let diff_ids: Vec<_> = layers.iter().map(|layer| layer.digest.as_str()).collect();
    let history = vec![serde_json::json!({ "created": NEVER }); layers.len()];
    serde_json::json!({
        "architecture": "",
        "created": NEVER,
        "history": history,
        "os": "",
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "config": {},
    })
    .to_string()
    .into_bytes()
}

fn signature_of(layer: &Descriptor) -> Option<&str> {
    layer
        .annotations
        .as_ref()?
        .get(SIGNATURE_ANNOTATION)
        .map(String::as_str)
}
