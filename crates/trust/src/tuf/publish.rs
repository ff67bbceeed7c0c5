//! What makes an update good: a publisher's files against those that are there (TUF
//! specification, "Detailed client workflow", as the reference server does it for Notary v1,
//! and stricter where a client would notice only later).
//!
//! | attack | what stops it |
//! |---|---|
//! | another's signature | keys and threshold of the role, from the root or the parent |
//! | taking over the repository | a new root is signed by the old keys and the new ones |
//! | rollback, replay | versions only grow; the snapshot names nothing but what is newest |
//! | mix and match, leaving out | the snapshot's digests, one for each file there is |
//! | freeze | nothing is taken that has expired; timestamps are made here |
//!
//! Either all files of an update are good, or none is.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{
    File, FileMeta, Meta, Role, RoleKeys, Root, Signer, Targets,
    metadata::{Invalid, mismatch, no_checksums},
    verify,
    write::{SNAPSHOT_LIFE, TIMESTAMP_LIFE, sign_meta},
};

/// What is there of a repository.
#[derive(Debug, Clone, Default)]
pub struct Current {
    /// The newest files: root, targets, snapshot, timestamp, and whatever else an update
    /// builds upon ([`ancestors`]).
    pub files: BTreeMap<Role, File>,
    /// Of every role that ever had a file: the newest.
    pub newest: BTreeMap<Role, Newest>,
    /// Whether nobody has a key any more that the root names for roots: the next one is then
    /// taken without its signature, and refused by every client that knows this one.
    pub is_root_key_lost: bool,
}

impl Current {
    /// Refuses a file that is no newer than what is there.
    fn is_newer(&self, role: &Role, file: &File) -> Result<(), Refusal> {
        match self.newest.get(role) {
            Some(newest) if newest.version >= file.version => {
                Err(Refusal::OldVersion(role.clone()))
            }
            _ => Ok(()),
        }
    }
}

/// What is known of a role's newest file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// Its version.
    pub version: i64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// Whether the snapshot names it and its parent delegates to it.
    pub in_force: bool,
}

/// What an update comes to.
#[derive(Debug, Clone)]
pub struct Update {
    /// What is new, the files that the server made included; the timestamp is the last.
    pub files: Vec<(Role, File)>,
    /// Every role that is in force from now on.
    pub in_force: BTreeSet<Role>,
}

/// Why an update is refused, by the names that clients know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something is missing on the whole.
    #[error("{0}")]
    Validation(String),
    /// The root is no good.
    #[error("{0}")]
    Root(String),
    /// Targets are no good.
    #[error("{0}")]
    Targets(String),
    /// The snapshot is no good.
    #[error("{0}")]
    Snapshot(String),
    /// The snapshot is missing, and the server cannot make it.
    #[error("{0}")]
    Hierarchy(String),
    /// There is a newer file, or this very one.
    #[error("a newer version of {0} is there already: fetch it and try again")]
    OldVersion(Role),
}

/// Returns the roles whose files must be at hand to judge an update of `roles`.
pub fn ancestors<'a>(roles: impl IntoIterator<Item = &'a Role>) -> BTreeSet<Role> {
    let mut all = BTreeSet::from([Role::Root, Role::Targets, Role::Snapshot, Role::Timestamp]);
    for role in roles {
        let mut parent = role.parent();
        while let Some(role) = parent {
            parent = role.parent();
            all.insert(role);
        }
    }
    all
}

