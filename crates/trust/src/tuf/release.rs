//! Root and targets of a name that belongs to the one who runs the server. Targets are
//! written whole each time: what is not among them is no more signed.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{File, FileMeta, Invalid, Key, Role, Signer, certificate, sign};
use crate::SigningKey;

/// How long root and targets are good for. That nothing is newer says the timestamp, which
/// has two weeks.
pub const RELEASE_LIFE: TimeDelta = TimeDelta::days(10 * 365);

/// The keys that a root names beside its own.
#[derive(Debug, Clone, Copy)]
pub struct RootKeys<'a> {
    /// For targets.
    pub targets: &'a Key,
    /// For the snapshot.
    pub snapshot: &'a Key,
    /// For the timestamp.
    pub timestamp: &'a Key,
}

/// Makes a key one that clients take for the root of `gun`: with a certificate for that name.
///
/// # Errors
/// The name cannot stand in a certificate.
pub fn root_signer(signing: SigningKey, gun: &str, now: DateTime<Utc>) -> Result<Signer, Invalid> {
    let pem = certificate::for_root(&signing, gun, (now, now + RELEASE_LIFE))?;
    Ok(Signer {
        key: Key::new("ecdsa-x509", pem.into_bytes()),
        signing,
    })
}

/// Writes a root: one key for each role, one signature.
///
/// # Errors
/// The file is too large.
pub fn root(
    version: i64,
    signer: &Signer,
    keys: RootKeys<'_>,
    now: DateTime<Utc>,
) -> Result<File, Invalid> {
    let roles = [
        (Role::Root, &signer.key),
        (Role::Targets, keys.targets),
        (Role::Snapshot, keys.snapshot),
        (Role::Timestamp, keys.timestamp),
    ];
    let of_role = |(role, key): &(Role, &Key)| {
        let role_keys = json!({ "keyids": [key.id()], "threshold": 1 });
        (role.to_string(), role_keys)
    };
    let fields = json!({
        "consistent_snapshot": false,
        "keys": roles.iter().map(|(_, key)| (key.id().to_owned(), key.to_json())).collect::<Map<_, _>>(),
        "roles": roles.iter().map(of_role).collect::<Map<_, _>>(),
    });
    let number = (version, now + RELEASE_LIFE);
    sign(&Role::Root, number, fields, &[signer])
}

/// Writes targets that name `images` and leave nothing to others.
///
/// # Errors
/// The file is too large.
pub fn targets(
    version: i64,
    images: &BTreeMap<String, FileMeta>,
    signer: &Signer,
    now: DateTime<Utc>,
) -> Result<File, Invalid> {
    let named: Map<String, Value> = images
        .iter()
        .map(|(name, meta)| (name.clone(), meta.to_json()))
        .collect();
    let fields = json!({ "targets": named, "delegations": { "keys": {}, "roles": [] } });
    sign(
        &Role::Targets,
        (version, now + RELEASE_LIFE),
        fields,
        &[signer],
    )
}
