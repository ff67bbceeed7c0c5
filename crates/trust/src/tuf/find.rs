//! What trust metadata says of one image: under which name it is signed, by whom, and how
//! fresh that is. All of it is verified anew, from the root down, as a client would.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{File, Invalid, Role, RoleKeys, Targets, verify};

/// An image that is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTarget {
    /// The name it has there: for Docker, the tag.
    pub name: String,
    /// Which file names it.
    pub role: Role,
    /// That file's number.
    pub version: i64,
    /// Fingerprints ([`super::Key::fingerprint`]) of the keys that signed that file or, one
    /// step after the other, said who may.
    pub keys: BTreeSet<String>,
    /// The timestamp's number.
    pub timestamp: i64,
    /// Until when the timestamp says that nothing is newer.
    pub fresh_until: DateTime<Utc>,
}

/// Finds `sha256` (32 bytes) with its `length` among what is signed in the repository `gun`,
/// whose files are `files`; the name `wanted` comes first, then any.
///
/// # Errors
/// [`Invalid`] says what is missing, or does not hold.
pub fn find_target(
    gun: &str,
    files: &BTreeMap<Role, File>,
    (sha256, length): (&[u8], i64),
    wanted: &str,
    now: DateTime<Utc>,
) -> Result<SignedTarget, Invalid> {
    let get = |role: &Role| {
        files
            .get(role)
            .ok_or_else(|| Invalid(format!("there is no {role}")))
    };
    let root_file = get(&Role::Root)?;
    let root = verify::root(gun, root_file, None, now)?;
    let timestamp = get(&Role::Timestamp)?;
    verify::signed_by(timestamp, "timestamp", &root.timestamp)?;
    verify::not_expired(timestamp, &Role::Timestamp, now)?;
    let snapshot = get(&Role::Snapshot)?;
    named(
        timestamp.timestamp()?.get("snapshot"),
        &Role::Snapshot,
        snapshot,
    )?;
    verify::signed_by(snapshot, "snapshot", &root.snapshot)?;
    verify::not_expired(snapshot, &Role::Snapshot, now)?;
    let meta = snapshot.snapshot()?;
    named(meta.get("root"), &Role::Root, root_file)?;
    let mut found: Vec<SignedTarget> = Vec::new();
    // By role: what it says, which keys stand behind it, and what it may name.
    let mut loaded: BTreeMap<Role, (Targets, BTreeSet<String>, Vec<String>)> = BTreeMap::new();
    let root_keys = verify::signers(root_file, &root.root);
    for (role, file) in files.iter().filter(|(role, _)| role.is_targets()) {
        let Some((keys, mut behind, paths)) = entitled(role, &root.targets, &root_keys, &loaded)
        else {
            continue;
        };
        let good = named(meta.get(role.as_str()), role, file)
            .and_then(|()| verify::signed_by(file, role.as_str(), &keys))
            .and_then(|()| verify::not_expired(file, role, now));
        match (role, good) {
            (Role::Targets, Err(error)) => return Err(error),
            // Clients leave such a part out, too.
            (_, Err(_)) => continue,
            (_, Ok(())) => {}
        }
        behind.extend(verify::signers(file, &keys));
        let targets = file.targets(role)?;
        let may = |name: &str| paths.iter().any(|path| name.starts_with(path.as_str()));
        for (name, target) in &targets.targets {
            let is = target.sha256.as_deref() == Some(sha256) && target.length == length;
            if is && may(name) {
                found.push(SignedTarget {
                    name: name.clone(),
                    role: role.clone(),
                    version: file.version,
                    keys: behind.clone(),
                    timestamp: timestamp.version,
                    fresh_until: timestamp.expires,
                });
            }
        }
        loaded.insert(role.clone(), (targets, behind, paths));
    }
    found.sort_by_key(|target| target.name != wanted);
    let none = || Invalid("the trust metadata does not name this digest".to_owned());
    found.into_iter().next().ok_or_else(none)
}

/// Returns who signs for a role, the keys that said so, and what the role may name.
fn entitled(
    role: &Role,
    targets: &RoleKeys,
    root_keys: &BTreeSet<String>,
    loaded: &BTreeMap<Role, (Targets, BTreeSet<String>, Vec<String>)>,
) -> Option<(RoleKeys, BTreeSet<String>, Vec<String>)> {
    let Some(parent) = role.parent() else {
        return Some((targets.clone(), root_keys.clone(), vec![String::new()]));
    };
    let (parent, behind, allowed) = loaded.get(&parent)?;
    let delegation = verify::delegation(Some(parent), role).ok()?;
    let within = |path: &&String| {
        allowed
            .iter()
            .any(|allowed| path.starts_with(allowed.as_str()))
    };
    let paths = delegation.paths.iter().filter(within).cloned().collect();
    Some((delegation.keys.clone(), behind.clone(), paths))
}

fn named(meta: Option<&super::FileMeta>, role: &Role, file: &File) -> Result<(), Invalid> {
    let missing = || Invalid(format!("the snapshot does not name {role}"));
    meta.ok_or_else(missing)?.check(role.as_str(), &file.bytes)
}
