//! Roots that are signed on another machine: one file goes there with what is to be signed, and
//! comes back with it signed. So the root key never has to be where a server is.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{File, Invalid, Key, Root, RootKeys, named_root_key, root, verify};
use crate::{PublicKey, SigningKey, jws::JwsError, succession};

/// One file has no more of them.
pub const MAX_ROOTS: usize = 2_000;
/// No file is larger, in bytes.
pub const MAX_ROOTS_BYTES: usize = 64 << 20;
/// The form of the files that are read and written here.
const SCHEMA_VERSION: u32 = 1;

/// What waits for a marketplace's root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootsToSign {
    /// Which form this has: 1.
    schema_version: u32,
    /// The host under which it is.
    pub market: String,
    /// The root key from now on, PEM.
    root_key: String,
    /// What clients with content trust are to follow.
    pub roots: Vec<RootToSign>,
    /// Whom those are to follow who pinned a release key that was replaced.
    pub successions: Vec<SuccessionToSign>,
}

/// The next root of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootToSign {
    /// Which name: host and repository.
    pub gun: String,
    /// What it is for.
    pub why: WhyRoot,
    /// Whom it names for targets.
    pub targets: Key,
    /// Whom it names for the snapshot.
    pub snapshot: Key,
    /// Whom it names for the timestamp.
    pub timestamp: Key,
    /// The root that it takes the place of.
    pub previous: Option<File>,
    /// It, signed.
    pub root: Option<File>,
}

/// Why a name needs another root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyRoot {
    /// It has none: nothing of it was released.
    First,
    /// The one in force is signed by another root key.
    OtherRootKey,
    /// The one in force names another key for targets: the release key was replaced.
    OtherReleaseKey,
    /// It ends soon.
    Ends,
    /// The root key that clients know is lost: they will refuse this one until they forget it.
    Lost,
}

/// What a root key is to say of a release key that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuccessionToSign {
    /// The fingerprint of the key.
    pub replaces: String,
    /// The fingerprint of the root key that it appointed.
    pub root_key: String,
    /// How it did, a compact token.
    pub appointment: String,
    /// Who follows it, PEM; none where it is not to be believed any more.
    pub successor: Option<String>,
    /// What the root key said, a compact token.
    pub decision: Option<String>,
}

/// Why roots are not signed.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The file is none of this kind.
    #[error("this is no file of roots to sign: {0}")]
    Malformed(String),
    /// The key is another one.
    #[error("the marketplace's root key is {wanted}, and this is {given}")]
    OtherKey {
        /// The fingerprint of whose signature is wanted.
        wanted: String,
        /// Of the one that was given.
        given: String,
    },
    /// A root cannot be written.
    #[error("{0}: {1}")]
    Root(String, Invalid),
    /// A succession cannot be signed.
    #[error(transparent)]
    Succession(#[from] JwsError),
}

