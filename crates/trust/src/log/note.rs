//! Signed notes and checkpoints (C2SP `signed-note`, `tlog-checkpoint`), with Ed25519: the one
//! kind that witnesses and verifiers of logs take.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};

use super::Hash;

/// No note is larger, in bytes.
pub const MAX_NOTE_BYTES: usize = 64 << 10;
/// Witnesses may add their signatures; more than these are not looked at.
const MAX_SIGNATURES: usize = 64;
/// The byte that says Ed25519.
pub(super) const ALGORITHM: u8 = 1;

/// Why a checkpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is no signed note.
    #[error("this is no signed checkpoint")]
    Form,
    /// It is a note, and no checkpoint.
    #[error("the signed text is no checkpoint: it must be a name, a size and a root")]
    Checkpoint,
    /// None of its signatures is by the log's key.
    #[error("the checkpoint is not signed by the log's key {0}")]
    Unsigned(String),
    /// The log's signature does not fit.
    #[error("the log's signature does not fit the checkpoint: it was altered")]
    Signature,
    /// The text names no key.
    #[error("this is no key of a log: it must read NAME+HASH+KEY")]
    Key,
    /// The text names no witness.
    #[error(
        "this is no key of a witness: it must read NAME+HASH+KEY, for cosignatures with Ed25519"
    )]
    Witness,
}

/// The key that a log's heads are signed with.
#[derive(Debug)]
pub struct LogKey {
    pair: Ed25519KeyPair,
    verifier: Verifier,
}

impl LogKey {
    /// Takes the 32 secret bytes of the key, and the log's name: its address without scheme.
    ///
    /// # Panics
    /// Never: every 32 bytes are a key.
    pub fn new(name: &str, seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("every seed is a key");
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        Self {
            pair,
            verifier: Verifier::new(name, public),
        }
    }

    /// Returns the public half.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Writes the signed checkpoint of a head.
    pub fn sign(&self, size: u64, root: &Hash) -> String {
        let text = Checkpoint {
            origin: self.verifier.name.clone(),
            size,
            root: *root,
        }
        .text();
        let signature = self.pair.sign(text.as_bytes());
        let bytes = [&self.verifier.id[..], signature.as_ref()].concat();
        format!(
            "{text}\n— {} {}\n",
            self.verifier.name,
            STANDARD.encode(bytes)
        )
    }
}

/// The public half of a log's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

impl Verifier {
    pub(crate) fn new(name: &str, public: [u8; 32]) -> Self {
        Self {
            name: name.to_owned(),
            id: id(name, ALGORITHM, &public),
            public,
        }
    }

    /// Returns the hash that signatures have the first four bytes of.
    pub(crate) fn full_id(&self) -> Hash {
        full_id(&self.name, ALGORITHM, &self.public)
    }

    /// Returns the log's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads `NAME+HASH+KEY`, as witnesses are configured with.
    ///
    /// # Errors
    /// [`NoteError::Key`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, public) = read_key(text, ALGORITHM)?;
        Ok(Self::new(name, public))
    }

    /// Reads a checkpoint and checks that this key signed it.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn open(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let (text, signatures) = split(note)?;
        let mut signed = false;
        for signature in signatures {
            if signature.name != self.name || signature.id != self.id {
                continue;
            }
            UnparsedPublicKey::new(&ED25519, &self.public)
                .verify(text.as_bytes(), &signature.bytes)
                .map_err(|_| NoteError::Signature)?;
            signed = true;
        }
        if !signed {
            return Err(NoteError::Unsigned(self.name.clone()));
        }
        let checkpoint = Checkpoint::parse(text)?;
        match checkpoint.origin == self.name {
            true => Ok(checkpoint),
            false => Err(NoteError::Checkpoint),
        }
    }
}

/// A signature below a note.
pub(crate) struct NoteSignature<'a> {
    pub(crate) name: &'a str,
    pub(crate) id: [u8; 4],
    pub(crate) bytes: Vec<u8>,
}

/// Splits a note into the text that is signed and its signatures.
pub(crate) fn split(note: &str) -> Result<(&str, Vec<NoteSignature<'_>>), NoteError> {
    let controls = note.bytes().any(|byte| byte < b' ' && byte != b'\n');
    if note.len() > MAX_NOTE_BYTES || controls {
        return Err(NoteError::Form);
    }
    let at = note.rfind("\n\n").ok_or(NoteError::Form)?;
    let (text, signatures) = (&note[..=at], &note[at + 2..]);
    if !signatures.ends_with('\n') {
        return Err(NoteError::Form);
    }
    let mut found = Vec::new();
    for line in signatures.lines().take(MAX_SIGNATURES) {
        let line = line.strip_prefix("— ").ok_or(NoteError::Form)?;
        let (name, signature) = line.split_once(' ').ok_or(NoteError::Form)?;
        let signature = STANDARD.decode(signature).map_err(|_| NoteError::Form)?;
        let (id, bytes) = signature.split_first_chunk().ok_or(NoteError::Form)?;
        let (id, bytes) = (*id, bytes.to_vec());
        found.push(NoteSignature { name, id, bytes });
    }
    Ok((text, found))
}

fn full_id(name: &str, algorithm: u8, public: &[u8; 32]) -> Hash {
    let hash = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', algorithm]);
    hash.chain_update(public).finalize().into()
}

/// Returns what signatures by a key begin with.
pub(super) fn id(name: &str, algorithm: u8, public: &[u8; 32]) -> [u8; 4] {
    let [a, b, c, d, ..] = full_id(name, algorithm, public);
    [a, b, c, d]
}

/// Reads `NAME+HASH+KEY` of an algorithm.
pub(super) fn read_key(text: &str, algorithm: u8) -> Result<(&str, [u8; 32]), NoteError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoteError::Key);
    };
    let key = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
    let Some((found, public)) = key.split_first() else {
        return Err(NoteError::Key);
    };
    let public = public.try_into().map_err(|_| NoteError::Key)?;
    let is_key = *found == algorithm && is_name(name);
    match is_key && hex::encode(id(name, algorithm, &public)) == hash {
        true => Ok((name, public)),
        false => Err(NoteError::Key),
    }
}

/// Writes `NAME+HASH+KEY`.
pub(super) fn write_key(name: &str, algorithm: u8, public: &[u8; 32]) -> String {
    let key = STANDARD.encode([&[algorithm][..], public].concat());
    format!("{name}+{}+{key}", hex::encode(id(name, algorithm, public)))
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&write_key(&self.name, ALGORITHM, &self.public))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// The head of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The hash over them.
    pub root: Hash,
}

impl Checkpoint {
    fn text(&self) -> String {
        let root = STANDARD.encode(self.root);
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    /// Reads a checkpoint's text; lines after the third are extensions and say nothing here.
    pub(crate) fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(NoteError::Checkpoint);
        };
        let number: u64 = size.parse().map_err(|_| NoteError::Checkpoint)?;
        let root = STANDARD.decode(root).map_err(|_| NoteError::Checkpoint)?;
        let root = root.try_into().map_err(|_| NoteError::Checkpoint)?;
        let plain = number.to_string() == size && !origin.is_empty();
        if !plain || lines.any(str::is_empty) {
            return Err(NoteError::Checkpoint);
        }
        Ok(Self {
            origin: origin.to_owned(),
            size: number,
            root,
        })
    }
}
