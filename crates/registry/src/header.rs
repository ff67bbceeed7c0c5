//! Headers in and out, so that nothing a client sent can become a header of its own.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use oci::{Digest, ErrorCode};

use crate::error::Failure;

/// The digest of what was sent or stored.
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// The name of an upload.
pub(crate) const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");
/// What a manifest that was pushed is about.
pub(crate) const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
/// The tags that were set.
pub(crate) const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");
/// The filters that were applied.
pub(crate) const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// Makes a header's value; what cannot stand in one becomes `?`.
pub(crate) fn value(text: &str) -> HeaderValue {
    let legal = |c: char| c == ' ' || c.is_ascii_graphic();
    let clean = match text.bytes().all(|byte| legal(byte.into())) {
        true => HeaderValue::try_from(text),
        false => HeaderValue::try_from(text.replace(|c| !legal(c), "?")),
    };
    clean.unwrap_or(HeaderValue::from_static(""))
}

/// Writes a quoted string (RFC 9110, section 5.6.4).
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Returns the entity tag of content with this digest.
pub(crate) fn etag(digest: &str) -> HeaderValue {
    value(&quoted(digest))
}

/// Returns whether the client has this content already (`If-None-Match`).
pub(crate) fn has_already(headers: &HeaderMap, digest: &str) -> bool {
    lists(headers, &header::IF_NONE_MATCH, Some(digest))
}

/// Returns whether a push may take the place of `there` (`If-Match` and `If-None-Match`,
/// RFC 9110, section 13.1).
pub(crate) fn may_replace(headers: &HeaderMap, there: Option<&str>) -> bool {
    let wants_some = headers.contains_key(header::IF_MATCH);
    (!wants_some || lists(headers, &header::IF_MATCH, there))
        && !lists(headers, &header::IF_NONE_MATCH, there)
}

/// Returns whether a header lists the entity tag of what is there; `*` stands for anything.
fn lists(headers: &HeaderMap, name: &HeaderName, there: Option<&str>) -> bool {
    let Some(digest) = there else { return false };
    let tags = headers.get_all(name).into_iter();
    tags.filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'))
        .any(|tag| tag == "*" || tag == digest)
}

/// Returns a header's text, or the error that says that it has none.
pub(crate) fn text<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, Failure> {
    let Some(found) = headers.get(name) else {
        return Ok(None);
    };
    let refuse = |_| crate::query::bad(format!("the header `{name}` holds illegal characters"));
    Ok(Some(found.to_str().map_err(refuse)?))
}

/// Returns how long the body is said to be, in bytes.
pub(crate) fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    let Some(text) = text(headers, &header::CONTENT_LENGTH)? else {
        return Ok(None);
    };
    let refuse = |_| {
        let message = format!("`Content-Length: {text}` is no length");
        Failure::new(ErrorCode::SizeInvalid, message)
    };
    text.parse().map(Some).map_err(refuse)
}

/// Reads a digest that the client sent as `what`.
pub(crate) fn digest(what: &str, text: &str) -> Result<Digest, Failure> {
    text.parse().map_err(|error: oci::DigestError| {
        Failure::new(ErrorCode::DigestInvalid, format!("{what}: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_a_second_header() {
        assert_eq!(value("a\r\nSet-Cookie: b\u{e9}"), "a??Set-Cookie: b?");
        assert_eq!(quoted(r#"a"b\"#), r#""a\"b\\""#);
    }

    #[test]
    fn knows_what_the_client_has() {
        let mut headers = HeaderMap::new();
        assert!(!has_already(&headers, "sha256:a"));
        headers.insert(header::IF_NONE_MATCH, value(r#""sha256:x", W/"sha256:a""#));
        assert!(has_already(&headers, "sha256:a"));
        assert!(!has_already(&headers, "sha256:b"));
    }
}
