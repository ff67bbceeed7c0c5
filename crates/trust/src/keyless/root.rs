//! Whom signatures of identities are believed by: authorities that give certificates or vouch for
//! times, logs of certificates, logs of signatures (sigstore/protobuf-specs, `TrustedRoot`, as JSON).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de::Error as _};
use sha2::{Digest as _, Sha256};
use x509_cert::{
    der::{Decode as _, asn1::ObjectIdentifier},
    spki::SubjectPublicKeyInfoRef,
};

use super::{KeylessError, certificate::Leaf};
use crate::{
    PublicKey,
    log::{Checkpoint, Verifier, note::split},
    notation::Certificate,
};

/// No trust root is larger, in bytes.
pub const MAX_ROOT_BYTES: usize = 1 << 20;
/// It has no more authorities, logs, or certificates in a chain.
const MAX_PARTS: usize = 64;

/// Why a file is no trust root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustRootError {
    /// It is too large.
    #[error("a trust root has at most {MAX_ROOT_BYTES} bytes")]
    TooLarge,
    /// It is not the JSON of a trust root.
    #[error(
        "this is no trust root: expected `trusted_root.json`, as `cosign trusted-root create` writes it ({0})"
    )]
    Form(String),
    /// Something that every signature needs is not in it.
    #[error("the trust root names no {0}, so no signature could be verified")]
    Lacks(&'static str),
}

/// Authorities and logs, each with the time for which it is believed.
#[derive(Debug, Clone)]
pub struct TrustRoot {
    authorities: Vec<Authority>,
    stampers: Vec<Authority>,
    logs: Vec<Log>,
    certificate_logs: Vec<Log>,
}

/// An authority that gives certificates or vouches for times: its chain, the lowest first.
#[derive(Debug, Clone)]
struct Authority {
    chain: Vec<Certificate>,
    valid: Validity,
}

/// A log, by its key.
#[derive(Debug, Clone)]
pub(super) struct Log {
    key: LogKey,
    pub(super) id: [u8; 32],
    valid: Validity,
}

