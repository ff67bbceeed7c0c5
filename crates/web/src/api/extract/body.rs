//! The body: JSON of at most 1 MiB, or a picture of at most 5 MiB.

use std::sync::Arc;

use app::{App, AppError};
use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Request},
    http::{StatusCode, header},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};

use super::object::Object;
use crate::api::error::ApiError;

const MAX_JSON_BYTES: usize = 1 << 20;
const MAX_PICTURE_BYTES: usize = 5 << 20;

/// A JSON body.
pub(in crate::api) struct Body<T>(pub(in crate::api) T);

/// The bytes of a picture; whether it is one, the use case finds out.
pub(in crate::api) struct Png(pub(in crate::api) Bytes);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let bytes = read(request, app, "application/json", MAX_JSON_BYTES).await?;
        parse(&bytes).map(Self)
    }
}

impl FromRequest<Arc<App>> for Png {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        read(request, app, "image/png", MAX_PICTURE_BYTES)
            .await
            .map(Self)
    }
}

async fn read(
    mut request: Request,
    app: &Arc<App>,
    media_type: &str,
    limit: usize,
) -> Result<Bytes, ApiError> {
    let sent = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if !sent.trim().eq_ignore_ascii_case(media_type) {
        return Err(ApiError::wrong_type(media_type));
    }
    DefaultBodyLimit::max(limit).apply(&mut request);
    Bytes::from_request(request, app).await.map_err(|error| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            AppError::TooLarge(format!("the body is larger than {limit} bytes")).into()
        } else {
            ApiError::malformed("the body ended before its time")
        }
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let no_json =
        |error: &serde_json::Error| ApiError::malformed(format!("the body is not JSON: {error}"));
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let Object(value) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = match error.path().to_string() {
            path if path == "." => "body".to_owned(),
            path => path,
        };
        match error.inner().classify() {
            Category::Data => AppError::invalid(&field, error.inner().to_string()).into(),
            Category::Syntax | Category::Eof | Category::Io => no_json(error.inner()),
        }
    })?;
    json.end().map_err(|error| no_json(&error))?;
    refuse_zero_characters(bytes)?;
    Ok(value)
}

/// PostgreSQL's text cannot hold the character U+0000, and nothing that people write does.
fn refuse_zero_characters(bytes: &[u8]) -> Result<(), ApiError> {
    // JSON can only write it as an escape, so most bodies are done here.
    if !bytes.windows(6).any(|window| window == br"\u0000") {
        return Ok(());
    }
    let holds_one = serde_json::from_slice::<Value>(bytes).is_ok_and(|value| has_zero(&value));
    if holds_one {
        return Err(AppError::invalid("body", "the character U+0000 is not accepted").into());
    }
    Ok(())
}

/// JSON is read to a depth of 128, so this ends.
fn has_zero(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_zero),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || has_zero(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Note {
        text: String,
    }

    #[test]
    fn tells_bad_json_from_bad_fields() {
        let check = |body: &str, status: u16| {
            let answer = parse::<Note>(body.as_bytes())
                .map_or_else(|error| error.into_response().status().as_u16(), |_note| 200);
            assert_eq!(answer, status, "{body}");
        };
        check(r#"{"text":"a"}"#, 200);
        check(r#"{"text":"\\u0000"}"#, 200);
        check(r#"{"text":"\u0000"}"#, 422);
        check(r#"{"text":1}"#, 422);
        check(r#"{"text":"a","more":1}"#, 422);
        check("{}", 422);
        check("[]", 422);
        check(r#"["a"]"#, 422);
        check("", 400);
        check("{", 400);
        check(r#"{"text":"a"} x"#, 400);
        check(&"[".repeat(100_000), 422);
    }
}
