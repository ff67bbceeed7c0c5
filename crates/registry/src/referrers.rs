//! `/v2/<name>/referrers/<digest>` (end-12): signatures, SBOMs and attestations about a manifest.

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use oci::{Descriptor, Digest, ErrorCode, Index, MAX_MANIFEST_BYTES, RepoName, media_type};

use crate::{
    dispatch::Call,
    error::Failure,
    header::{OCI_FILTERS_APPLIED, digest, value},
    query::encode,
};

/// Lists what refers to `subject`: an index, empty where nothing does.
///
/// A client that is answered 404 takes it that there is no such endpoint and falls back to
/// tags; so whoever may read here is answered 200, also before the first push.
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
    let mut found = match call.app.referrers(name, subject).await {
        Err(error) if error.code == ErrorCode::NameUnknown => Vec::new(),
        other => other?,
    };
    if let Some(last) = last {
        let seen = found.iter().position(|entry| entry.digest == last);
        found.drain(..seen.map_or(0, |seen| seen + 1));
    }
    if let Some(wanted) = &wanted {
        found.retain(|entry| entry.artifact_type.as_ref() == Some(wanted));
    }
    let (page, more) = first_page(found)?;
    let next = page.manifests.last().filter(|_| more).map(|entry| {
        let filter = wanted
            .as_ref()
            .map(|wanted| format!("&artifactType={}", encode(wanted)))
            .unwrap_or_default();
        let last = encode(entry.digest.as_str());
        format!("</v2/{name}/referrers/{subject}?last={last}{filter}>; rel=\"next\"")
    });
    answer(&page, wanted.is_some(), next.as_deref())
}

/// Takes as many entries as fit in one manifest; gives whether any are left.
fn first_page(found: Vec<Descriptor>) -> Result<(Index, bool), Failure> {
    let mut index = Index {
        schema_version: 2,
        media_type: Some(media_type::OCI_INDEX.to_owned()),
        artifact_type: None,
        manifests: Vec::new(),
        subject: None,
        annotations: None,
    };
    // What stands around the entries.
    let mut size = 1_000;
    for entry in found {
        size += 1 + serde_json::to_vec(&entry)
            .map_err(|error| Failure::internal(&error))?
            .len();
        if size > MAX_MANIFEST_BYTES && !index.manifests.is_empty() {
            return Ok((index, true));
        }
        index.manifests.push(entry);
    }
    Ok((index, false))
}

fn answer(index: &Index, filtered: bool, next: Option<&str>) -> Result<Response, Failure> {
    let bytes = serde_json::to_vec(index).map_err(|error| Failure::internal(&error))?;
    let mut response = Body::from(bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, value(media_type::OCI_INDEX));
    if filtered {
        headers.insert(OCI_FILTERS_APPLIED, value("artifactType"));
    }
    if let Some(next) = next {
        headers.insert(header::LINK, value(next));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_page_is_no_larger_than_a_manifest() {
        let note = BTreeMap::from([("note".to_owned(), "x".repeat(1 << 20))]);
        let entry = |place: u8| Descriptor {
            annotations: Some(note.clone()),
            ..Descriptor::new(media_type::OCI_MANIFEST, Digest::of(&[place]), 1)
        };
        let (page, more) = first_page((0..6).map(entry).collect()).unwrap();
        assert_eq!((page.manifests.len(), more), (3, true));
        let (page, more) = first_page((0..3).map(entry).collect()).unwrap();
        assert_eq!((page.manifests.len(), more), (3, false));
    }
}
