//! Envelopes in CBOR ("COSE Signature Envelope"): RFC 9052's tagged `COSE_Sign1`.

use chrono::{DateTime, Utc};
use coset::{
    CoseError, CoseSign1, Header, Label, RegisteredLabel, RegisteredLabelWithPrivate,
    TaggedCborSerializable as _,
    cbor::value::Value,
    iana::{self, EnumI64 as _},
};

use super::{AUTHENTIC_TIME, EXPIRY, Envelope, NotationError, SCHEME, SIGNING_TIME};

/// Where certificates are (RFC 9360).
const CHAIN: Label = Label::Int(33);
/// Seconds since 1970 (RFC 8949, section 3.4.2).
const EPOCH: u64 = 1;

pub(super) fn parse(bytes: &[u8]) -> Result<Envelope, NotationError> {
    let malformed = |error: CoseError| malformed(&error.to_string());
    let message = CoseSign1::from_tagged_slice(bytes).map_err(malformed)?;
    let protected = &message.protected.header;
    let text = |name: &str| match found(protected, name) {
        Some(Value::Text(text)) => Ok(text.clone()),
        _ => Err(self::malformed(&format!("`{name}` is missing, or no text"))),
    };
    let critical = protected.crit.iter().map(|label| match label {
        RegisteredLabelWithPrivate::Text(text) => text.clone(),
        RegisteredLabelWithPrivate::Assigned(parameter) => parameter.to_i64().to_string(),
        RegisteredLabelWithPrivate::PrivateUse(number) => number.to_string(),
    });
    Ok(Envelope {
        algorithm: algorithm(protected),
        content_type: match &protected.content_type {
            Some(RegisteredLabel::Text(kind)) => kind.clone(),
            other => format!("{other:?}"),
        },
        scheme: text(SCHEME)?,
        signing_time: time(protected, SIGNING_TIME)?,
        authentic_time: time(protected, AUTHENTIC_TIME)?,
        expiry: time(protected, EXPIRY)?,
        critical: critical.collect(),
        message: message.tbs_data(&[]),
        chain: chain(&message.unprotected)?,
        payload: message
            .payload
            .ok_or_else(|| self::malformed("it holds no payload"))?,
        signature: message.signature,
    })
}

fn algorithm(protected: &Header) -> String {
    let name = |algorithm| match algorithm {
        iana::Algorithm::PS256 => "PS256",
        iana::Algorithm::PS384 => "PS384",
        iana::Algorithm::PS512 => "PS512",
        iana::Algorithm::ES256 => "ES256",
        iana::Algorithm::ES384 => "ES384",
        iana::Algorithm::ES512 => "ES512",
        _ => "another algorithm of COSE's",
    };
    match &protected.alg {
        Some(RegisteredLabelWithPrivate::Assigned(assigned)) => name(*assigned).to_owned(),
        other => format!("{other:?}"),
    }
}

fn found<'a>(header: &'a Header, name: &str) -> Option<&'a Value> {
    let is_it = |label: &Label| matches!(label, Label::Text(text) if text == name);
    header
        .rest
        .iter()
        .find(|(label, _)| is_it(label))
        .map(|(_, value)| value)
}

fn time(header: &Header, name: &str) -> Result<Option<DateTime<Utc>>, NotationError> {
    let Some(value) = found(header, name) else {
        return Ok(None);
    };
    let time = match value {
        Value::Tag(EPOCH, seconds) => seconds
            .as_integer()
            .and_then(|seconds| i64::try_from(seconds).ok())
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        _ => None,
    };
    let time = time.ok_or_else(|| malformed(&format!("`{name}` is no time in whole seconds")));
    time.map(Some)
}

/// Returns the certificates: one, or a list of them.
fn chain(header: &Header) -> Result<Vec<Vec<u8>>, NotationError> {
    let value = header.rest.iter().find(|(label, _)| *label == CHAIN);
    let der = |value: &Value| value.as_bytes().cloned();
    let chain = match value.map(|(_, value)| value) {
        Some(Value::Array(values)) => values.iter().map(der).collect(),
        Some(value) => der(value).map(|one| vec![one]),
        None => Some(Vec::new()),
    };
    chain.ok_or_else(|| malformed("its certificates are no bytes"))
}

fn malformed(what: &str) -> NotationError {
    NotationError::Malformed(super::shorten(what))
}
