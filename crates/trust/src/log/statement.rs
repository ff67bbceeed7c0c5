//! What a market says of one name, with its proofs: the log's entries of that name, each
//! proven to be in the log, the log's signed head, and a stamp that says by the market's own
//! key whose log that is and when this was said. One file, good online and beside an image.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    Entry, Hash, LogKey, MAX_WITNESSES, NoteError, ProofError, Verifier, Witness, leaf_hash,
    verify_consistency, verify_inclusion,
};
use crate::{
    PublicKey, Signer, jws,
    succession::{Succession, SuccessionError, follow},
};

/// No statement is larger, in bytes, with all of its entries.
pub const MAX_STATEMENT_BYTES: usize = 128 << 20;
/// No part of one is larger, as it is sent.
pub const MAX_PAGE_BYTES: usize = 16 << 20;
/// A tree over as many entries as there can be is not higher.
const MAX_PROOF: usize = 64;

/// The form of the statements that are read and written here.
const SCHEMA_VERSION: u32 = 1;

/// A statement as it is sent and kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Which form this has: 1.
    pub schema_version: u32,
    /// Host and repository.
    pub name: String,
    /// The log's signed head.
    pub checkpoint: String,
    /// A compact token by the market's release key.
    pub stamp: String,
    /// All entries of the name, in the log's order; the first of them, where there is `next`.
    pub entries: Vec<LoggedEntry>,
    /// From which number on the others are to be asked for, where that is not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// That the log begins as it did, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// Earlier heads that witnesses saw who have not seen this one yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnessed: Vec<Witnessed>,
    /// Who follows release keys that were replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub successions: Vec<Succession>,
}

/// An earlier head of the log with cosignatures, and the proof that the log goes on from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witnessed {
    /// The head, signed by the log and by witnesses.
    pub checkpoint: String,
    /// Hashes in base64.
    pub proof: Vec<String>,
}

/// What a witness saw of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// Its name.
    pub witness: String,
    /// How many entries the log had.
    pub size: u64,
    /// When.
    pub at: DateTime<Utc>,
}

/// Further entries of a name, proven by the head that its statement has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Entries in the log's order.
    pub entries: Vec<LoggedEntry>,
    /// From which number on there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// An entry and the proof that it is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedEntry {
    /// Its number.
    pub index: u64,
    /// Its text, as it was hashed.
    pub entry: String,
    /// Hashes in base64, from the leaf up.
    pub proof: Vec<String>,
}

/// The proof that a log begins with what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consistency {
    /// How many entries it had.
    pub since: u64,
    /// Hashes in base64.
    pub proof: Vec<String>,
}

/// What the stamp says.
#[derive(Debug, Serialize, Deserialize)]
struct Stamp {
    /// Which log.
    iss: String,
    /// About which name.
    sub: String,
    /// Seconds since 1970.
    iat: i64,
    size: u64,
    root: String,
    /// How many of the entries in the log are of the name.
    entries: usize,
    log_key: String,
}

/// Why a statement is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It cannot be read.
    #[error("the log's statement cannot be read: {0}")]
    Malformed(String),
    /// Who follows a key is not proven, or the key was revoked.
    #[error(transparent)]
    Succession(#[from] SuccessionError),
    /// The stamp is not by the key.
    #[error("the log's statement is not signed by the market's key: {0}")]
    Stamp(String),
    /// It is about something else.
    #[error("the log's statement is about {0}")]
    OtherName(String),
    /// The head is no good.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Head and stamp do not go together.
    #[error("the log's head is not the one that the market signed for")]
    OtherHead,
    /// An entry is not in the log.
    #[error("entry {0} is not proven to be in the log: {1}")]
    NotIncluded(u64, ProofError),
    /// Entries are missing, or out of order.
    #[error("the entries are not those that the market signed for")]
    Entries,
    /// The log was changed.
    #[error(
        "the log is not a continuation of what was seen before ({0}): its past was changed. Tell others, and keep both statements"
    )]
    Forked(ProofError),
    /// Nothing says that the log goes on from what was seen before.
    #[error(
        "the statement does not prove that the log continues from its {0} entries that were seen before"
    )]
    Unproven(u64),
}

/// A statement that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Which log.
    pub log: String,
    /// The log's own key.
    pub log_key: String,
    /// How many entries it has.
    pub size: u64,
    /// The hash over them.
    pub root: Hash,
    /// When this was said.
    pub at: DateTime<Utc>,
    /// All entries of the name with their numbers.
    pub entries: Vec<(u64, Entry)>,
}