impl RootsToSign {
    /// Begins a file for a root key.
    pub fn new(market: &str, root_key: &PublicKey) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            market: market.to_owned(),
            root_key: root_key.to_pem(),
            roots: Vec::new(),
            successions: Vec::new(),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`RootsError::Malformed`]; so it is where a name is not the market's, or is there twice.
    pub fn read(bytes: &[u8]) -> Result<Self, RootsError> {
        let wrong = |why: &dyn std::fmt::Display| RootsError::Malformed(why.to_string());
        if bytes.len() > MAX_ROOTS_BYTES {
            return Err(wrong(&format_args!(
                "it has {} bytes; at most {MAX_ROOTS_BYTES} are taken",
                bytes.len()
            )));
        }
        let read: Self = serde_json::from_slice(bytes).map_err(|error| wrong(&error))?;
        if read.schema_version != SCHEMA_VERSION {
            return Err(wrong(&"it is of a form that is not known here"));
        }
        if read.roots.len() > MAX_ROOTS || read.successions.len() > succession::MAX_SUCCESSIONS {
            return Err(wrong(&"it holds more than one file may"));
        }
        read.root_key()?;
        let host = format!("{}/", read.market);
        let mut seen = BTreeSet::new();
        for gun in read.roots.iter().map(|root| root.gun.as_str()) {
            if !gun.starts_with(&host) {
                return Err(wrong(&format_args!(
                    "`{gun}` is no name of {}",
                    read.market
                )));
            }
            if !seen.insert(gun) {
                return Err(wrong(&format_args!("`{gun}` is in it twice")));
            }
        }
        Ok(read)
    }

    /// Writes the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("texts always serialise")
    }

    /// Returns whose signature is wanted.
    ///
    /// # Errors
    /// The file has no key there.
    pub fn root_key(&self) -> Result<PublicKey, RootsError> {
        PublicKey::from_pem(&self.root_key)
            .map_err(|error| RootsError::Malformed(error.to_string()))
    }

    /// Signs what `key`, the market's root key, and those `before` it can: roots that clients
    /// follow from the ones before, and successions of release keys that appointed one of them.
    /// What needs another key stays as it is, where it was signed before; what the file brought
    /// that is not signed as it says goes.
    ///
    /// # Errors
    /// The key is not the market's, or something cannot be signed.
    pub fn sign(
        &mut self,
        key: &SigningKey,
        before: &[SigningKey],
        now: DateTime<Utc>,
    ) -> Result<(), RootsError> {
        let wanted = self.root_key()?;
        if key.public() != wanted {
            return Err(RootsError::OtherKey {
                wanted: wanted.key_id(),
                given: key.public().key_id(),
            });
        }
        let keys: Vec<&SigningKey> = [key].into_iter().chain(before).collect();
        for wanted in &mut self.roots {
            wanted.sign(&keys, now)?;
        }
        for wanted in &mut self.successions {
            if !wanted.holds() {
                wanted.decision = None;
            }
            let root = keys
                .iter()
                .find(|key| key.public().key_id() == wanted.root_key);
            if let Some(root) = root {
                let successor = wanted.successor.as_deref().map(PublicKey::from_pem);
                let successor = successor.transpose();
                let successor =
                    successor.map_err(|error| RootsError::Malformed(error.to_string()))?;
                let decision = succession::decide(root, &wanted.replaces, successor.as_ref(), now);
                wanted.decision = Some(decision?);
            }
        }
        Ok(())
    }

    /// Tells whether nothing is left that waits for a key.
    pub fn is_signed(&self) -> bool {
        self.roots.iter().all(|it| it.root.is_some())
            && self.successions.iter().all(|it| it.decision.is_some())
    }
}

impl RootToSign {
    /// Returns the number of the root.
    pub fn version(&self) -> i64 {
        self.previous
            .as_ref()
            .map_or(1, |previous| previous.version.saturating_add(1))
    }

    fn sign(&mut self, keys: &[&SigningKey], now: DateTime<Utc>) -> Result<(), RootsError> {
        let wrong = |error| RootsError::Root(self.gun.clone(), error);
        let previous = self.previous.as_ref();
        let trusted = previous.map(File::root).transpose().map_err(wrong)?;
        let named = RootKeys {
            targets: &self.targets,
            snapshot: &self.snapshot,
            timestamp: &self.timestamp,
        };
        let is_known = |root| {
            keys.iter()
                .any(|key| named_root_key(root, &key.public()).is_some())
        };
        let is_followed = trusted.as_ref().is_none_or(is_known);
        let version = self.version();
        let by = keys.first().map(|key| key.public());
        let before = trusted.as_ref().filter(|_| self.why != WhyRoot::Lost);
        let holds = |found: &File| {
            let read = verify::root(&self.gun, found, before, now);
            let named = |root: Root| by.as_ref().is_some_and(|by| named.are_all_of(&root, by));
            found.version == version && read.is_ok_and(named)
        };
        self.root = self.root.take().filter(holds);
        if !is_followed && self.why != WhyRoot::Lost {
            return Ok(());
        }
        let signed = root((&self.gun, previous), named, keys, now).map_err(wrong)?;
        let trusted = trusted.filter(|_| is_followed);
        verify::root(&self.gun, &signed, trusted.as_ref(), now).map_err(wrong)?;
        self.root = Some(signed);
        Ok(())
    }
}

impl SuccessionToSign {
    /// Returns whether what the root key said is said by the one that the key appointed, and is
    /// what is to be said.
    fn holds(&self) -> bool {
        let Some(decision) = &self.decision else {
            return true;
        };
        let said = succession::read_decision(&self.appointment, decision, &self.replaces);
        said.is_ok_and(|said| said.as_ref().map(PublicKey::to_pem) == self.successor)
    }
}
