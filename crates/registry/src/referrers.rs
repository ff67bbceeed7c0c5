//! `/v2/<name>/referrers/<digest>` (end-12): signatures, SBOMs and attestations about a manifest.

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use oci::{Digest, RepoName, media_type};

use crate::{
    dispatch::Call,
    error::Failure,
    header::{OCI_FILTERS_APPLIED, digest, value},
    query::encode,
};

/// Lists what refers to `subject`: an index, empty where nothing does.
///
/// A client that is answered 404 takes it that there is no such endpoint and falls back to
/// tags; so whoever may read here is answered 200, also before the first push, and with an
/// empty index about what their plan does not give.
pub(crate) async fn list(
    call: &Call,
    name: &RepoName,
    subject: &Digest,
) -> Result<Response, Failure> {
    // In a query `+` is a space, which no media type has; clients forget to escape it.
    let wanted = call
        .query
        .one("artifactType")?
        .map(|kind| kind.replace(' ', "+"));
    let last = call.query.one("last")?;
    let last = last.map(|last| digest("`last`", last)).transpose()?;
    let part = (wanted.as_deref(), last);
    let found = (call.app)
        .given_referrers(&call.access, (name, subject), part)
        .await?;
    let mut response = Body::from(found.index).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, value(media_type::OCI_INDEX));
    if let Some(last) = found.next {
        let last = encode(last.as_str());
        let filter = wanted
            .as_ref()
            .map(|wanted| format!("&artifactType={}", encode(wanted)))
            .unwrap_or_default();
        let next = format!("</v2/{name}/referrers/{subject}?last={last}{filter}>; rel=\"next\"");
        headers.insert(header::LINK, value(&next));
    }
    if wanted.is_some() {
        headers.insert(OCI_FILTERS_APPLIED, value("artifactType"));
    }
    Ok(response)
}
