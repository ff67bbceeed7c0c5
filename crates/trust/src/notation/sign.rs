//! The market's own signatures: in JSON, by a key with a certificate that it signed itself.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use oci::{Descriptor, Digest, Manifest, ManifestKind, RawManifest, media_type};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use x509_cert::der::Encode as _;

use super::{JWS, PAYLOAD, SCHEME, SIGNATURE, SIGNING_TIME, X509};
use crate::{
    SigningKey,
    bundle::{EMPTY, EMPTY_TYPE},
    tuf::{Invalid, code_signing},
};

/// A key with its certificate, which consumers put into their trust store.
#[derive(Debug, Clone)]
pub struct Signer {
    key: SigningKey,
    der: Vec<u8>,
}

impl Signer {
    /// Makes the certificate of a key for `name`, good from 2026 to the end of 2049: the same
    /// each time, so that nobody need keep it.
    ///
    /// # Errors
    /// The name cannot stand in a certificate.
    pub fn new(key: SigningKey, name: &str) -> Result<Self, Invalid> {
        let day = |year, month, day| {
            let date = NaiveDate::from_ymd_opt(year, month, day);
            let date = date.expect("these days are in the calendar");
            date.and_time(NaiveTime::MIN).and_utc()
        };
        let certificate = code_signing(&key, name, (day(2026, 1, 1), day(2049, 12, 31)))?;
        let der = certificate
            .to_der()
            .map_err(|error| Invalid(error.to_string()))?;
        Ok(Self { key, der })
    }

    /// Returns the certificate as PEM.
    pub fn certificate(&self) -> String {
        crate::pem::encode("CERTIFICATE", &self.der)
    }

    /// Signs an image's descriptor; the same key, image and time always give the same bytes.
    pub fn sign(&self, image: &Descriptor, now: DateTime<Utc>) -> Vec<u8> {
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
            .sign_raw(format!("{protected}.{payload}").as_bytes());
        json!({
            "payload": payload,
            "protected": protected,
            "header": {
                "io.cncf.notary.signingAgent": concat!("plimsoll/", env!("CARGO_PKG_VERSION")),
                "x5c": [STANDARD.encode(&self.der)],
            },
            "signature": URL_SAFE_NO_PAD.encode(signature),
        })
        .to_string()
        .into_bytes()
    }

    /// Makes the manifest that carries an envelope as a referrer of its image.
    pub fn manifest(
        &self,
        envelope: &[u8],
        subject: Descriptor,
        created: DateTime<Utc>,
    ) -> RawManifest {
        let thumbprint = hex::encode(Sha256::digest(&self.der));
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
    let annotations = [
        (
            "io.cncf.notary.x509chain.thumbprint#S256",
            json!(thumbprints).to_string(),
        ),
        (
            "org.opencontainers.image.created",
            created.to_rfc3339_opts(SecondsFormat::Secs, true),
        ),
    ];
    let annotations = annotations.map(|(name, value)| (name.to_owned(), value));
    let of =
        |kind: &str, bytes: &[u8]| Descriptor::new(kind, Digest::of(bytes), bytes.len() as u64);
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        artifact_type: Some(SIGNATURE.to_owned()),
        config: of(EMPTY_TYPE, EMPTY),
        layers: vec![of(kind, envelope)],
        subject: Some(subject),
        annotations: Some(annotations.into()),
    };
    let bytes = serde_json::to_vec(&manifest).expect("a manifest always serialises");
    RawManifest {
        digest: Digest::of(&bytes),
        bytes,
        media_type: media_type::OCI_MANIFEST.to_owned(),
        kind: ManifestKind::Image(manifest),
    }
}
