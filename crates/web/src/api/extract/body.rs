//! The body: JSON of at most 1 MiB, or a picture of at most 5 MiB.

use std::sync::Arc;

use app::{App, AppError};
use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Request},
    http::{StatusCode, header},
};
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use super::object::Object;
use crate::api::error::ApiError;

const MAX_JSON_BYTES: usize = 1 << 20;
pub(in crate::api) const MAX_PICTURE_BYTES: usize = 5 << 20;

/// A JSON body.
pub(in crate::api) struct Body<T>(pub(in crate::api) T);

/// The bytes of a picture, PNG or SVG; whether it is one, the use case finds out.
pub(in crate::api) struct Picture(pub(in crate::api) Bytes);

/// What a picture may be.
const PICTURES: &[&str] = &["image/png", "image/svg+xml"];

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let bytes = read(request, app, &["application/json"], MAX_JSON_BYTES).await?;
        parse(&bytes).map(Self)
    }
}

impl FromRequest<Arc<App>> for Picture {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        read(request, app, PICTURES, MAX_PICTURE_BYTES)
            .await
            .map(Self)
    }
}

async fn read(
    mut request: Request,
    app: &Arc<App>,
    media_types: &[&str],
    limit: usize,
) -> Result<Bytes, ApiError> {
    let sent = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    let is_sent = |media_type: &&str| sent.trim().eq_ignore_ascii_case(media_type);
    if !media_types.iter().any(is_sent) {
        return Err(ApiError::wrong_type(&media_types.join(" or ")));
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
    let value = serde_json::from_slice(bytes)
        .map_err(|error| ApiError::malformed(format!("the body is not JSON: {error}")))?;
    let value = readable(value)?;
    let Object(value) = serde_path_to_error::deserialize(value).map_err(|error| {
        let field = match error.path().to_string() {
            path if path == "." => "body".to_owned(),
            path => path,
        };
        AppError::invalid(&field, error.inner().to_string())
    })?;
    Ok(value)
}

/// Makes whole numbers of what was written as one with a fraction of zero, which JSON Schema
/// counts as integers, and refuses the character U+0000: `PostgreSQL`'s text cannot hold it, and
/// nothing that people write does.
///
/// JSON is read to a depth of 128, so this ends.
fn readable(value: Value) -> Result<Value, ApiError> {
    let check = |text: String| match text.contains('\0') {
        true => Err(AppError::invalid(
            "body",
            "the character U+0000 is not accepted",
        )),
        false => Ok(text),
    };
    Ok(match value {
        Value::Number(number) => Value::Number(whole(&number).unwrap_or(number)),
        Value::String(text) => Value::String(check(text)?),
        Value::Array(items) => items.into_iter().map(readable).collect::<Result<_, _>>()?,
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| Ok((check(name)?, readable(value)?)))
            .collect::<Result<_, ApiError>>()?,
        other => other,
    })
}

/// Returns `10` for `10.0`. Beyond 2⁵³ a fraction says nothing about the number meant.
fn whole(number: &Number) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64().filter(|_| number.is_f64())?;
    if float.fract() != 0.0 || float.abs() > EXACT {
        return None;
    }
    // Adding zero takes the sign from `-0.0`.
    format!("{:.0}", float + 0.0).parse().ok()
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
        check(&"[".repeat(100_000), 400);
    }

    #[test]
    fn whole_numbers_may_be_written_with_a_fraction_of_zero() {
        #[derive(Deserialize)]
        struct Wait {
            days: i64,
        }
        let days = |text: &str| {
            let body = format!(r#"{{"days":{text}}}"#);
            parse::<Wait>(body.as_bytes()).ok().map(|wait| wait.days)
        };
        assert_eq!(days("10.0"), Some(10));
        assert_eq!(days("-1e2"), Some(-100));
        assert_eq!(days("-0.0"), Some(0));
        assert_eq!(days("10.5"), None);
        assert_eq!(days("1e300"), None);
    }
}
