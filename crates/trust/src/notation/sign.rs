//! The market's own signatures: in JSON, by a key with a certificate that it signed itself.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use oci::{Descriptor, RawManifest};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use x509_cert::der::Encode as _;

use super::{JWS, PAYLOAD, SCHEME, SIGNATURE, SIGNING_TIME, X509};
use crate::{
    SignError, Signer, referrer,
    tuf::{CertifyError, code_signing},
};

/// Makes the certificate of a key for `name`, good from 2026 to the end of 2049 (DER): what
/// consumers put into their trust store, and find in every signature. A device need not make
/// the same twice, so it is to be kept.
///
/// # Errors
/// The name cannot stand in a certificate, or the key did not sign it.
pub fn certify(key: &dyn Signer, name: &str) -> Result<Vec<u8>, CertifyError> {
    let day = |year, month, day| {
        let date = NaiveDate::from_ymd_opt(year, month, day);
        let date = date.expect("these days are in the calendar");
        date.and_time(NaiveTime::MIN).and_utc()
    };
    let certificate = code_signing(key, name, (day(2026, 1, 1), day(2049, 12, 31)))?;
    certificate
        .to_der()
        .map_err(|error| CertifyError::Name(name.to_owned(), error.to_string()))
}

/// A key with its certificate.
#[derive(Debug, Clone, Copy)]
pub struct Certified<'a> {
    key: &'a dyn Signer,
    der: &'a [u8],
}

impl<'a> Certified<'a> {
    /// Takes a key and the certificate that was made of it.
    pub fn new(key: &'a dyn Signer, der: &'a [u8]) -> Self {
        Self { key, der }
    }

    /// Signs an image's descriptor.
    ///
    /// # Errors
    /// The key did not sign.
    pub fn sign(&self, image: &Descriptor, now: DateTime<Utc>) -> Result<Vec<u8>, SignError> {
        let payload = json!({ "targetArtifact": {
            "mediaType": image.media_type, "digest": image.digest, "size": image.size,
        }});
        let protected = json!({
            "alg": "ES256",
            "crit": [SCHEME],
            "cty": PAYLOAD,
            SCHEME: X509,
            SIGNING_TIME: now.to_rfc3339_opts(SecondsFormat::Secs, true),
        });
        let [payload, protected] =
            [payload, protected].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signature = self
            .key
            .sign_raw(format!("{protected}.{payload}").as_bytes())?;
        let envelope = json!({
            "payload": payload,
            "protected": protected,
            "header": {
                "io.cncf.notary.signingAgent": concat!("plimsoll/", env!("CARGO_PKG_VERSION")),
                "x5c": [STANDARD.encode(self.der)],
            },
            "signature": URL_SAFE_NO_PAD.encode(signature),
        });
        Ok(envelope.to_string().into_bytes())
    }

    /// Makes the manifest that carries an envelope as a referrer of its image.
    pub fn manifest(
        &self,
        envelope: &[u8],
        subject: Descriptor,
        created: DateTime<Utc>,
    ) -> RawManifest {
        let thumbprint = hex::encode(Sha256::digest(self.der));
        manifest((JWS, envelope), &[thumbprint], subject, created)
    }
}

/// Makes the manifest that carries an envelope of the given media type, signed by a chain of
/// certificates with these thumbprints.
pub fn manifest(
    (kind, envelope): (&str, &[u8]),
    thumbprints: &[String],
    subject: Descriptor,
    created: DateTime<Utc>,
) -> RawManifest {
    let thumbprints = (
        "io.cncf.notary.x509chain.thumbprint#S256",
        json!(thumbprints).to_string(),
    );
    referrer::manifest(SIGNATURE, (kind, envelope), [thumbprints], subject, created)
}
