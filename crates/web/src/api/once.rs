//! Requests done once: a `POST` with an `Idempotency-Key` changes something only the first time,
//! and has the same answer every time (the HTTP working group's draft "The Idempotency-Key HTTP
//! Header Field"). `PUT` and `DELETE` need none: done twice they leave what once does.

use std::sync::Arc;

use app::{App, AppError, Once, OnceRequest};
use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequestParts as _, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

use super::{
    error::{Answer, ApiError},
    extract::{Asker, MAX_PICTURE_BYTES},
};

/// The header with the client's key.
pub(super) const KEY: &str = "Idempotency-Key";
/// Characters of the longest key.
const LONGEST: usize = 128;
/// What is read as a key: printable ASCII, in which a quote begins a string.
pub(super) const PATTERN: &str =
    r#"^([!#-~]([ -~]{0,126}[!-~])?|"([ !#-\[\]-~]|\\["\\]){1,128}")$"#;
/// The header of an answer that was given before.
pub(super) const REPLAYED: &str = "Idempotent-Replayed";

/// An answer as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Does what has a key once.
pub(super) async fn once(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let key = match request.headers().get(KEY) {
        Some(key) if *request.method() == Method::POST => key.clone(),
        _ => return next.run(request).await,
    };
    let answered = answer(app, &key, request, next).await;
    answered.unwrap_or_else(ApiError::into_response)
}

async fn answer(
    app: Arc<App>,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Answer<Response> {
    let key = read(key).ok_or_else(|| {
        ApiError::malformed(format!(
            "the header `{KEY}` must be 1 to {LONGEST} characters of printable ASCII, plain or in double quotes: make a new one for each request, such as a UUID"
        ))
    })?;
    let (mut parts, body) = request.into_parts();
    let asker = Asker::from_request_parts(&mut parts, &app).await?;
    let body = to_bytes(body, MAX_PICTURE_BYTES).await.map_err(|_over| {
        AppError::TooLarge(format!("the body is larger than {MAX_PICTURE_BYTES} bytes"))
    })?;
    let kind = parts.headers.get(header::CONTENT_TYPE);
    let target = parts.uri.to_string();
    let all = [
        target.as_bytes(),
        kind.map_or(&[], HeaderValue::as_bytes),
        &body,
    ];
    let begun = match app.begin_once(&asker.0, &key, &all).await? {
        Once::Answered(kept) => return replay(&kept),
        Once::Begun(begun) => begun,
    };
    parts.extensions.insert(asker);
    let request = Request::from_parts(parts, body.into());
    // A client that goes away ends its request, and could not ask for the answer again.
    let work = async move { end(&app, &begun, next.run(request).await).await };
    let done = tokio::spawn(work.in_current_span()).await;
    done.map_err(AppError::internal)?
}

async fn end(app: &App, begun: &OnceRequest, response: Response) -> Answer<Response> {
    let (parts, body) = response.into_parts();
    // It lies in memory, so it is bounded already.
    let body = to_bytes(body, usize::MAX)
        .await
        .map_err(AppError::internal)?;
    let kept = match parts.status.is_success() {
        true => Some(keep(parts.status, &parts.headers, &body).map_err(AppError::internal)?),
        // What is refused changed nothing.
        false => None,
    };
    if let Err(error) = app.end_once(begun, kept.as_deref()).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(
            error,
            "an answer that may be asked for again cannot be kept"
        );
    }
    Ok(Response::from_parts(parts, body.into()))
}

fn keep(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> serde_json::Result<Vec<u8>> {
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.to_string(), value.to_str().ok()?.to_owned()))
    };
    serde_json::to_vec(&Kept {
        status: status.as_u16(),
        headers: headers.iter().filter_map(header).collect(),
        body: String::from_utf8_lossy(body).into_owned(),
    })
}

fn replay(kept: &[u8]) -> Answer<Response> {
    let kept: Kept = serde_json::from_slice(kept).map_err(AppError::internal)?;
    let mut response = Response::builder()
        .status(kept.status)
        .header(REPLAYED, "true");
    for (name, value) in kept.headers {
        response = response.header(name, value);
    }
    let response = response.body(kept.body.into());
    Ok(response.map_err(AppError::internal)?)
}

/// Reads a key: up to [`LONGEST`] characters of printable ASCII, plain or as a string of
/// structured fields (RFC 9651, section 3.3.3).
fn read(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?.trim_matches([' ', '\t']);
    let key = match text.strip_prefix('"') {
        Some(text) => unescaped(text.strip_suffix('"')?)?,
        None => text.to_owned(),
    };
    let is_printable = key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    (is_printable && (1..=LONGEST).contains(&key.len())).then_some(key)
}

/// Returns what stands between the quotes: only these and backslashes are escaped, and always.
fn unescaped(text: &str) -> Option<String> {
    let mut key = String::new();
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        key.push(match next {
            '\\' => rest.next().filter(|c| matches!(c, '"' | '\\'))?,
            '"' => return None,
            other => other,
        });
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_printable_ascii_plain_or_quoted() {
        let key = |text: &str| read(&HeaderValue::from_bytes(text.as_bytes()).expect("a value"));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            key("0191e2a4-7c1b-7f00-8a00-00000000000F"),
            some("0191e2a4-7c1b-7f00-8a00-00000000000F")
        );
        assert_eq!(key("order 7"), some("order 7"));
        assert_eq!(key("\"order 7\""), key("order 7"));
        assert_eq!(key(r#""a\"b\\c""#), some(r#"a"b\c"#));
        assert_eq!(key(&"x".repeat(128)), Some("x".repeat(128)));
        let too_long = "x".repeat(129);
        for bad in [
            "", " ", "\"\"", "\"x", r#""a"b""#, r#""a\b""#, r#""a\""#, "clé", &too_long,
        ] {
            assert_eq!(key(bad), None, "{bad}");
        }
    }
}
