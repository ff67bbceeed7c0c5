//! ECDSA P-256 keys: the one kind that Docker's token service, cosign, Notation and every
//! hardware module understand. Files are PEM: PKCS#8 for private keys, SPKI for public ones.

use std::fmt;

use hkdf::Hkdf;
use p256::{
    ecdsa::{
        Signature, SigningKey as Inner, VerifyingKey,
        signature::{Signer as _, Verifier as _},
    },
    elliptic_curve::Generate as _,
    pkcs8::{
        DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _,
        LineEnding,
    },
};
use sha2::{Digest as _, Sha256};

pub use crate::key_file::make_passphrase;

use crate::key_file;

/// No key file is larger; what is, is something else.
pub const MAX_KEY_FILE_BYTES: usize = 16 << 10;

/// Why a key cannot be read, written or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text holds no PEM block, or more than a key needs.
    #[error("this is no key file: expected a PEM block of at most {MAX_KEY_FILE_BYTES} bytes")]
    NotPem,
    /// The PEM block is something else.
    #[error("the file holds a `{found}`; expected {expected}")]
    Label {
        /// The label found.
        found: String,
        /// The labels that can be read here.
        expected: &'static str,
    },
    /// The block's bytes are no P-256 key.
    #[error("the {0} is not an ECDSA P-256 key, the only kind used here")]
    Malformed(&'static str),
    /// The block's bytes are a key that nothing here checks signatures with.
    #[error(
        "the public key is of a kind that is not supported: give one that cosign signs with, which is ECDSA on P-256, P-384 or P-521, RSA of 2048 to 8192 bits, or Ed25519"
    )]
    Kind,
    /// The key is too weak, or larger than anything here checks signatures with.
    #[error("the RSA key has {0} bits: make one of 2048 or more, and 8192 at most")]
    Short(usize),
    /// The key is encrypted.
    #[error("the private key is encrypted: give its passphrase")]
    PassphraseNeeded,
    /// The passphrase is wrong, or the file was altered.
    #[error(
        "the private key cannot be decrypted: the passphrase is wrong, or the file was altered"
    )]
    Decrypt,
    /// The file asks for a derivation that is not one of the known ones.
    #[error("the key file asks for a key derivation or cipher that is not supported: {0}")]
    Parameters(String),
    /// The operating system gave no randomness.
    #[error("the operating system gave no random bytes")]
    Random,
}

/// A private key. Neither `Debug` nor any error shows it.
#[derive(Clone)]
pub struct SigningKey(Inner);

impl SigningKey {
    /// Makes a key from the operating system's randomness.
    ///
    /// # Errors
    /// [`KeyError::Random`] when there is none.
    pub fn generate() -> Result<Self, KeyError> {
        Inner::try_generate()
            .map(Self)
            .map_err(|_| KeyError::Random)
    }

    /// Takes the 32 bytes of a secret scalar, big-endian: the same key each time, for tests.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for zero and for numbers beyond the curve's order.
    pub fn from_scalar(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        Inner::from_slice(bytes)
            .map(Self)
            .map_err(|_| KeyError::Malformed("scalar"))
    }

    /// Derives another key from this one's secret and a salt (HKDF-SHA256, RFC 5869): the same
    /// for the same salt, and unrelated to every other for whoever lacks the secret.
    pub fn derive(&self, salt: &[u8]) -> Self {
        (0..=u8::MAX)
            .find_map(|attempt| {
                let label = [b"plimsoll derived key ", [attempt].as_slice()].concat();
                Self::from_scalar(&self.expand(salt, &label)).ok()
            })
            .expect("one number in 2^32 is beyond the curve's order, not 256 in a row")
    }

    /// Derives the secret of a key of another kind, as [`SigningKey::derive`] does.
    pub fn derive_seed(&self, salt: &[u8]) -> [u8; 32] {
        self.expand(salt, b"plimsoll derived seed")
    }

    fn expand(&self, salt: &[u8], label: &[u8]) -> [u8; 32] {
        let mut bytes = [0; 32];
        Hkdf::<Sha256>::new(Some(salt), &self.0.to_bytes())
            .expand(label, &mut bytes)
            .expect("32 bytes is a length that HKDF can give");
        bytes
    }

    /// Reads a private key: `PRIVATE KEY` or `EC PRIVATE KEY`; with a passphrase also
    /// `ENCRYPTED PRIVATE KEY` (PKCS#8, as OpenSSL writes) and cosign's own file.
    ///
    /// # Errors
    /// [`KeyError`] says what the file is instead, or that a passphrase is missing or wrong.
    pub fn from_pem(text: &str, passphrase: Option<&str>) -> Result<Self, KeyError> {
        key_file::read(text, passphrase).map(Self)
    }

