//! Signatures of identities as cosign 2 keeps them: in annotations beside the signature.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Evidence, KeylessError, Signed, TrustRoot, entry::Entry, root::bytes};

/// The signer's certificate (PEM). What vouches for it (`…/chain`) is the trust root's to say.
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
/// The log's entry.
const ENTRY: &str = "dev.sigstore.cosign/bundle";
/// The answer of a timestamp authority.
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// What stands beside a signature.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    certificate: &'a str,
    entry: Option<&'a str>,
    timestamp: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "SignedRFC3161Timestamp", deserialize_with = "bytes")]
    signed: Vec<u8>,
}

impl<'a> Kept<'a> {
    /// Finds them among a layer's annotations; none where the signature is by a key alone.
    pub fn find(annotations: &'a BTreeMap<String, String>) -> Option<Self> {
        let found = |name| annotations.get(name).map(String::as_str);
        let found = |name| found(name).filter(|text: &&str| !text.is_empty());
        Some(Self {
            certificate: found(CERTIFICATE)?,
            entry: found(ENTRY),
            timestamp: found(TIMESTAMP),
        })
    }

    /// Checks a signature over `message`, in ASN.1 DER; gives who signed it.
    ///
    /// # Errors
    /// [`KeylessError`].
    pub fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        with: (&TrustRoot, DateTime<Utc>),
    ) -> Result<Signed, KeylessError> {
        let Some(("CERTIFICATE", certificate)) = crate::pem::decode(self.certificate) else {
            return Err(KeylessError::Certificate("cannot be read"));
        };
        let entries = self.entry.map(Entry::kept).transpose()?;
        let answer = match self.timestamp.map(serde_json::from_str::<Answer>) {
            Some(Err(_)) => return Err(KeylessError::Timestamp("cannot be read")),
            Some(Ok(answer)) => Some(answer.signed),
            None => None,
        };
        let evidence = Evidence {
            entries: entries.as_slice(),
            timestamps: answer.iter().map(Vec::as_slice).collect(),
        };
        let signature = super::Signature {
            message,
            payload: None,
            signature,
            certificate: &certificate,
        };
        evidence.check(&signature, with)
    }
}