#[derive(Debug, Clone)]
enum LogKey {
    /// ECDSA on P-256; the log is called by SHA-256 over the key in DER (RFC 6962, section 3.2).
    P256(PublicKey),
    /// As logs of tiles have it: the name is part of what they are called by.
    Ed25519(Verifier),
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Validity {
    start: DateTime<Utc>,
    end: Option<DateTime<Utc>>,
}

impl Validity {
    fn contains(self, at: DateTime<Utc>) -> bool {
        self.start <= at && self.end.is_none_or(|end| at <= end)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RootJson {
    #[serde(default)]
    tlogs: Vec<LogJson>,
    #[serde(default)]
    ctlogs: Vec<LogJson>,
    #[serde(default)]
    certificate_authorities: Vec<AuthorityJson>,
    #[serde(default)]
    timestamp_authorities: Vec<AuthorityJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogJson {
    #[serde(default)]
    base_url: String,
    public_key: KeyJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyJson {
    #[serde(deserialize_with = "bytes")]
    raw_bytes: Vec<u8>,
    valid_for: Validity,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthorityJson {
    cert_chain: ChainJson,
    valid_for: Validity,
}

#[derive(Deserialize)]
struct ChainJson {
    certificates: Vec<super::RawJson>,
}

/// Reads base64.
pub(super) fn bytes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(from)?;
    STANDARD.decode(text).map_err(D::Error::custom)
}

impl Log {
    /// Reads a log's key; nothing for one of a kind that is not supported, which then verifies nothing.
    fn of(json: LogJson) -> Option<Self> {
        const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
        let der = json.public_key.raw_bytes;
        let spki = SubjectPublicKeyInfoRef::from_der(&der).ok()?;
        let (key, id) = match spki.algorithm.oid {
            ED25519 => {
                // A log of tiles is called as its host is.
                let (_, rest) = json.base_url.split_once("://")?;
                let host = rest.split(['/', ':']).next()?;
                let key = spki.subject_public_key.as_bytes()?.try_into().ok()?;
                let verifier = Verifier::new(host, key);
                let id = verifier.full_id();
                (LogKey::Ed25519(verifier), id)
            }
            _ => {
                let pem = crate::pem::encode("PUBLIC KEY", &der);
                let key = PublicKey::from_pem(&pem).ok()?;
                (LogKey::P256(key), Sha256::digest(&der).into())
            }
        };
        let valid = json.public_key.valid_for;
        Some(Self { key, id, valid })
    }

    /// Tells whether the log signed `message`, at a time when it was believed.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8], at: DateTime<Utc>) -> bool {
        match &self.key {
            LogKey::P256(key) => self.valid.contains(at) && key.verify_der(message, signature),
            // Logs of tiles promise nothing; their heads are all that they sign.
            LogKey::Ed25519(_) => false,
        }
    }

    /// Reads a head that the log signed, at a time when it was believed.
    pub(super) fn open(&self, head: &str, at: DateTime<Utc>) -> Result<Checkpoint, KeylessError> {
        const UNSIGNED: KeylessError =
            KeylessError::Log("is proven with a head that its log did not sign");
        const NO_HEAD: KeylessError = KeylessError::Log("has no signed head");
        if let LogKey::Ed25519(verifier) = &self.key {
            let head = verifier.open(head).map_err(|_| UNSIGNED)?;
            return match self.valid.contains(at) {
                true => Ok(head),
                false => Err(UNSIGNED),
            };
        }
        let (text, signatures) = split(head).map_err(|_| NO_HEAD)?;
        let mut signatures = signatures.iter();
        let is_by_log = signatures.any(|found| {
            self.id.starts_with(&found.id) && self.signed(text.as_bytes(), &found.bytes, at)
        });
        match is_by_log {
            true => Checkpoint::parse(text).map_err(|_| NO_HEAD),
            false => Err(UNSIGNED),
        }
    }
}

impl TrustRoot {
    /// Reads `trusted_root.json`.
    ///
    /// # Errors
    /// [`TrustRootError`].
    pub fn read(json: &[u8]) -> Result<Self, TrustRootError> {
        if json.len() > MAX_ROOT_BYTES {
            return Err(TrustRootError::TooLarge);
        }
        let json: RootJson = serde_json::from_slice(json)
            .map_err(|error| TrustRootError::Form(error.to_string()))?;
        // Who has no logs at all has authorities that vouch for times instead.
        let named = !json.tlogs.is_empty() || !json.ctlogs.is_empty();
        let logs = |logs: Vec<LogJson>| -> Vec<Log> {
            logs.into_iter()
                .take(MAX_PARTS)
                .filter_map(Log::of)
                .collect()
        };
        let root = Self {
            authorities: authorities(json.certificate_authorities)?,
            stampers: authorities(json.timestamp_authorities)?,
            logs: logs(json.tlogs),
            certificate_logs: logs(json.ctlogs),
        };
        let lacks = [
            (root.authorities.is_empty(), "certificate authority"),
            (
                named && root.logs.is_empty(),
                "log of signatures (ECDSA P-256 or Ed25519)",
            ),
            (
                named && root.certificate_logs.is_empty(),
                "log of certificates (ECDSA P-256)",
            ),
            (
                !named && root.stampers.is_empty(),
                "log, and no timestamp authority",
            ),
        ];
        match lacks.into_iter().find(|(lacks, _)| *lacks) {
            Some((_, what)) => Err(TrustRootError::Lacks(what)),
            None => Ok(root),
        }
    }

    /// Tells whether signatures and certificates must stand in logs: whoever names logs asks for that.
    pub(super) fn names_logs(&self) -> bool {
        !self.logs.is_empty()
    }

    /// Returns who vouches for a time: the certificate that signs, where it is named, and those above it.
    pub(super) fn stampers(
        &self,
        at: DateTime<Utc>,
    ) -> impl Iterator<Item = (Option<&Certificate>, &[Certificate])> {
        let believed = self.stampers.iter().filter(move |it| it.valid.contains(at));
        believed.map(|authority| match authority.chain.split_first() {
            Some((first, above)) if !first.is_authority() => (Some(first), above),
            _ => (None, authority.chain.as_slice()),
        })
    }

    /// Returns the log of signatures with an identifier.
    pub(super) fn log(&self, id: &[u8]) -> Option<&Log> {
        self.logs.iter().find(|log| log.id == id)
    }

    /// Returns the log of certificates with an identifier.
    pub(super) fn certificate_log(&self, id: &[u8]) -> Option<&Log> {
        self.certificate_logs.iter().find(|log| log.id == id)
    }

    /// Returns the authority that vouched for a certificate at a time, with its whole chain.
    pub(super) fn issuer(&self, leaf: &Leaf, at: DateTime<Utc>) -> Option<&Certificate> {
        let mut believed = self.authorities.iter().filter(|it| it.valid.contains(at));
        believed.find_map(|authority| {
            let issuer = authority.chain.first()?;
            Certificate::chain_vouches(leaf.certificate(), &authority.chain, at).then_some(issuer)
        })
    }
}

fn authorities(json: Vec<AuthorityJson>) -> Result<Vec<Authority>, TrustRootError> {
    let read = |authority: AuthorityJson| {
        let chain = authority.cert_chain.certificates.into_iter();
        let chain = chain.take(MAX_PARTS);
        let chain = chain.map(|raw| Certificate::from_der(&raw.raw_bytes));
        let chain = chain.collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| TrustRootError::Form(error.to_string()))?;
        match chain.is_empty() {
            true => Err(TrustRootError::Lacks(
                "certificate of one of its authorities",
            )),
            false => Ok(Authority {
                chain,
                valid: authority.valid_for,
            }),
        }
    };
    json.into_iter().take(MAX_PARTS).map(read).collect()
}