/// Judges an update of the repository `gun`, and completes it with what the server signs:
/// `signers` are the keys that it holds for this repository.
///
/// # Errors
/// [`Refusal`] says which file is no good, and why.
pub fn publish(
    gun: &str,
    current: &Current,
    mut uploads: BTreeMap<Role, File>,
    signers: &[Signer],
    now: DateTime<Utc>,
) -> Result<Update, Refusal> {
    // Nobody but the server says what the newest snapshot is.
    uploads.remove(&Role::Timestamp);
    let (root, root_bytes) = root(gun, current, &uploads, now)?;
    let mut tree = Tree {
        root: &root,
        current,
        uploads: &uploads,
        loaded: BTreeMap::new(),
    };
    for role in uploads.keys().filter(|role| role.is_targets()) {
        tree.load(role, now)
            .map_err(|error| Refusal::Targets(error.0))?;
    }
    let loaded = tree.loaded;
    let server = Server {
        signers,
        current,
        now,
    };
    let (snapshot, meta, made) = match uploads.get(&Role::Snapshot) {
        Some(file) => {
            let bad = |error: Invalid| Refusal::Snapshot(error.0);
            let meta = check_snapshot(&root, root_bytes, file, &uploads, now).map_err(bad)?;
            // What was there before does not name what is newest, and that is not what is wrong.
            current.is_newer(&Role::Snapshot, file)?;
            check_names(&meta, (current, &uploads, &loaded)).map_err(bad)?;
            (file.clone(), meta, false)
        }
        None => {
            let (file, meta) = server.snapshot(&root, root_bytes, &uploads, &loaded)?;
            (file, meta, true)
        }
    };
    let timestamp = server.timestamp(&root, &snapshot)?;
    let in_force = in_force(current, &meta, &loaded);
    let mut files: Vec<_> = uploads.into_iter().collect();
    if made {
        files.push((Role::Snapshot, snapshot));
    }
    files.push((Role::Timestamp, timestamp));
    for (role, file) in &files {
        current.is_newer(role, file)?;
    }
    Ok(Update { files, in_force })
}

/// Signs anew what the server signs and what ends before the given times: nothing, the
/// timestamp, or snapshot and timestamp.
///
/// # Errors
/// The server lacks the key that the root names for timestamps, or what is there cannot be read.
pub fn renew(
    current: &Current,
    signers: &[Signer],
    (timestamp_ends, snapshot_ends): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<Vec<(Role, File)>, Refusal> {
    let missing = |role: Role| Refusal::Validation(format!("there is no {role}"));
    let get = |role: Role| current.files.get(&role).ok_or_else(|| missing(role));
    let root = get(Role::Root)?
        .root()
        .map_err(|error| Refusal::Root(error.0))?;
    let (snapshot, timestamp) = (get(Role::Snapshot)?, get(Role::Timestamp)?);
    let server = Server {
        signers,
        current,
        now,
    };
    let mut files = Vec::new();
    if snapshot.expires < snapshot_ends && !server.holders(&root, &Role::Snapshot).is_empty() {
        let meta = snapshot
            .snapshot()
            .map_err(|error| Refusal::Snapshot(error.0))?;
        files.push((Role::Snapshot, server.sign_snapshot(&root, &meta)?));
    }
    if timestamp.expires < timestamp_ends || !files.is_empty() {
        let snapshot = files.first().map_or(snapshot, |(_, file)| file);
        let timestamp = server.timestamp(&root, snapshot)?;
        files.push((Role::Timestamp, timestamp));
    }
    Ok(files)
}

/// Returns the root that is in force after the update, and its bytes.
fn root<'a>(
    gun: &str,
    current: &'a Current,
    uploads: &'a BTreeMap<Role, File>,
    now: DateTime<Utc>,
) -> Result<(Root, &'a File), Refusal> {
    let bad = |error: Invalid| Refusal::Root(error.0);
    let previous = current.files.get(&Role::Root);
    let Some(file) = uploads.get(&Role::Root) else {
        let Some(previous) = previous else {
            let message = "no pre-existing root and no root provided in update.";
            return Err(Refusal::Validation(message.to_owned()));
        };
        return Ok((previous.root().map_err(bad)?, previous));
    };
    let version = previous.map_or(1, |previous| previous.version);
    if file.version != version && file.version != version + 1 {
        let message = format!(
            "Root modifications must increment the version. Current {version}, new {}",
            file.version
        );
        return Err(Refusal::Root(message));
    }
    let trusted = previous.filter(|_| !current.is_root_key_lost);
    let trusted = trusted.map(File::root).transpose().map_err(bad)?;
    let root = verify::root(gun, file, trusted.as_ref(), now).map_err(bad)?;
    Ok((root, file))
}