    /// Writes the key unencrypted, as PKCS#8 `PRIVATE KEY`.
    pub fn to_pem(&self) -> String {
        self.0
            .to_pkcs8_pem(LineEnding::LF)
            .expect("a valid key always has a PKCS#8 form")
            .to_string()
    }

    /// Writes the key as PKCS#8 `ENCRYPTED PRIVATE KEY` (scrypt, AES-256-CBC), which OpenSSL reads.
    /// Words that people choose cost 16 MiB five times to try; a passphrase of
    /// [`make_passphrase`] is one of 2^256, which no price makes safer, so it costs milliseconds.
    ///
    /// # Errors
    /// [`KeyError::Random`] when the operating system gives no randomness.
    pub fn to_encrypted_pem(&self, passphrase: &str) -> Result<String, KeyError> {
        let der = self
            .0
            .to_pkcs8_der()
            .expect("a valid key always has a PKCS#8 form");
        key_file::encrypt(der.as_bytes(), passphrase)
    }

    /// Writes the key as cosign does, so that `cosign sign --key` and skopeo can use the file.
    ///
    /// # Errors
    /// [`KeyError::Random`] when the operating system gives no randomness.
    pub fn to_cosign_pem(&self, passphrase: &str) -> Result<String, KeyError> {
        let der = self
            .0
            .to_pkcs8_der()
            .expect("a valid key always has a PKCS#8 form");
        key_file::seal(der.as_bytes(), passphrase)
    }

    /// Returns the public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(*self.0.verifying_key())
    }

    /// Signs SHA-256 of `message`; the answer is ASN.1 DER, as cosign and Notation want it.
    pub fn sign_der(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(message);
        signature.to_der().as_bytes().to_vec()
    }

    /// Signs SHA-256 of `message`; the answer is `r` and `s`, as JWS and TUF want it.
    pub fn sign_raw(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.0.sign(message);
        signature.to_bytes().into()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().key_id())
    }
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads an SPKI `PUBLIC KEY`, which is what `cosign.pub` is.
    ///
    /// # Errors
    /// [`KeyError`] says what the file is instead.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let der = key_file::public(text)?;
        VerifyingKey::from_public_key_der(&der)
            .map(Self)
            .map_err(|_| KeyError::Malformed("public key"))
    }

    /// Writes the key as SPKI `PUBLIC KEY`.
    pub fn to_pem(&self) -> String {
        self.0
            .to_public_key_pem(LineEnding::LF)
            .expect("a valid key always has an SPKI form")
    }

    /// Writes the key as SPKI DER.
    pub fn to_der(&self) -> Vec<u8> {
        self.0
            .to_public_key_der()
            .expect("a valid key always has an SPKI form")
            .into_vec()
    }

    /// Returns the key's name: SHA-256 over the SPKI DER, 64 hexadecimal digits.
    pub fn key_id(&self) -> String {
        hex::encode(Sha256::digest(self.to_der()))
    }

    /// Tells whether `signature`, in ASN.1 DER, is this key's over `message`.
    pub fn verify_der(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_der(signature)
            .is_ok_and(|signature| self.0.verify(message, &signature).is_ok())
    }

    /// Tells whether `signature`, as `r` and `s`, is this key's over `message`.
    pub fn verify_raw(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify(message, &signature).is_ok())
    }

    /// Reads a point of the curve, uncompressed (SEC 1), as devices give it.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for what is no such point.
    pub fn from_point(point: &[u8]) -> Result<Self, KeyError> {
        VerifyingKey::from_sec1_bytes(point)
            .map(Self)
            .map_err(|_| KeyError::Malformed("public key"))
    }

    /// Returns the key as certificates are made of.
    pub(crate) fn inner(&self) -> &VerifyingKey {
        &self.0
    }

    /// Writes the key as a point of the curve, uncompressed (SEC 1).
    pub(crate) fn to_point(&self) -> Vec<u8> {
        self.0.to_sec1_point(false).as_bytes().to_vec()
    }

    /// Returns the coordinates `x` and `y`, 32 bytes each.
    pub(crate) fn coordinates(&self) -> (Vec<u8>, Vec<u8>) {
        let bytes = self.to_point();
        (bytes[1..33].to_vec(), bytes[33..].to_vec())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.key_id())
    }
}

/// Reads the unencrypted PKCS#8 form.
pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Inner, KeyError> {
    Inner::from_pkcs8_der(der).map_err(|_| KeyError::Malformed("private key"))
}
