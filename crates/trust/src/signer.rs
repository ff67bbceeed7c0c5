//! A private key that signs, wherever it is: in memory, read from a file, or in a device that
//! never gives it out. Those who sign for the world ask for no more than this.

use std::fmt;

use p256::ecdsa::Signature;

use crate::{PublicKey, SigningKey};

/// Why a key did not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The device that has it does not answer; it may later.
    #[error("the key cannot be reached: {0}")]
    Away(String),
    /// The device refuses, and will go on refusing until somebody looks after it.
    #[error("the key cannot be used: {0}")]
    Refused(String),
}

/// A private key that signs.
pub trait Signer: fmt::Debug + Send + Sync {
    /// Returns the public half.
    fn public(&self) -> PublicKey;

    /// Signs SHA-256 of `message`; the answer is `r` and `s`. A key in memory gives the same
    /// signature each time, a device need not.
    ///
    /// # Errors
    /// [`SignError`], from devices alone.
    fn sign_raw(&self, message: &[u8]) -> Result<[u8; 64], SignError>;

    /// Derives another key for a salt: the same for the same salt, and unrelated to every other
    /// for whoever lacks the secret, which stays where this key is.
    ///
    /// # Errors
    /// [`SignError`], from devices alone.
    fn derive(&self, salt: &[u8]) -> Result<SigningKey, SignError>;

    /// Makes sure that it could sign now.
    ///
    /// # Errors
    /// [`SignError`], from devices alone.
    fn check(&self) -> Result<(), SignError>;

    /// Signs SHA-256 of `message`; the answer is ASN.1 DER.
    ///
    /// # Errors
    /// As [`Signer::sign_raw`].
    fn sign_der(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = Signature::from_slice(&self.sign_raw(message)?);
        let signature = signature.map_err(|error| SignError::Refused(error.to_string()))?;
        Ok(signature.to_der().as_bytes().to_vec())
    }
}

impl Signer for SigningKey {
    fn public(&self) -> PublicKey {
        self.public()
    }

    fn sign_raw(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        Ok(self.sign_raw(message))
    }

    fn derive(&self, salt: &[u8]) -> Result<SigningKey, SignError> {
        Ok(self.derive(salt))
    }

    fn check(&self) -> Result<(), SignError> {
        Ok(())
    }
}