/// Targets and delegations, from the top down.
struct Tree<'a> {
    root: &'a Root,
    current: &'a Current,
    uploads: &'a BTreeMap<Role, File>,
    loaded: BTreeMap<Role, Targets>,
}

impl Tree<'_> {
    /// Verifies the file of `role` with all that delegate to it.
    fn load(&mut self, role: &Role, now: DateTime<Utc>) -> Result<(), Invalid> {
        if self.loaded.contains_key(role) {
            return Ok(());
        }
        let uploaded = self.uploads.get(role);
        let Some(file) = uploaded.or_else(|| self.current.files.get(role)) else {
            return Ok(());
        };
        let keys = match role.parent() {
            None => self.root.targets.clone(),
            Some(parent) => {
                self.load(&parent, now)?;
                verify::delegation(self.loaded.get(&parent), role)?
                    .keys
                    .clone()
            }
        };
        verify::signed_by(file, role.as_str(), &keys)?;
        let targets = file.targets(role)?;
        // What is there already may have ended; what is sent may not.
        if uploaded.is_some() {
            verify::not_expired(file, role, now)?;
        }
        self.loaded.insert(role.clone(), targets);
        Ok(())
    }
}

/// Verifies a snapshot that a publisher made, and that it names what comes with it.
fn check_snapshot(
    root: &Root,
    root_file: &File,
    file: &File,
    uploads: &BTreeMap<Role, File>,
    now: DateTime<Utc>,
) -> Result<Meta, Invalid> {
    verify::signed_by(file, Role::Snapshot.as_str(), &root.snapshot)?;
    let meta = file.snapshot()?;
    verify::not_expired(file, &Role::Snapshot, now)?;
    let describe = |role: &Role| {
        meta.get(role.as_str())
            .ok_or_else(|| no_checksums(role.as_str()))
    };
    describe(&Role::Root)?.check(Role::Root.as_str(), &root_file.bytes)?;
    for (role, file) in uploads.iter().filter(|(role, _)| role.is_targets()) {
        describe(role)?.check(role.as_str(), &file.bytes)?;
    }
    Ok(meta)
}

/// A publisher's snapshot must name exactly what is newest.
fn check_names(
    meta: &Meta,
    (current, uploads, loaded): (&Current, &BTreeMap<Role, File>, &BTreeMap<Role, Targets>),
) -> Result<(), Invalid> {
    for (name, said) in meta {
        let role = name.parse::<Role>().ok();
        if role
            .as_ref()
            .is_some_and(|role| *role == Role::Root || uploads.contains_key(role))
        {
            continue;
        }
        let newest = role.as_ref().and_then(|role| current.newest.get(role));
        let said = said.sha256.as_ref().ok_or_else(|| no_checksums(name))?;
        if newest.is_none_or(|newest| newest.sha256 != hex::encode(said)) {
            return Err(mismatch("sha256", name, said));
        }
    }
    for (role, newest) in &current.newest {
        let named = !role.is_targets() || meta.contains_key(role.as_str());
        if newest.in_force && !named && is_still_delegated(role, loaded) {
            return Err(no_checksums(role.as_str()));
        }
    }
    Ok(())
}

/// Returns whether nothing that was `loaded` has withdrawn the delegation to `role`.
fn is_still_delegated(role: &Role, loaded: &BTreeMap<Role, Targets>) -> bool {
    let Some(parent) = role.parent() else {
        return true;
    };
    let delegates = loaded
        .get(&parent)
        .is_none_or(|parent| parent.delegations.iter().any(|found| found.role == *role));
    delegates && is_still_delegated(&parent, loaded)
}

