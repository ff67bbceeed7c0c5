//! Content digests (image-spec, descriptor.md, section "Digests").

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{
    Digest as _, Sha256, Sha512,
    digest::common::hazmat::{SerializableState, SerializedState},
};

/// A registered digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// SHA-256, 64 hexadecimal digits.
    Sha256,
    /// SHA-512, 128 hexadecimal digits.
    Sha512,
}

impl Algorithm {
    /// Returns the name as written before the colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl FromStr for Algorithm {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text {
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            other => Err(DigestError::Algorithm(other.to_owned())),
        }
    }
}

/// A digest such as `sha256:e3b0…`, always lower case and of the right length.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

/// What is wrong with a digest's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// There is no colon between algorithm and hexadecimal digits.
    #[error("`{0}` is no digest: expected `sha256:` and 64 hexadecimal digits")]
    Form(String),
    /// The algorithm is not one of the registered ones.
    #[error("digest algorithm `{0}` is not supported: use sha256 or sha512")]
    Algorithm(String),
    /// The hexadecimal part has the wrong length or an illegal character.
    #[error("`{0}` is no digest: expected {1} lower-case hexadecimal digits after the colon")]
    Hex(String, usize),
}

impl Digest {
    /// Returns the SHA-256 digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::by(Algorithm::Sha256, bytes)
    }

    /// Returns the digest of `bytes` by an algorithm.
    pub fn by(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut digester = Digester::new(algorithm);
        digester.update(bytes);
        digester.finish()
    }

    /// Returns the algorithm.
    pub fn algorithm(&self) -> Algorithm {
        if self.0.starts_with("sha512") {
            Algorithm::Sha512
        } else {
            Algorithm::Sha256
        }
    }

    /// Returns the hexadecimal digits after the colon.
    pub fn hex(&self) -> &str {
        &self.0[7..]
    }

    /// Returns the whole text, `algorithm:hex`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `algorithm:` and the first twelve digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..19]
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) = text
            .split_once(':')
            .ok_or_else(|| DigestError::Form(shorten(text)))?;
        let algorithm: Algorithm = algorithm.parse()?;
        let legal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if hex.len() != algorithm.hex_len() || !hex.bytes().all(legal) {
            return Err(DigestError::Hex(shorten(text), algorithm.hex_len()));
        }
        Ok(Self(text.to_owned()))
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(140).collect()
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// First byte of a saved [`Digester`]: the layout is that of `sha2` 0.11, whose later
/// versions may have another one.
const SAVED: u8 = 1;

/// Computes a digest over a stream, piece by piece.
#[derive(Clone)]
pub enum Digester {
    /// A running SHA-256.
    Sha256(Sha256),
    /// A running SHA-512.
    Sha512(Box<Sha512>),
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digester")
    }
}

impl Digester {
    /// Starts an empty stream.
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Box::new(Sha512::new())),
        }
    }

    /// Goes on where the digester stood when it was saved; nothing where `saved` is not
    /// a state of this algorithm and version.
    pub fn restore(algorithm: Algorithm, saved: &[u8]) -> Option<Self> {
        let (&SAVED, state) = saved.split_first()? else {
            return None;
        };
        Some(match algorithm {
            Algorithm::Sha256 => Self::Sha256(restore(state)?),
            Algorithm::Sha512 => Self::Sha512(Box::new(restore(state)?)),
        })
    }

    /// Returns the state for [`Digester::restore`], some hundred bytes; it may hold up to
    /// 127 bytes of the stream as they are.
    pub fn save(&self) -> Vec<u8> {
        let state = match self {
            Self::Sha256(hash) => hash.serialize().to_vec(),
            Self::Sha512(hash) => hash.serialize().to_vec(),
        };
        [&[SAVED], state.as_slice()].concat()
    }

    /// Returns the algorithm.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// Adds the next bytes of the stream.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    /// Returns the digest of everything added.
    pub fn finish(self) -> Digest {
        match self {
            Self::Sha256(hash) => Digest(format!("sha256:{}", hex::encode(hash.finalize()))),
            Self::Sha512(hash) => Digest(format!("sha512:{}", hex::encode(hash.finalize()))),
        }
    }
}

fn restore<H: SerializableState>(state: &[u8]) -> Option<H> {
    let state = SerializedState::<H>::try_from(state).ok()?;
    H::deserialize(&state).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn digest_of_nothing_is_the_known_one() {
        assert_eq!(Digest::of(b"").as_str(), EMPTY);
        assert_eq!(Digest::of(b"").short(), "sha256:e3b0c44298fc");
    }

    #[test]
    fn refuses_what_is_no_digest() {
        for bad in [
            "",
            "sha256",
            "sha256:",
            "md5:00",
            "SHA256:00",
            &EMPTY.to_uppercase(),
            &EMPTY[..70],
        ] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_saved_digester_goes_on(content in proptest::collection::vec(any::<u8>(), 0..600), cut: usize) {
            let (first, second) = content.split_at(cut % (content.len() + 1));
            for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
                let mut whole = Digester::new(algorithm);
                whole.update(&content);
                let mut begun = Digester::new(algorithm);
                begun.update(first);
                let mut resumed = Digester::restore(algorithm, &begun.save()).expect("restored");
                resumed.update(second);
                prop_assert_eq!(resumed.finish(), whole.finish());
            }
        }

        #[test]
        fn what_is_no_state_is_refused(saved in proptest::collection::vec(any::<u8>(), 0..300)) {
            for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
                let _restored = Digester::restore(algorithm, &saved);
            }
            prop_assert!(Digester::restore(Algorithm::Sha512, &Digester::new(Algorithm::Sha256).save()).is_none());
        }
    }

    /// States lie on disks and in databases. If an update of `sha2` breaks this test, raise [`SAVED`].
    #[test]
    fn the_layout_of_saved_states_is_the_one_promised() {
        let mut digester = Digester::new(Algorithm::Sha256);
        digester.update(&[7; 70]);
        let saved = digester.save();
        // Version, eight words, number of blocks, bytes waiting for a block, those bytes.
        assert_eq!((saved.len(), saved[0]), (1 + 32 + 8 + 1 + 63, SAVED));
        assert_eq!(saved[33..48], [1, 0, 0, 0, 0, 0, 0, 0, 6, 7, 7, 7, 7, 7, 7]);
    }
}
