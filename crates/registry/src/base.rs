//! `/v2/`: this is a registry, and the token is good (end-1).

use axum::{
    Json,
    response::{IntoResponse, Response},
};

/// Answers with an empty document; `docker login` asks for no more.
pub(crate) fn answer() -> Response {
    Json(serde_json::json!({})).into_response()
}
