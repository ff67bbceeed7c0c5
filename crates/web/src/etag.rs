//! Answers that a client has already (RFC 9110, sections 8.8.3 and 13.1.2): one that is asked
//! for with the tag of what was given before is not sent again while it is the same.

use app::oci::Digest;
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::cache::Cache;

/// Returns the tag of an answer's bytes.
pub(crate) fn tag_of(bytes: &[u8]) -> String {
    format!("\"{}\"", Digest::of(bytes).hex())
}

/// Returns whether the client has what `tag` names; nothing where it names no tags.
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> Option<bool> {
    let tags = headers.get(header::IF_NONE_MATCH)?.to_str().ok()?;
    let mut tags = tags.split(',').map(str::trim);
    Some(tags.any(|known| known == "*" || known.trim_start_matches("W/") == tag))
}

/// Returns whether a change may be made to what has this tag (RFC 9110, section 13.1.1): the
/// client names no tags, or this one.
pub(crate) fn may_change(headers: &HeaderMap, tag: &str) -> bool {
    let named: Vec<_> = headers.get_all(header::IF_MATCH).iter().collect();
    let names = |value: &HeaderValue| {
        let tags = value.to_str().unwrap_or_default();
        tags.split(',')
            .map(str::trim)
            .any(|known| known == "*" || known == tag)
    };
    named.is_empty() || named.into_iter().any(names)
}

/// Returns whether `If-Match`, where it is sent, is `*` or a list of tags (RFC 9110, section 13.1.1).
pub(crate) fn are_tags(headers: &HeaderMap) -> bool {
    let is_tag = |text: &str| {
        let text = text.trim();
        let quoted = text.strip_prefix("W/").unwrap_or(text);
        let inner = quoted.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        inner.is_some_and(|tag| tag.bytes().all(|b| matches!(b, b'!' | b'#'..=b'~')))
    };
    headers.get_all(header::IF_MATCH).iter().all(|value| {
        let text = value.to_str().unwrap_or_default();
        text == "*" || text.split(',').all(is_tag)
    })
}

/// Returns whether a change hangs on a condition that nobody here looks at.
pub(crate) fn is_unheeded(request: &Request) -> bool {
    let headers = request.headers();
    let is_manifest =
        *request.method() == Method::PUT && request.uri().path().ends_with("/manifest");
    let others = [header::IF_NONE_MATCH, header::IF_UNMODIFIED_SINCE];
    !request.method().is_safe()
        && (others.iter().any(|name| headers.contains_key(name))
            || (headers.contains_key(header::IF_MATCH) && !is_manifest))
}

/// Tags what is read and may be kept.
pub(crate) async fn tag(request: Request, next: Next) -> Response {
    if *request.method() != Method::GET {
        return next.run(request).await;
    }
    let headers = request.headers().clone();
    let (mut parts, body) = next.run(request).await.into_parts();
    if parts.status != StatusCode::OK || parts.headers.contains_key(header::CACHE_CONTROL) {
        return Response::from_parts(parts, body);
    }
    let Ok(bytes) = whole(body).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let tag = tag_of(&bytes);
    if let Ok(value) = HeaderValue::try_from(&tag) {
        parts.headers.insert(header::ETAG, value);
    }
    let (name, policy) = Cache::Page.header();
    parts.headers.insert(name, policy);
    if is_known(&headers, &tag) != Some(true) {
        return Response::from_parts(parts, bytes.into());
    }
    parts.status = StatusCode::NOT_MODIFIED;
    for name in [header::CONTENT_LENGTH, header::CONTENT_TYPE] {
        parts.headers.remove(name);
    }
    Response::from_parts(parts, Body::empty())
}

/// What is answered lies in memory, so it is bounded already.
async fn whole(body: Body) -> Result<Bytes, axum::Error> {
    to_bytes(body, usize::MAX).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_hangs_on_the_tag_that_is_named() {
        let tag = tag_of(b"text");
        let may = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, text.parse().expect("a value"));
            may_change(&headers, &tag)
        };
        assert!(may(&tag) && may("*") && may(&format!("\"x\", {tag}")));
        let well_formed = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, text.parse().expect("a value"));
            are_tags(&headers)
        };
        assert!(well_formed(&tag) && well_formed("*") && well_formed("\"x\", W/\"y\""));
        assert!(
            !well_formed("") && !well_formed("x") && !well_formed("\"x") && !well_formed("\"x\",")
        );
        assert!(!may("\"x\"") && !may(&format!("W/{tag}")) && !may(""));
        assert!(may_change(&HeaderMap::new(), &tag));
    }

    #[test]
    fn conditions_are_heeded_or_refused() {
        let unheeded = |method: &str, path: &str, name: header::HeaderName| {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header(name, "*");
            is_unheeded(&request.body(Body::empty()).expect("a request"))
        };
        let manifest = "/publishers/acme/products/db/manifest";
        assert!(!unheeded("PUT", manifest, header::IF_MATCH));
        assert!(!unheeded("GET", manifest, header::IF_NONE_MATCH));
        assert!(unheeded("PUT", manifest, header::IF_NONE_MATCH));
        assert!(unheeded("DELETE", "/webhooks/whk_1", header::IF_MATCH));
        assert!(unheeded("POST", "/robots", header::IF_UNMODIFIED_SINCE));
    }

    #[test]
    fn tags_are_found_in_lists_and_weak_ones_too() {
        let tag = tag_of(b"text");
        let known = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, text.parse().expect("a value"));
            is_known(&headers, &tag)
        };
        assert_eq!(known(&tag), Some(true));
        assert_eq!(known(&format!("\"x\", W/{tag}")), Some(true));
        assert_eq!(known("*"), Some(true));
        assert_eq!(known("\"x\""), Some(false));
        assert_eq!(is_known(&HeaderMap::new(), &tag), None);
    }
}
