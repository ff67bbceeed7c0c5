//! What somebody registers to have signatures counted as theirs: a key, a certificate or an
//! identity, and the proof that they hold its private half, or sign as it.
//!
//! The proof is a signature over a text that is good once, as people's tools make it:
//! `cosign sign-blob` prints it in base64 or writes a bundle, `openssl dgst -sign` writes bytes
//! for `base64`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::{
    KeyError,
    cosign::{self, Verifier as _},
    keyless::{self, Identity, IdentityError, KeylessError, TrustRoot},
    notation::{Certificate, CertificateError},
};

/// No proof is longer, in bytes.
pub const MAX_PROOF_BYTES: usize = 64 << 10;

/// A key, a certificate or an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// For cosign's signatures and content trust.
    Key(cosign::Key),
    /// For Notation's signatures.
    Certificate(Box<Certificate>),
    /// For cosign's signatures without keys.
    Identity(Identity),
}

/// Why a text is none of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// It is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It is no certificate that can be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// It is no identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is neither base64 nor a bundle.
    #[error(
        "this is no signature: give what `cosign sign-blob` printed or wrote as bundle, or what `openssl dgst -sign` (or `openssl pkeyutl -sign`) wrote, in base64"
    )]
    Form,
    /// It does not match.
    #[error(
        "the signature does not fit: sign exactly the text above, without a new line at its end, with the private half of this key"
    )]
    Signature,
    /// There is nothing to check a proof of an identity with.
    #[error(transparent)]
    NoTrustRoot(#[from] NoTrustRoot),
    /// It is no signature of an identity that holds.
    #[error("{0}")]
    Keyless(KeylessError),
    /// It is another identity's.
    #[error("{0} signed, which is another identity")]
    Other(Box<Identity>),
}

/// Says that signatures of identities are refused, because no trust root is there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "signatures of identities are not taken here: the operator has set no trust root (`trust.identity_root`); use a key or certificate"
)]
pub struct NoTrustRoot;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    message_signature: MessageSignature,
}

#[derive(Deserialize)]
struct MessageSignature {
    signature: String,
}

impl Credential {
    /// Reads a public key or a certificate (PEM), or the two lines of an identity.
    ///
    /// # Errors
    /// [`CredentialError`] says what the text is instead.
    pub fn parse(pem: &str) -> Result<Self, CredentialError> {
        if pem.contains("-----BEGIN CERTIFICATE-----") {
            let certificate = Certificate::from_pem(pem)?;
            return Ok(Self::Certificate(Box::new(certificate)));
        }
        let first = pem.trim_start();
        if first.starts_with("issuer:") || first.starts_with("subject:") {
            return Ok(Self::Identity(Identity::parse(pem)?));
        }
        Ok(Self::Key(cosign::Key::from_pem(pem)?))
    }

    /// Returns its name: SHA-256 over its DER, or an identity's lines, 64 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Key(key) => key.key_id(),
            Self::Certificate(certificate) => certificate.thumbprint(),
            Self::Identity(identity) => identity.fingerprint(),
        }
    }

    /// Returns the name that its key has in trust metadata, as [`crate::tuf::Key::fingerprint`]
    /// has it. None for an identity, which has a new one each time.
    pub fn key_fingerprint(&self) -> Option<String> {
        match self {
            Self::Key(key) => Some(key.fingerprint()),
            Self::Certificate(certificate) => {
                Some(hex::encode(Sha256::digest(certificate.spki()?)))
            }
            Self::Identity(_) => None,
        }
    }

    /// Returns how it signs: `ES256`, `PS384`, `EdDSA` and so on; `identity` with a key of a
    /// moment.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Key(key) => key.algorithm_name(),
            // What could not sign was not read.
            Self::Certificate(certificate) => certificate.algorithm_name().unwrap_or("none"),
            Self::Identity(_) => "identity",
        }
    }

    /// Checks that `proof` is a signature over `text` by its private half, or by the identity as
    /// the trust root, where there is one, says now.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn check_proof(
        &self,
        text: &str,
        proof: &str,
        (root, now): (Option<&TrustRoot>, DateTime<Utc>),
    ) -> Result<(), ProofError> {
        let message = text.as_bytes();
        let signed = || signature(proof).ok_or(ProofError::Form);
        let fits = match self {
            Self::Key(key) => key.verify(message, &signed()?),
            Self::Certificate(certificate) => certificate.verify(message, &signed()?),
            Self::Identity(identity) => {
                let root = root.ok_or(NoTrustRoot)?;
                let found = keyless::verify_message(proof.as_bytes(), message, (root, now));
                let found = found.map_err(ProofError::Keyless)?.identity;
                return match found == *identity {
                    true => Ok(()),
                    false => Err(ProofError::Other(Box::new(found))),
                };
            }
        };
        match fits {
            true => Ok(()),
            false => Err(ProofError::Signature),
        }
    }
}

/// Reads the signature out of what a tool wrote.
fn signature(proof: &str) -> Option<Vec<u8>> {
    if proof.len() > MAX_PROOF_BYTES {
        return None;
    }
    let proof = proof.trim();
    let text = match proof.starts_with('{') {
        true => {
            serde_json::from_str::<Bundle>(proof)
                .ok()?
                .message_signature
                .signature
        }
        false => proof.split_ascii_whitespace().collect(),
    };
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    fn key() -> SigningKey {
        SigningKey::from_scalar(&[3; 32]).expect("a small number is a scalar")
    }

    fn none() -> (Option<&'static TrustRoot>, DateTime<Utc>) {
        (None, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn without_a_trust_root_no_identity_proves_anything() {
        let lines = "issuer: https://accounts.example\nsubject: ann@acme.example";
        let credential = Credential::parse(lines).expect("an identity");
        assert_eq!(credential.algorithm(), "identity");
        let proven = credential.check_proof("text", "{}", none());
        assert_eq!(proven, Err(ProofError::NoTrustRoot(NoTrustRoot)));
        let odd = Credential::parse("issuer: ann");
        assert_eq!(odd, Err(CredentialError::Identity(IdentityError)));
    }

    #[test]
    fn proofs_come_as_tools_write_them() {
        let credential = Credential::parse(&key().public().to_pem()).expect("a key");
        let signature = STANDARD.encode(key().sign_der(b"text"));
        let (head, tail) = signature.split_at(20);
        let bundle = format!(
            r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","messageSignature":{{"signature":"{signature}"}}}}"#
        );
        for proof in [signature.clone(), format!(" {head}\n{tail}\n"), bundle] {
            assert_eq!(credential.check_proof("text", &proof, none()), Ok(()));
            assert_eq!(
                credential.check_proof("other", &proof, none()),
                Err(ProofError::Signature)
            );
        }
        for proof in ["", "{", "{}", "what", &"A".repeat(MAX_PROOF_BYTES + 1)] {
            assert!(
                credential.check_proof("text", proof, none()).is_err(),
                "{proof:.9}"
            );
        }
    }
}
