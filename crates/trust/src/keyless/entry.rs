//! The log's entry of a signature: when it was taken, that it stands in the log, and that it is
//! of this signature (Rekor's `hashedrekord` and `dsse`, version 0.0.1).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{KeylessError, TrustRoot, root::bytes};
use crate::log::{Checkpoint, leaf_hash, note::split, verify_inclusion};

/// No proof has more hashes, as no log has more than 2^64 entries.
const MAX_HASHES: usize = 64;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    log_index: String,
    log_id: LogId,
    kind_version: Kind,
    #[serde(default)]
    integrated_time: String,
    inclusion_promise: Option<Promise>,
    inclusion_proof: Option<Proof>,
    #[serde(deserialize_with = "bytes")]
    canonicalized_body: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogId {
    #[serde(deserialize_with = "bytes")]
    key_id: Vec<u8>,
}

#[derive(Deserialize)]
struct Kind {
    kind: String,
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Promise {
    #[serde(deserialize_with = "bytes")]
    signed_entry_timestamp: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    log_index: String,
    #[serde(deserialize_with = "bytes")]
    root_hash: Vec<u8>,
    tree_size: String,
    #[serde(default)]
    hashes: Vec<String>,
    checkpoint: Note,
}

#[derive(Deserialize)]
struct Note {
    envelope: String,
}

/// What an entry must be of.
pub(super) struct Signature<'a> {
    /// The bytes that are hashed: a message, or an envelope's payload.
    pub(super) content: &'a [u8],
    pub(super) signature: &'a [u8],
    /// The signer's certificate (DER).
    pub(super) certificate: &'a [u8],
    /// Where things stand in the log's entry.
    pub(super) places: &'a Places,
}

/// Where a kind of entry has its parts (JSON pointers).
pub(super) struct Places {
    kind: &'static str,
    hash: &'static str,
    signature: &'static str,
    certificate: &'static str,
    /// Where a second signature would stand.
    second: &'static str,
}

/// A signature over bytes.
pub(super) const OVER_BYTES: Places = Places {
    kind: "hashedrekord",
    hash: "/spec/data/hash",
    signature: "/spec/signature/content",
    certificate: "/spec/signature/publicKey/content",
    second: "/none",
};
/// A signature over an envelope.
pub(super) const OVER_ENVELOPE: Places = Places {
    kind: "dsse",
    hash: "/spec/payloadHash",
    signature: "/spec/signatures/0/signature",
    certificate: "/spec/signatures/0/verifier",
    second: "/spec/signatures/1",
};

fn number(text: &str) -> Result<u64, KeylessError> {
    let number = text.parse();
    number.map_err(|_| KeylessError::Log("has a number that is none"))
}

impl Entry {
    /// Returns the entry's number in all of the log.
    pub(super) fn index(&self) -> Result<u64, KeylessError> {
        number(&self.log_index)
    }

    /// Checks that the log has it; gives since when, as the log signed.
    pub(super) fn check(&self, root: &TrustRoot) -> Result<DateTime<Utc>, KeylessError> {
        let Some(promise) = &self.inclusion_promise else {
            return Err(KeylessError::Untimed);
        };
        let Some(log) = root.log(&self.log_id.key_id) else {
            return Err(KeylessError::Log("is in no log of the market's trust root"));
        };
        let seconds = number(&self.integrated_time)?;
        let at = i64::try_from(seconds).ok();
        let at = at.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let at = at.ok_or(KeylessError::Log("has a time that is none"))?;
        // The promise is over this JSON, letter by letter (RFC 8785).
        let signed = format!(
            r#"{{"body":"{}","integratedTime":{seconds},"logID":"{}","logIndex":{}}}"#,
            STANDARD.encode(&self.canonicalized_body),
            hex::encode(&self.log_id.key_id),
            self.index()?
        );
        if !log.signed(signed.as_bytes(), &promise.signed_entry_timestamp, at) {
            return Err(KeylessError::Log("is not signed by its log"));
        }
        let Some(proof) = &self.inclusion_proof else {
            return Err(KeylessError::Log("has no proof that it stands in the log"));
        };
        let checkpoint = proof.checkpoint(|id, text, signature| {
            log.id.starts_with(id) && log.signed(text, signature, at)
        })?;
        proof.check(&self.canonicalized_body, &checkpoint)?;
        Ok(at)
    }

    /// Checks that it is of a signature, and of no other.
    pub(super) fn is_of(&self, signature: &Signature<'_>) -> Result<(), KeylessError> {
        let places = signature.places;
        let kind = &self.kind_version;
        if (kind.kind.as_str(), kind.version.as_str()) != (places.kind, "0.0.1") {
            return Err(KeylessError::Kind(format!(
                "an entry of the log that is {} {}",
                kind.kind, kind.version
            )));
        }
        let body: Value = serde_json::from_slice(&self.canonicalized_body)
            .map_err(|_| KeylessError::Log("cannot be read"))?;
        let text = |place: &str| body.pointer(place).and_then(Value::as_str);
        let decoded = |place: &str| text(place).and_then(|text| STANDARD.decode(text).ok());
        let hash = hex::encode(Sha256::digest(signature.content));
        let certificate = decoded(places.certificate)
            .and_then(|pem| String::from_utf8(pem).ok())
            .and_then(|pem| crate::pem::decode(&pem).map(|(_, der)| der));
        let fits = text("/kind") == Some(places.kind)
            && text("/apiVersion") == Some("0.0.1")
            && text(&format!("{}/algorithm", places.hash)) == Some("sha256")
            && text(&format!("{}/value", places.hash)) == Some(&hash)
            && decoded(places.signature).as_deref() == Some(signature.signature)
            && certificate.as_deref() == Some(signature.certificate)
            && body.pointer(places.second).is_none();
        match fits {
            true => Ok(()),
            false => Err(KeylessError::Log("is of another signature")),
        }
    }
}

impl Proof {
    /// Returns the log's head, which one of the signatures below it must be by the log.
    fn checkpoint(
        &self,
        is_by_log: impl Fn(&[u8], &[u8], &[u8]) -> bool,
    ) -> Result<Checkpoint, KeylessError> {
        let note = split(&self.checkpoint.envelope);
        let (text, signatures) = note.map_err(|_| KeylessError::Log("has no signed head"))?;
        let mut signatures = signatures.iter();
        if !signatures.any(|found| is_by_log(&found.id, text.as_bytes(), &found.bytes)) {
            return Err(KeylessError::Log(
                "is proven with a head that its log did not sign",
            ));
        }
        Checkpoint::parse(text).map_err(|_| KeylessError::Log("has no signed head"))
    }

    fn check(&self, body: &[u8], head: &Checkpoint) -> Result<(), KeylessError> {
        let (index, size) = (number(&self.log_index)?, number(&self.tree_size)?);
        let fails = || KeylessError::Log("is not proven to stand in the log");
        if size != head.size || self.root_hash != head.root || self.hashes.len() > MAX_HASHES {
            return Err(fails());
        }
        let hashes = self.hashes.iter();
        let hashes = hashes.map(|hash| STANDARD.decode(hash).ok()?.try_into().ok());
        let hashes: Option<Vec<_>> = hashes.collect();
        let hashes = hashes.ok_or_else(fails)?;
        let leaf = leaf_hash(body);
        verify_inclusion((&leaf, index), (size, &head.root), &hashes).map_err(|_| fails())
    }
}
