//! `/log/…`: the log that cannot forget, under the paths of C2SP `tlog-tiles`.

use std::sync::Arc;

use app::{App, AppError, Tile};
use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::files::{broken, file};
use crate::cache::Cache;

const TEXT: &str = "text/plain; charset=utf-8";
const OCTETS: &str = "application/octet-stream";

/// `GET /log/checkpoint`
pub(crate) async fn checkpoint(State(app): State<Arc<App>>) -> Response {
    answer(app.log_checkpoint().await.map(Some), Cache::Head, TEXT)
}

/// `GET /log/key`: the key of the log's checkpoints, as witnesses are configured with.
pub(crate) async fn key(State(app): State<Arc<App>>) -> Response {
    file(Cache::File, TEXT, format!("{}\n", app.log_verifier()))
}

/// `GET /log/tile/{level}/{index}` and `GET /log/tile/entries/{index}`
pub(crate) async fn tile(State(app): State<Arc<App>>, Path(path): Path<String>) -> Response {
    let Ok(tile) = path.parse::<Tile>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    answer(app.log_tile(tile).await, Cache::Immutable, OCTETS)
}

/// From what size on the log must be proven to continue.
#[derive(Debug, Deserialize)]
pub(crate) struct Since {
    since: Option<u64>,
}

/// `GET /log/proof/{publisher}/{product}?since=N`
pub(crate) async fn proof(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<(String, String)>,
    query: Result<Query<Since>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(Since { since })) = query else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let name = format!("{publisher}/{product}");
    match app.log_statement(&name, since).await {
        Ok(Some(statement)) => ([Cache::Head.header()], Json(statement)).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => broken(&error),
    }
}

/// Which part of what the log says is asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct More {
    from: u64,
    size: u64,
}

/// `GET /log/proof/{publisher}/{product}/more?from=N&size=N`
pub(crate) async fn more(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<(String, String)>,
    query: Result<Query<More>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(More { from, size })) = query else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let name = format!("{publisher}/{product}");
    match app.log_page(&name, (from, size)).await {
        Ok(Some(page)) => ([Cache::Immutable.header()], Json(page)).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => broken(&error),
    }
}

fn answer(
    found: Result<Option<impl IntoResponse>, AppError>,
    cache: Cache,
    kind: &str,
) -> Response {
    match found {
        Ok(Some(content)) => file(cache, kind, content),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => broken(&error),
    }
}
