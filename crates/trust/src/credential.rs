//! What somebody registers to have signatures counted as theirs: a key or a certificate, and
//! the proof that they hold its private half.
//!
//! The proof is a signature over a text that is good once, as people's tools make it:
//! `cosign sign-blob` prints it in base64 or writes a bundle, `openssl dgst -sign` writes bytes
//! for `base64`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

use crate::{
    KeyError, PublicKey,
    notation::{Certificate, CertificateError},
};

/// No proof is longer, in bytes.
pub const MAX_PROOF_BYTES: usize = 64 << 10;

/// A key or a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// For cosign's signatures and content trust.
    Key(PublicKey),
    /// For Notation's signatures.
    Certificate(Box<Certificate>),
}

/// Why a text is neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// It is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It is no certificate that can be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is neither base64 nor a bundle.
    #[error(
        "this is no signature: give what `cosign sign-blob` printed or wrote as bundle, or what `openssl dgst -sign` wrote, in base64"
    )]
    Form,
    /// It does not match.
    #[error(
        "the signature does not fit: sign exactly the text above, without a new line at its end, with the private half of this key"
    )]
    Signature,
}

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
    /// Reads a public key or a certificate (PEM).
    ///
    /// # Errors
    /// [`CredentialError`] says what the text is instead.
    pub fn parse(pem: &str) -> Result<Self, CredentialError> {
        if pem.contains("-----BEGIN CERTIFICATE-----") {
            let certificate = Certificate::from_pem(pem)?;
            return Ok(Self::Certificate(Box::new(certificate)));
        }
        Ok(Self::Key(PublicKey::from_pem(pem)?))
    }

    /// Returns its name: SHA-256 over its DER, 64 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Key(key) => key.key_id(),
            Self::Certificate(certificate) => certificate.thumbprint(),
        }
    }

    /// Returns how it signs: `ES256`, `PS384` and so on.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Key(_) => "ES256",
            // What could not sign was not read.
            Self::Certificate(certificate) => certificate.algorithm_name().unwrap_or("none"),
        }
    }

    /// Checks that `proof` is a signature over `text` by its private half.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn check_proof(&self, text: &str, proof: &str) -> Result<(), ProofError> {
        let signature = signature(proof).ok_or(ProofError::Form)?;
        match self.verify(text.as_bytes(), &signature) {
            true => Ok(()),
            false => Err(ProofError::Signature),
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Key(key) => key.verify_der(message, signature),
            Self::Certificate(certificate) => certificate.verify(message, signature),
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

    #[test]
    fn proofs_come_as_tools_write_them() {
        let credential = Credential::parse(&key().public().to_pem()).expect("a key");
        let signature = STANDARD.encode(key().sign_der(b"text"));
        let (head, tail) = signature.split_at(20);
        let bundle = format!(
            r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","messageSignature":{{"signature":"{signature}"}}}}"#
        );
        for proof in [signature.clone(), format!(" {head}\n{tail}\n"), bundle] {
            assert_eq!(credential.check_proof("text", &proof), Ok(()));
            assert_eq!(
                credential.check_proof("other", &proof),
                Err(ProofError::Signature)
            );
        }
        for proof in ["", "{", "{}", "what", &"A".repeat(MAX_PROOF_BYTES + 1)] {
            assert!(credential.check_proof("text", proof).is_err(), "{proof:.9}");
        }
    }
}
