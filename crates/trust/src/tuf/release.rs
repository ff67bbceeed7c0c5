//! Root and targets of a name that belongs to the one who runs the server. Targets are
//! written whole each time: what is not among them is no more signed.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{File, FileMeta, Invalid, Key, Role, RoleKeys, Root, Signer, certificate, sign};
use crate::{PublicKey, SigningKey};

/// How long root and targets are good for. That nothing is newer says the timestamp, which
/// has two weeks.
pub const RELEASE_LIFE: TimeDelta = TimeDelta::days(10 * 365);
/// A root or its certificate that ends sooner is to be signed again.
pub const ROOT_RENEWAL: TimeDelta = TimeDelta::days(365);

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
fn root_signer(signing: SigningKey, gun: &str, now: DateTime<Utc>) -> Result<Signer, Invalid> {
    let pem = certificate::for_root(&signing, gun, (now, now + RELEASE_LIFE))?;
    Ok(Signer {
        key: Key::new("ecdsa-x509", pem.into_bytes()),
        signing,
    })
}

impl RootKeys<'_> {
    /// Tells whether a root names these keys, and `root` for roots, and no others.
    pub fn are_all_of(&self, found: &Root, root: &PublicKey) -> bool {
        let only = |role, key: &Key| {
            let named: Option<&RoleKeys> = found.role(&role);
            named.is_some_and(|named| named.keys.len() == 1 && named.keys.contains_key(key.id()))
        };
        found.root.keys.len() == 1
            && named_root_key(found, root).is_some()
            && only(Role::Targets, self.targets)
            && only(Role::Snapshot, self.snapshot)
            && only(Role::Timestamp, self.timestamp)
    }
}

/// Tells whether a root, and the certificate that `key` has in it, last for a while.
pub fn lasts(file: &File, key: &PublicKey, now: DateTime<Utc>) -> bool {
    let until = now + ROOT_RENEWAL;
    let root = file.root().ok();
    let certificate = root.and_then(|root| named_root_key(&root, key)?.leaf());
    file.expires > until && certificate.is_some_and(|found| found.is_in_force(until))
}

/// Returns a key as a root names it for roots, with the certificate that it has there.
pub fn named_root_key<'a>(root: &'a Root, key: &PublicKey) -> Option<&'a Key> {
    let print = key.key_id();
    let mut named = root.root.keys.values();
    named.find(|named| named.fingerprint().as_ref() == Some(&print))
}

/// Writes the root of `gun` that takes the place of `previous`: one key for each role. Its own is
/// the first of `by`, in the certificate that it has already where that does not end soon; each
/// of `by` that `previous` names signs as well, so that clients who know that one follow.
///
/// # Errors
/// `previous` is no root, `by` is empty, or the file is too large.
pub fn root(
    (gun, previous): (&str, Option<&File>),
    keys: RootKeys<'_>,
    by: &[&SigningKey],
    now: DateTime<Utc>,
) -> Result<File, Invalid> {
    let Some(first) = by.first() else {
        return Err(Invalid("no key signs the root".to_owned()));
    };
    let before = previous.map(File::root).transpose()?;
    let known = |signing: &&SigningKey| {
        let key = named_root_key(before.as_ref()?, &signing.public())?;
        Some(Signer {
            key: key.clone(),
            signing: (*signing).clone(),
        })
    };
    let lasts = |signer: &Signer| {
        let certificate = signer.key.leaf();
        certificate.is_some_and(|found| found.is_in_force(now + ROOT_RENEWAL))
    };
    let ours = match known(first).filter(lasts) {
        Some(signer) => signer,
        None => root_signer((*first).clone(), gun, now)?,
    };
    let mut signers = vec![ours.clone()];
    signers.extend(by.iter().filter_map(known).filter(|it| it.key != ours.key));
    let roles = [
        (Role::Root, &ours.key),
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
    let version = previous.map_or(1, |previous| previous.version + 1);
    let signers: Vec<_> = signers.iter().collect();
    sign(&Role::Root, (version, now + RELEASE_LIFE), fields, &signers)
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
