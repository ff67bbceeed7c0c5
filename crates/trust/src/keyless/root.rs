//! Whom signatures of identities are believed by: authorities that give certificates, logs of
//! certificates, logs of signatures (sigstore/protobuf-specs, `TrustedRoot`, as JSON).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de::Error as _};
use sha2::{Digest as _, Sha256};

use super::certificate::Leaf;
use crate::{PublicKey, notation::Certificate};

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
    logs: Vec<Log>,
    certificate_logs: Vec<Log>,
}

/// An authority that gives certificates: its chain, the lowest first.
#[derive(Debug, Clone)]
struct Authority {
    chain: Vec<Certificate>,
    valid: Validity,
}

/// A log, by its key: ECDSA on P-256.
#[derive(Debug, Clone)]
pub(super) struct Log {
    key: PublicKey,
    /// SHA-256 over the key in DER (RFC 6962, section 3.2).
    pub(super) id: [u8; 32],
    valid: Validity,
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
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogJson {
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
        let der = json.public_key.raw_bytes;
        let key = PublicKey::from_pem(&crate::pem::encode("PUBLIC KEY", &der)).ok()?;
        Some(Self {
            id: Sha256::digest(&der).into(),
            key,
            valid: json.public_key.valid_for,
        })
    }

    /// Tells whether the log signed `message`, at a time when it was believed.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8], at: DateTime<Utc>) -> bool {
        self.valid.contains(at) && self.key.verify_der(message, signature)
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
        let form = |error: &dyn std::fmt::Display| TrustRootError::Form(error.to_string());
        let json: RootJson = serde_json::from_slice(json).map_err(|error| form(&error))?;
        let mut authorities = Vec::new();
        for authority in json.certificate_authorities.into_iter().take(MAX_PARTS) {
            let chain = authority.cert_chain.certificates.into_iter();
            let chain = chain.take(MAX_PARTS);
            let chain = chain.map(|raw| Certificate::from_der(&raw.raw_bytes));
            let chain = chain.collect::<Result<Vec<_>, _>>();
            authorities.push(Authority {
                chain: chain.map_err(|error| form(&error))?,
                valid: authority.valid_for,
            });
        }
        let logs = |logs: Vec<LogJson>| -> Vec<Log> {
            logs.into_iter()
                .take(MAX_PARTS)
                .filter_map(Log::of)
                .collect()
        };
        let root = Self {
            authorities,
            logs: logs(json.tlogs),
            certificate_logs: logs(json.ctlogs),
        };
        let lacks = [
            (root.authorities.is_empty(), "certificate authority"),
            (root.logs.is_empty(), "log of signatures (ECDSA P-256)"),
            (
                root.certificate_logs.is_empty(),
                "log of certificates (ECDSA P-256)",
            ),
        ];
        match lacks.into_iter().find(|(lacks, _)| *lacks) {
            Some((_, what)) => Err(TrustRootError::Lacks(what)),
            None => Ok(root),
        }
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
            let (issuer, mut below) = (authority.chain.first()?, leaf.certificate());
            for (between, above) in authority.chain.iter().enumerate() {
                if !above.may_vouch(below, between, at) {
                    return None;
                }
                below = above;
            }
            // A chain may end below its root; what the operator gave is believed as it is.
            Some(issuer)
        })
    }
}