/// Returns the roles that a client comes to from now on.
fn in_force(current: &Current, meta: &Meta, loaded: &BTreeMap<Role, Targets>) -> BTreeSet<Role> {
    let reached = |role: &Role| {
        let gone = current
            .newest
            .get(role)
            .is_some_and(|newest| !newest.in_force);
        let reaches = role
            .parent()
            .is_some_and(|parent| loaded.contains_key(&parent));
        is_still_delegated(role, loaded)
            && (reaches || !gone || !matches!(role, Role::Delegation(_)))
    };
    let mut all: BTreeSet<_> = meta
        .keys()
        .filter_map(|name| name.parse().ok())
        .filter(reached)
        .collect();
    all.extend([Role::Root, Role::Snapshot, Role::Timestamp]);
    all
}

/// What the server signs.
struct Server<'a> {
    signers: &'a [Signer],
    current: &'a Current,
    now: DateTime<Utc>,
}

impl<'a> Server<'a> {
    /// Returns the keys for `role` that the server holds, if they are enough.
    fn holders(&self, root: &Root, role: &Role) -> Vec<&'a Signer> {
        let none = RoleKeys {
            keys: BTreeMap::new(),
            threshold: usize::MAX,
        };
        let by = root.role(role).unwrap_or(&none);
        let held = self
            .signers
            .iter()
            .filter(|signer| by.keys.contains_key(signer.key.id()));
        let held: Vec<_> = held.collect();
        match held.len() >= by.threshold {
            true => held,
            false => Vec::new(),
        }
    }

    fn next_version(&self, role: &Role) -> i64 {
        self.current
            .newest
            .get(role)
            .map_or(1, |newest| newest.version + 1)
    }

    fn snapshot(
        &self,
        root: &Root,
        root_file: &File,
        uploads: &BTreeMap<Role, File>,
        loaded: &BTreeMap<Role, Targets>,
    ) -> Result<(File, Meta), Refusal> {
        let mut meta = match self.current.files.get(&Role::Snapshot) {
            Some(previous) => previous
                .snapshot()
                .map_err(|error| Refusal::Validation(error.0))?,
            None if uploads.contains_key(&Role::Targets) => Meta::new(),
            None => {
                return Err(Refusal::Validation(
                    "targets must be loaded first".to_owned(),
                ));
            }
        };
        meta.retain(|name, _| {
            name.parse::<Role>()
                .is_ok_and(|role| is_still_delegated(&role, loaded))
        });
        meta.insert(Role::Root.to_string(), FileMeta::of(&root_file.bytes));
        for (role, file) in uploads.iter().filter(|(role, _)| role.is_targets()) {
            meta.insert(role.to_string(), FileMeta::of(&file.bytes));
        }
        Ok((self.sign_snapshot(root, &meta)?, meta))
    }

    fn sign_snapshot(&self, root: &Root, meta: &Meta) -> Result<File, Refusal> {
        let holders = self.holders(root, &Role::Snapshot);
        if holders.is_empty() {
            let message = "no snapshot was included in update and server does not hold current snapshot key for repository";
            return Err(Refusal::Hierarchy(message.to_owned()));
        }
        let number = (self.next_version(&Role::Snapshot), self.now + SNAPSHOT_LIFE);
        sign_meta(&Role::Snapshot, number, meta, &holders)
            .map_err(|error| Refusal::Validation(error.0))
    }

    fn timestamp(&self, root: &Root, snapshot: &File) -> Result<File, Refusal> {
        let holders = self.holders(root, &Role::Timestamp);
        if holders.is_empty() {
            let message = "no timestamp keys exist on the server";
            return Err(Refusal::Root(message.to_owned()));
        }
        let meta = Meta::from([(Role::Snapshot.to_string(), FileMeta::of(&snapshot.bytes))]);
        let number = (
            self.next_version(&Role::Timestamp),
            self.now + TIMESTAMP_LIFE,
        );
        sign_meta(&Role::Timestamp, number, &meta, &holders)
            .map_err(|error| Refusal::Validation(error.0))
    }
}
