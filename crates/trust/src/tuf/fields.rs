//! Fields of metadata files as they must be.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use super::{
    json::{lookalike, whole},
    metadata::Malformed,
};

/// Takes a value for an object.
pub(super) fn as_object<'a>(
    value: &'a Value,
    what: &str,
) -> Result<&'a Map<String, Value>, Malformed> {
    value
        .as_object()
        .ok_or_else(|| Malformed(format!("{what} must be an object")))
}

/// Refuses fields that could be taken for known ones.
pub(super) fn no_lookalikes(fields: &Map<String, Value>, known: &[&str]) -> Result<(), Malformed> {
    match lookalike(fields, known) {
        None => Ok(()),
        Some(name) => Err(Malformed(format!(
            "`{name}` differs from a known name by case only"
        ))),
    }
}

/// Reads a text.
pub(super) fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, Malformed> {
    let found = fields.get(name).and_then(Value::as_str);
    found.ok_or_else(|| Malformed(format!("`{name}` must be a text")))
}

/// Reads a whole number.
pub(super) fn number(fields: &Map<String, Value>, name: &str) -> Result<i64, Malformed> {
    let found = fields.get(name).and_then(Value::as_number).and_then(whole);
    found.ok_or_else(|| Malformed(format!("`{name}` must be a whole number")))
}

/// Reads bytes.
pub(super) fn base64(text: &str, what: &str) -> Result<Vec<u8>, Malformed> {
    STANDARD
        .decode(text)
        .map_err(|_| Malformed(format!("`{what}` is not base64")))
}
