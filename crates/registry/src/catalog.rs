//! `/v2/_catalog`: the repositories that the asker may pull from (Docker's extension).

use axum::response::Response;
use serde::Serialize;

use crate::{dispatch::Call, error::Failure, page::Page};

#[derive(Serialize)]
struct Repositories {
    repositories: Vec<String>,
}

/// Lists repositories in byte order.
pub(crate) async fn list(call: &Call) -> Result<Response, Failure> {
    let page = Page::of(&call.query)?;
    let holder = call.app.token_holder(&call.access).await?;
    let mut repositories = call.app.catalog(&holder, page.last, page.fetch()).await?;
    let next = page.cut(&mut repositories);
    let body = Repositories { repositories };
    Ok(page.answer("/v2/_catalog", body, next.as_deref()))
}
