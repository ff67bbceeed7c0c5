//! The log's entry of a signature: when it was taken, that it stands in the log, and that it is
//! of this signature (Rekor's `hashedrekord` and `dsse`, of both versions of the log).
//!
//! The first version signs when it took an entry; the second leaves that to authorities, and
//! signs heads alone.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::{
    KeylessError, TrustRoot,
    root::{Log, bytes},
};
use crate::log::{Checkpoint, leaf_hash, verify_inclusion};

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
    /// Whether the log's promise will do: so cosign 2 keeps entries beside signatures.
    #[serde(skip)]
    promise_alone: bool,
}

/// An entry as cosign 2 keeps it beside a signature.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kept {
    #[serde(deserialize_with = "bytes")]
    signed_entry_timestamp: Vec<u8>,
    payload: KeptEntry,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptEntry {
    #[serde(deserialize_with = "bytes")]
    body: Vec<u8>,
    integrated_time: u64,
    log_index: u64,
    #[serde(rename = "logID")]
    log_id: String,
}

/// What every entry says of its kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    kind: String,
    api_version: String,
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
    /// The bytes that are signed.
    pub(super) message: &'a [u8],
    /// What is in the envelope, where it is one that is signed.
    pub(super) payload: Option<&'a [u8]>,
    pub(super) signature: &'a [u8],
    /// The signer's certificate (DER).
    pub(super) certificate: &'a [u8],
}

/// Where a kind of entry has its parts (JSON pointers).
struct Places {
    /// An object with the algorithm and the hash.
    hash: &'static str,
    /// What the hash is called in it: hexadecimal by the first version of the log, base64 by the second.
    value: &'static str,
    signature: &'static str,
    /// In PEM by the first version of the log, in DER by the second.
    certificate: &'static str,
    /// Where a second signature would stand.
    second: &'static str,
}

const BYTES_1: Places = Places {
    hash: "/spec/data/hash",
    value: "value",
    signature: "/spec/signature/content",
    certificate: "/spec/signature/publicKey/content",
    second: "/none",
};
const ENVELOPE_1: Places = Places {
    hash: "/spec/payloadHash",
    value: "value",
    signature: "/spec/signatures/0/signature",
    certificate: "/spec/signatures/0/verifier",
    second: "/spec/signatures/1",
};
const BYTES_2: Places = Places {
    hash: "/spec/hashedRekordV002/data",
    value: "digest",
    signature: "/spec/hashedRekordV002/signature/content",
    certificate: "/spec/hashedRekordV002/signature/verifier/x509Certificate/rawBytes",
    second: "/none",
};
const ENVELOPE_2: Places = Places {
    hash: "/spec/dsseV002/payloadHash",
    value: "digest",
    signature: "/spec/dsseV002/signatures/0/content",
    certificate: "/spec/dsseV002/signatures/0/verifier/x509Certificate/rawBytes",
    second: "/spec/dsseV002/signatures/1",
};

fn number(text: &str) -> Result<u64, KeylessError> {
    let number = text.parse();
    number.map_err(|_| KeylessError::Log("has a number that is none"))
}

impl Entry {
    /// Reads an entry as cosign 2 keeps it beside a signature (`dev.sigstore.cosign/bundle`).
    pub(super) fn kept(json: &str) -> Result<Self, KeylessError> {
        let unreadable = |_| KeylessError::Log("cannot be read");
        let kept: Kept = serde_json::from_str(json).map_err(unreadable)?;
        let entry = kept.payload;
        let key_id = hex::decode(&entry.log_id).unwrap_or_default();
        let body: Body = serde_json::from_slice(&entry.body).map_err(unreadable)?;
        Ok(Self {
            log_index: entry.log_index.to_string(),
            log_id: LogId { key_id },
            kind_version: Kind {
                kind: body.kind,
                version: body.api_version,
            },
            integrated_time: entry.integrated_time.to_string(),
            inclusion_promise: Some(Promise {
                signed_entry_timestamp: kept.signed_entry_timestamp,
            }),
            inclusion_proof: None,
            canonicalized_body: entry.body,
            promise_alone: true,
        })
    }

    /// Returns the entry's number in all of the log.
    pub(super) fn index(&self) -> Result<u64, KeylessError> {
        number(&self.log_index)
    }

