//! `/v2/<name>/tags/list` (end-8).

use axum::response::Response;
use oci::RepoName;
use serde::Serialize;

use crate::{dispatch::Call, error::Failure, page::Page};

#[derive(Serialize)]
struct Tags<'a> {
    name: &'a str,
    tags: Vec<String>,
}

/// Lists tags in byte order.
pub(crate) async fn list(call: &Call, name: &RepoName) -> Result<Response, Failure> {
    let page = Page::of(&call.query)?;
    let limit = i64::try_from(page.fetch()).unwrap_or(i64::MAX);
    let (app, access) = (&call.app, &call.access);
    let asked = (page.last, limit);
    let mut tags = app.list_given_tags(access, name, asked).await?;
    let next = page.cut(&mut tags);
    let body = Tags {
        name: name.as_str(),
        tags,
    };
    let path = format!("/v2/{name}/tags/list");
    Ok(page.answer(&path, body, next.as_deref()))
}
