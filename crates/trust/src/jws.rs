//! Compact signed tokens (RFC 7515), ES256 and nothing else, and the key set (RFC 7517) that
//! lets others check them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{PublicKey, SignError, Signer};

/// The longest token that is looked at.
pub const MAX_TOKEN_BYTES: usize = 16 << 10;

/// Why a token is refused, or cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum JwsError {
    /// The token is longer than any that is issued.
    #[error("the token has {0} bytes; the limit is {MAX_TOKEN_BYTES}")]
    TooLong(usize),
    /// The token does not have three parts of base64url.
    #[error("this is no token: expected three parts of base64url, joined by dots")]
    Form,
    /// The header or the claims are not the JSON expected.
    #[error("the token's {part} cannot be read: {source}")]
    Json {
        /// `header` or `claims`.
        part: &'static str,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// The header names another algorithm.
    #[error("the token is signed with `{0}`; only ES256 is accepted")]
    Algorithm(String),
    /// The header demands an extension.
    #[error("the token demands extensions (`crit`), none of which is supported")]
    Critical,
    /// The header names no key, or one that is not trusted here.
    #[error("the token names the key `{0}`, which is not trusted here")]
    UnknownKey(String),
    /// The signature does not match.
    #[error("the token's signature does not match: it was altered, or signed by another key")]
    Signature,
    /// The key did not sign.
    #[error(transparent)]
    Unsigned(#[from] SignError),
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
}

/// What of a header is looked at; keys and addresses of keys in it are never believed.
#[derive(Deserialize)]
struct FoundHeader {
    alg: String,
    #[serde(default)]
    kid: String,
    crit: Option<serde::de::IgnoredAny>,
}

/// Signs `claims`; the header's `kid` is the key's [`PublicKey::key_id`].
///
/// # Errors
/// [`JwsError::Json`] when the claims do not serialise, [`JwsError::TooLong`] when they are
/// more than [`verify`] would accept, [`JwsError::Unsigned`] when the key does not sign.
pub fn sign(key: &dyn Signer, claims: &impl Serialize) -> Result<String, JwsError> {
    let kid = key.public().key_id();
    let header = Header {
        alg: "ES256",
        kid: &kid,
        typ: "JWT",
    };
    let header = serde_json::to_vec(&header).expect("three strings always serialise");
    let claims = serde_json::to_vec(claims).map_err(|source| JwsError::Json {
        part: "claims",
        source,
    })?;
    let mut token = URL_SAFE_NO_PAD.encode(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = key.sign_raw(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    if token.len() > MAX_TOKEN_BYTES {
        return Err(JwsError::TooLong(token.len()));
    }
    Ok(token)
}

/// Verifies `token` against `keys` and returns its claims. Times in the claims are the
/// caller's to check: there is no clock here.
///
/// # Errors
/// [`JwsError`] says why the token is refused.
pub fn verify<T: DeserializeOwned>(token: &str, keys: &[PublicKey]) -> Result<T, JwsError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(JwsError::TooLong(token.len()));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(JwsError::Form)?;
    let (header, claims) = signed.split_once('.').ok_or(JwsError::Form)?;
    let header: FoundHeader = json(header, "header")?;
    if header.alg != "ES256" {
        return Err(JwsError::Algorithm(shorten(&header.alg)));
    }
    if header.crit.is_some() {
        return Err(JwsError::Critical);
    }
    let key = keys
        .iter()
        .find(|key| key.key_id() == header.kid)
        .ok_or_else(|| JwsError::UnknownKey(shorten(&header.kid)))?;
    if !key.verify_raw(signed.as_bytes(), &decode(signature)?) {
        return Err(JwsError::Signature);
    }
    json(claims, "claims")
}

/// Returns the claims of a token that was verified before.
///
/// # Errors
/// [`JwsError::Form`] or [`JwsError::Json`].
pub(crate) fn claims<T: DeserializeOwned>(token: &str) -> Result<T, JwsError> {
    json(token.split('.').nth(1).ok_or(JwsError::Form)?, "claims")
}

fn decode(part: &str) -> Result<Vec<u8>, JwsError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Form)
}

fn json<T: DeserializeOwned>(part: &str, name: &'static str) -> Result<T, JwsError> {
    serde_json::from_slice(&decode(part)?).map_err(|source| JwsError::Json { part: name, source })
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A public key as JSON (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jwk {
    /// Always `EC`.
    pub kty: &'static str,
    /// Always `P-256`.
    pub crv: &'static str,
    /// The first coordinate, base64url.
    pub x: String,
    /// The second coordinate, base64url.
    pub y: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: &'static str,
    /// Always `ES256`.
    pub alg: &'static str,
    /// The key's name.
    pub kid: String,
}

/// Public keys as JSON, for publishing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jwks {
    /// The keys, in the order given.
    pub keys: Vec<Jwk>,
}

impl From<&PublicKey> for Jwk {
    fn from(key: &PublicKey) -> Self {
        let (x, y) = key.coordinates();
        Self {
            kty: "EC",
            crv: "P-256",
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
            usage: "sig",
            alg: "ES256",
            kid: key.key_id(),
        }
    }
}

impl<'a> FromIterator<&'a PublicKey> for Jwks {
    fn from_iter<I: IntoIterator<Item = &'a PublicKey>>(keys: I) -> Self {
        Self {
            keys: keys.into_iter().map(Jwk::from).collect(),
        }
    }
}
