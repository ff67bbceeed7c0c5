//! Metadata that is made here.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{File, FileMeta, Key, Meta, Role, json::canonical, metadata::Invalid};
use crate::SigningKey;

/// How long a timestamp is good for.
pub const TIMESTAMP_LIFE: TimeDelta = TimeDelta::days(14);
/// How long a snapshot is good for that the server signs.
pub const SNAPSHOT_LIFE: TimeDelta = TimeDelta::days(3 * 365);

/// A key with both halves.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The public half, in the form that metadata names.
    pub key: Key,
    /// The private half.
    pub signing: SigningKey,
}

impl Signer {
    /// Takes a key in its plain form.
    pub fn new(signing: SigningKey) -> Self {
        Self {
            key: Key::of(&signing.public()),
            signing,
        }
    }
}

/// Writes metadata: `fields` with type, version and expiry, signed by `signers`.
///
/// # Errors
/// A number in `fields` is not whole, or the file is too large.
pub fn sign(
    role: &Role,
    (version, expires): (i64, DateTime<Utc>),
    fields: Value,
    signers: &[&Signer],
) -> Result<File, Invalid> {
    let kind = match role {
        Role::Root => "Root",
        Role::Targets | Role::Delegation(_) => "Targets",
        Role::Snapshot => "Snapshot",
        Role::Timestamp => "Timestamp",
    };
    let mut signed = match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    signed.insert("_type".to_owned(), kind.into());
    signed.insert("version".to_owned(), version.into());
    let expires = expires.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    signed.insert("expires".to_owned(), expires.into());
    let message = canonical(&Value::Object(signed))
        .ok_or_else(|| Invalid("a number is not whole".to_owned()))?;
    let signatures: Vec<_> = signers
        .iter()
        .map(|signer| signature(signer, &message))
        .collect();
    let signatures = Value::Array(signatures).to_string();
    let bytes = [
        b"{\"signed\":".as_slice(),
        &message,
        b",\"signatures\":",
        signatures.as_bytes(),
        b"}",
    ];
    File::parse(bytes.concat()).map_err(|error| Invalid(error.0))
}

fn signature(signer: &Signer, message: &[u8]) -> Value {
    json!({
        "keyid": signer.key.id(),
        "method": "ecdsa",
        "sig": STANDARD.encode(signer.signing.sign_raw(message)),
    })
}

/// Writes a snapshot or timestamp that names `meta`.
pub(super) fn sign_meta(
    role: &Role,
    number: (i64, DateTime<Utc>),
    meta: &Meta,
    signers: &[&Signer],
) -> Result<File, Invalid> {
    let meta: Map<_, _> = meta
        .iter()
        .map(|(name, meta)| (name.clone(), FileMeta::to_json(meta)))
        .collect();
    sign(role, number, json!({ "meta": meta }), signers)
}
