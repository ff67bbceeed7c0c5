//! Envelopes in JSON ("JWS Signature Envelope"): RFC 7515's flattened form.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Envelope, NotationError};

#[derive(Deserialize)]
struct Jws {
    payload: String,
    protected: String,
    header: Unprotected,
    signature: String,
}

#[derive(Deserialize)]
struct Unprotected {
    #[serde(default)]
    x5c: Vec<String>,
}

#[derive(Deserialize)]
struct Protected {
    alg: String,
    cty: String,
    crit: Vec<String>,
    #[serde(rename = "io.cncf.notary.signingScheme")]
    scheme: String,
    #[serde(rename = "io.cncf.notary.signingTime")]
    signing_time: Option<DateTime<Utc>>,
    #[serde(rename = "io.cncf.notary.authenticSigningTime")]
    authentic_time: Option<DateTime<Utc>>,
    #[serde(rename = "io.cncf.notary.expiry")]
    expiry: Option<DateTime<Utc>>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Envelope, NotationError> {
    let malformed = |error: &dyn std::fmt::Display| {
        NotationError::Malformed(super::shorten(&error.to_string()))
    };
    let jws: Jws = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
    let url = |text: &str| {
        URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|error| malformed(&error))
    };
    let protected: Protected =
        serde_json::from_slice(&url(&jws.protected)?).map_err(|error| malformed(&error))?;
    let chain = jws.header.x5c.iter().map(|text| STANDARD.decode(text));
    Ok(Envelope {
        algorithm: protected.alg,
        content_type: protected.cty,
        scheme: protected.scheme,
        signing_time: protected.signing_time,
        authentic_time: protected.authentic_time,
        expiry: protected.expiry,
        critical: protected.crit,
        payload: url(&jws.payload)?,
        message: format!("{}.{}", jws.protected, jws.payload).into_bytes(),
        signature: url(&jws.signature)?,
        chain: chain
            .collect::<Result<_, _>>()
            .map_err(|error| malformed(&error))?,
    })
}
