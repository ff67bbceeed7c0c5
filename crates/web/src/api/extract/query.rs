//! The query. Unknown names are refused: a misspelt filter must not look like an empty one.

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error};

use crate::api::error::ApiError;

/// What the query asks for.
pub(in crate::api) struct Asked<T>(pub(in crate::api) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(ApiError::malformed(
                "the query has the character U+0000, which is not accepted",
            ));
        }
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => Err(ApiError::malformed(error.body_text())),
        }
    }
}

/// Reads a whole number from `LOW` to `HIGH`.
pub(in crate::api) fn within<'de, D, const LOW: i64, const HIGH: i64>(
    deserializer: D,
) -> Result<i64, D::Error>
where
    D: Deserializer<'de>,
{
    let number = i64::deserialize(deserializer)?;
    if (LOW..=HIGH).contains(&number) {
        return Ok(number);
    }
    Err(D::Error::custom(format!(
        "{number} is out of range: use {LOW} to {HIGH}"
    )))
}