impl Statement {
    /// Makes a statement about `name` from its proven entries.
    ///
    /// # Errors
    /// The stamp cannot be written, or the key did not sign.
    pub fn sign(
        name: &str,
        entries: Vec<LoggedEntry>,
        head: (u64, &Hash),
        (key, log): (&dyn Signer, &LogKey),
        at: DateTime<Utc>,
    ) -> Result<Self, jws::JwsError> {
        let stamp = Self::stamp((name, entries.len()), head, (key, log), at)?;
        Ok(Self::stamped(
            name,
            entries,
            log.sign(head.0, head.1),
            stamp,
        ))
    }

    /// Signs what is said of a name with so many entries: the statement's one part that takes
    /// the market's key.
    ///
    /// # Errors
    /// As [`Statement::sign`].
    pub fn stamp(
        (name, entries): (&str, usize),
        (size, root): (u64, &Hash),
        (key, log): (&dyn Signer, &LogKey),
        at: DateTime<Utc>,
    ) -> Result<String, jws::JwsError> {
        let stamp = Stamp {
            iss: log.verifier().name().to_owned(),
            sub: name.to_owned(),
            iat: at.timestamp(),
            size,
            root: STANDARD.encode(root),
            entries,
            log_key: log.verifier().to_string(),
        };
        jws::sign(key, &stamp)
    }

    /// Puts a statement together of its parts.
    pub fn stamped(
        name: &str,
        entries: Vec<LoggedEntry>,
        checkpoint: String,
        stamp: String,
    ) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            name: name.to_owned(),
            checkpoint,
            stamp,
            entries,
            next: None,
            consistency: None,
            witnessed: Vec::new(),
            successions: Vec::new(),
        }
    }

    /// Reads a statement.
    ///
    /// # Errors
    /// [`StatementError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        if bytes.len() > MAX_STATEMENT_BYTES {
            let message = format!("it has more than {MAX_STATEMENT_BYTES} bytes");
            return Err(StatementError::Malformed(message));
        }
        let statement: Self = serde_json::from_slice(bytes)
            .map_err(|error| StatementError::Malformed(error.to_string()))?;
        if statement.schema_version != SCHEMA_VERSION {
            let message = format!(
                "it has the form {}, and only {SCHEMA_VERSION} is known here: use a newer plimsoll",
                statement.schema_version
            );
            return Err(StatementError::Malformed(message));
        }
        Ok(statement)
    }

    /// Returns the keys to be believed by whoever believes `pinned`.
    ///
    /// # Errors
    /// A succession is forged, or no key is left.
    pub fn keys(&self, pinned: &[PublicKey]) -> Result<Vec<PublicKey>, StatementError> {
        Ok(follow(&self.successions, pinned)?)
    }

    /// Checks everything: the stamp by one of `keys` or of those that follow them, the log's own signature, that it is about
    /// `name`, and that every entry is in the log.
    ///
    /// # Errors
    /// [`StatementError`] says what does not hold.
    pub fn open(&self, name: &str, keys: &[PublicKey]) -> Result<Opened, StatementError> {
        self.begin(name, keys)?.finish()
    }

    /// Begins to check a statement whose entries come in parts; those that are here are the first.
    ///
    /// # Errors
    /// As [`Statement::open`].
    pub fn begin(&self, name: &str, keys: &[PublicKey]) -> Result<Opening, StatementError> {
        let keys = self.keys(keys)?;
        let stamp: Stamp = jws::verify(&self.stamp, &keys)
            .map_err(|error| StatementError::Stamp(error.to_string()))?;
        if stamp.sub != name {
            return Err(StatementError::OtherName(stamp.sub));
        }
        let verifier = Verifier::parse(&stamp.log_key)?;
        let head = verifier.open(&self.checkpoint)?;
        let same = head.size == stamp.size && STANDARD.encode(head.root) == stamp.root;
        if !same || head.origin != stamp.iss {
            return Err(StatementError::OtherHead);
        }
        let at = DateTime::from_timestamp(stamp.iat, 0);
        let mut opening = Opening {
            name: name.to_owned(),
            count: stamp.entries,
            opened: Opened {
                log: stamp.iss,
                log_key: stamp.log_key,
                size: head.size,
                root: head.root,
                at: at.ok_or_else(|| StatementError::Stamp("its time is none".to_owned()))?,
                entries: Vec::new(),
            },
        };
        opening.take(&self.entries)?;
        Ok(opening)
    }

    /// Checks that the log of an opened statement begins with the head that was seen before.
    ///
    /// # Errors
    /// [`StatementError::Forked`], or [`StatementError::Unproven`].
    pub fn continues(&self, opened: &Opened, seen: (u64, &Hash)) -> Result<(), StatementError> {
        let proof = match &self.consistency {
            Some(found) if found.since == seen.0 => hashes(&found.proof)?,
            // Nothing to prove between equal heads; of shorter logs no proof would help.
            _ if seen.0 == 0 || seen.0 >= opened.size => Vec::new(),
            _ => return Err(StatementError::Unproven(seen.0)),
        };
        verify_consistency(seen, (opened.size, &opened.root), &proof)
            .map_err(StatementError::Forked)
    }
}