    /// Checks that the log has it; gives since when, where the log signed that. Else the log must
    /// have been believed when the signature was `seen`.
    pub(super) fn check(
        &self,
        root: &TrustRoot,
        seen: Option<DateTime<Utc>>,
    ) -> Result<Option<DateTime<Utc>>, KeylessError> {
        let Some(log) = root.log(&self.log_id.key_id) else {
            return Err(KeylessError::Log("is in no log of the market's trust root"));
        };
        let taken = match &self.inclusion_promise {
            Some(promise) => Some(self.check_promise(promise, log)?),
            None => None,
        };
        let at = taken.or(seen).ok_or(KeylessError::Untimed)?;
        let Some(proof) = &self.inclusion_proof else {
            return match self.promise_alone {
                true => Ok(taken),
                false => Err(KeylessError::Log("has no proof that it stands in the log")),
            };
        };
        let head = log.open(&proof.checkpoint.envelope, at)?;
        proof.check(&self.canonicalized_body, &head)?;
        Ok(taken)
    }

    fn check_promise(&self, promise: &Promise, log: &Log) -> Result<DateTime<Utc>, KeylessError> {
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
        match log.signed(signed.as_bytes(), &promise.signed_entry_timestamp, at) {
            true => Ok(at),
            false => Err(KeylessError::Log("is not signed by its log")),
        }
    }

    /// Checks that it is of a signature, and of no other.
    pub(super) fn is_of(&self, signature: &Signature<'_>) -> Result<(), KeylessError> {
        let (kind, version) = (&self.kind_version.kind, &self.kind_version.version);
        let (places, content) = match (kind.as_str(), version.as_str(), signature.payload) {
            ("hashedrekord", "0.0.1", None) => (BYTES_1, signature.message),
            ("dsse", "0.0.1", Some(payload)) => (ENVELOPE_1, payload),
            ("hashedrekord", "0.0.2", _) => (BYTES_2, signature.message),
            ("dsse", "0.0.2", Some(payload)) => (ENVELOPE_2, payload),
            _ => {
                let found = format!("{kind} {version}").chars().take(120).collect();
                return Err(KeylessError::Entry(found));
            }
        };
        let body: Value = serde_json::from_slice(&self.canonicalized_body)
            .map_err(|_| KeylessError::Log("cannot be read"))?;
        let text = |place: &str| body.pointer(place).and_then(Value::as_str);
        let decoded = |place: &str| text(place).and_then(|text| STANDARD.decode(text).ok());
        let hash = body.pointer(places.hash).and_then(|hash| {
            let (name, value) = (hash.get("algorithm")?, hash.get(places.value)?);
            Some((name.as_str()?, value.as_str()?))
        });
        let fits = text("/kind") == Some(kind)
            && text("/apiVersion") == Some(version)
            && hash.is_some_and(|(name, value)| is_hash(name, value, content))
            && decoded(places.signature).as_deref() == Some(signature.signature)
            && decoded(places.certificate).and_then(der).as_deref() == Some(signature.certificate)
            && body.pointer(places.second).is_none();
        match fits {
            true => Ok(()),
            false => Err(KeylessError::Log("is of another signature")),
        }
    }
}

/// Tells whether a hash, as entries and bundles name it, is that of `content`.
pub(super) fn is_hash(algorithm: &str, value: &str, content: &[u8]) -> bool {
    match algorithm {
        "sha256" => hex::encode(Sha256::digest(content)) == value,
        "sha384" => hex::encode(Sha384::digest(content)) == value,
        "sha512" => hex::encode(Sha512::digest(content)) == value,
        "SHA2_256" => STANDARD.encode(Sha256::digest(content)) == value,
        "SHA2_384" => STANDARD.encode(Sha384::digest(content)) == value,
        "SHA2_512" => STANDARD.encode(Sha512::digest(content)) == value,
        _ => false,
    }
}

/// Returns a certificate's DER, out of PEM or as it is.
fn der(certificate: Vec<u8>) -> Option<Vec<u8>> {
    if !certificate.starts_with(b"-----") {
        return Some(certificate);
    }
    let pem = String::from_utf8(certificate).ok()?;
    crate::pem::decode(&pem).map(|(_, der)| der)
}

impl Proof {
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
