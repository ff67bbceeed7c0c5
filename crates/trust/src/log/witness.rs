//! Witnesses of a log (C2SP `tlog-witness`, `tlog-cosignature`): others who sign its heads, and
//! only such as go on from all that they signed before. So the log cannot tell one thing to some
//! and another to others without a witness that lies as well.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::{
    Hash, NoteError, encode,
    note::{id, read_key, split, write_key},
};

/// The byte that says: Ed25519, with a time.
const COSIGNATURE: u8 = 4;
/// A market has no more of them, nor does a statement.
pub const MAX_WITNESSES: usize = 16;
/// Lines of an answer that are looked at.
const MAX_LINES: usize = 64;

/// Who signs heads of logs, by name and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

impl Witness {
    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether both are one key, whatever they are called: what it signs says no name.
    pub fn is_key_of(&self, other: &Self) -> bool {
        self.public == other.public
    }

    /// Returns when it last cosigned a checkpoint, if it did.
    pub fn cosigned(&self, checkpoint: &str) -> Option<DateTime<Utc>> {
        let (text, signatures) = split(checkpoint).ok()?;
        let own = signatures
            .iter()
            .filter(|it| it.name == self.name && it.id == self.id);
        own.filter_map(|it| self.time(text, &it.bytes)).max()
    }

    fn time(&self, text: &str, bytes: &[u8]) -> Option<DateTime<Utc>> {
        let (time, signature) = bytes.split_first_chunk::<8>()?;
        let time = u64::from_be_bytes(*time);
        let message = format!("cosignature/v1\ntime {time}\n{text}");
        let key = UnparsedPublicKey::new(&ED25519, &self.public);
        key.verify(message.as_bytes(), signature).ok()?;
        DateTime::from_timestamp(i64::try_from(time).ok()?, 0)
    }

    /// Picks its cosignature of a checkpoint out of an answer: the line, and when it was made.
    pub fn pick<'a>(&self, checkpoint: &str, answer: &'a str) -> Option<(&'a str, DateTime<Utc>)> {
        let lines = answer.lines().take(MAX_LINES);
        let mut ours = lines.filter_map(|line| {
            let at = self.cosigned(&format!("{checkpoint}{line}\n"))?;
            Some((line, at))
        });
        ours.next()
    }
}

/// Writes the request to cosign a checkpoint: with the proof that it goes on from `old` entries.
pub fn submission(old: u64, proof: &[Hash], checkpoint: &str) -> String {
    let proof: String = encode(proof)
        .iter()
        .map(|hash| format!("{hash}\n"))
        .collect();
    format!("old {old}\n{proof}\n{checkpoint}")
}

impl FromStr for Witness {
    type Err = NoteError;

    /// Reads `NAME+HASH+KEY`.
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, public) = read_key(text, COSIGNATURE).map_err(|_| NoteError::Witness)?;
        Ok(Self {
            name: name.to_owned(),
            id: id(name, COSIGNATURE, &public),
            public,
        })
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write_key(&self.name, COSIGNATURE, &self.public))
    }
}