impl Page {
    /// Reads a part of a statement.
    ///
    /// # Errors
    /// [`StatementError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let malformed = |why: String| StatementError::Malformed(why);
        if bytes.len() > MAX_PAGE_BYTES {
            return Err(malformed(format!(
                "it has more than {MAX_PAGE_BYTES} bytes"
            )));
        }
        let page: Self =
            serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
        match page.entries.is_empty() {
            true => Err(malformed("a part of it has no entries".to_owned())),
            false => Ok(page),
        }
    }
}

/// A statement that holds as far as its entries are here.
#[derive(Debug)]
pub struct Opening {
    name: String,
    /// How many entries the market signed for.
    count: usize,
    opened: Opened,
}

impl Opening {
    /// Returns how many entries the log has that all of it is proven by.
    pub fn size(&self) -> u64 {
        self.opened.size
    }

    /// Takes the next entries, in the log's order.
    ///
    /// # Errors
    /// One is not in the log, of another name, or one too many.
    pub fn take(&mut self, entries: &[LoggedEntry]) -> Result<(), StatementError> {
        let opened = &mut self.opened;
        if opened.entries.len() + entries.len() > self.count {
            return Err(StatementError::Entries);
        }
        for logged in entries {
            let proof = hashes(&logged.proof)?;
            let leaf = leaf_hash(logged.entry.as_bytes());
            verify_inclusion((&leaf, logged.index), (opened.size, &opened.root), &proof)
                .map_err(|error| StatementError::NotIncluded(logged.index, error))?;
            let entry = Entry::parse(logged.entry.as_bytes()).ok_or(StatementError::Entries)?;
            let after = (opened.entries.last()).is_none_or(|(last, _)| *last < logged.index);
            if entry.name != self.name || !after {
                return Err(StatementError::Entries);
            }
            opened.entries.push((logged.index, entry));
        }
        Ok(())
    }

    /// Ends with what holds.
    ///
    /// # Errors
    /// There are fewer entries than the market signed for.
    pub fn finish(self) -> Result<Opened, StatementError> {
        match self.opened.entries.len() == self.count {
            true => Ok(self.opened),
            false => Err(StatementError::Entries),
        }
    }
}

impl Statement {
    /// Returns what each of `witnesses` saw last of the log of an opened statement, of those who saw
    /// anything; all of it is what that log begins with.
    ///
    /// # Errors
    /// A head is not signed by the log, or is none that it goes on from: [`StatementError::Forked`].
    pub fn cosigned(
        &self,
        opened: &Opened,
        witnesses: &[Witness],
    ) -> Result<Vec<Cosigned>, StatementError> {
        if self.witnessed.len() > MAX_WITNESSES {
            let message = format!("it has more than {MAX_WITNESSES} witnessed heads");
            return Err(StatementError::Malformed(message));
        }
        let verifier = Verifier::parse(&opened.log_key)?;
        let mut heads = vec![(opened.size, self.checkpoint.as_str())];
        for earlier in &self.witnessed {
            let head = verifier.open(&earlier.checkpoint)?;
            let proof = hashes(&earlier.proof)?;
            let now = (opened.size, &opened.root);
            verify_consistency((head.size, &head.root), now, &proof)
                .map_err(StatementError::Forked)?;
            heads.push((head.size, &earlier.checkpoint));
        }
        let seen = witnesses.iter().filter_map(|witness| {
            let seen = heads
                .iter()
                .filter_map(|(size, note)| Some((*size, witness.cosigned(note)?)));
            let (size, at) = seen.max()?;
            Some(Cosigned {
                witness: witness.to_string(),
                size,
                at,
            })
        });
        Ok(seen.collect())
    }
}

/// Writes hashes as they stand in statements.
pub fn encode(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}

fn hashes(texts: &[String]) -> Result<Vec<Hash>, StatementError> {
    let wrong = || StatementError::Malformed("a proof holds what is no hash".to_owned());
    if texts.len() > MAX_PROOF {
        return Err(wrong());
    }
    let read = |text: &String| STANDARD.decode(text).ok()?.try_into().ok();
    texts
        .iter()
        .map(|text| read(text).ok_or_else(wrong))
        .collect()
}
