//! `/v2/<name>/referrers/<digest>` (end-12): signatures, SBOMs and attestations about a manifest.

use app::registry::ReferrerPage;
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

/// Entries read from the database at once.
const FEWEST: usize = 16;
const MOST: usize = 1_000;

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
    let (page, more) = first_page(call, name, subject, (wanted.as_deref(), last)).await?;
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

/// Takes as many entries after `last` as fit in one manifest; gives whether any are left.
async fn first_page(
    call: &Call,
    name: &RepoName,
    subject: &Digest,
    (artifact_type, mut last): (Option<&str>, Option<Digest>),
) -> Result<(Index, bool), Failure> {
    let mut page = Page::new();
    loop {
        let limit = page.room();
        let wanted = ReferrerPage {
            subject: subject.as_str(),
            artifact_type,
            last: last.as_ref().map_or("", Digest::as_str),
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
        };
        let found = match call.app.referrers(name, wanted).await {
            Err(error) if error.code == ErrorCode::NameUnknown => Vec::new(),
            other => other?,
        };
        let is_end = found.len() < limit;
        for entry in found {
            if !page.takes(&entry)? {
                return Ok((page.index, true));
            }
            last = Some(entry.digest.clone());
            page.index.manifests.push(entry);
        }
        if is_end {
            return Ok((page.index, false));
        }
    }
}

/// The answer as it grows: an index no larger than a manifest may be.
struct Page {
    index: Index,
    size: usize,
}

impl Page {
    fn new() -> Self {
        let index = Index {
            schema_version: 2,
            media_type: Some(media_type::OCI_INDEX.to_owned()),
            artifact_type: None,
            manifests: Vec::new(),
            subject: None,
            annotations: None,
        };
        // What stands around the entries.
        Self { index, size: 1_000 }
    }

    /// Says how many entries to read next: few at first, because annotations can be large, then
    /// about as many as fit.
    fn room(&self) -> usize {
        let each = self.size / self.index.manifests.len().max(1);
        let left = MAX_MANIFEST_BYTES.saturating_sub(self.size);
        if self.index.manifests.is_empty() {
            FEWEST
        } else {
            (left / each.max(1)).clamp(FEWEST, MOST)
        }
    }

    /// Makes room for an entry, if there is any; the first always has it.
    fn takes(&mut self, entry: &Descriptor) -> Result<bool, Failure> {
        let bytes = serde_json::to_vec(entry).map_err(|error| Failure::internal(&error))?;
        self.size += 1 + bytes.len();
        Ok(self.size <= MAX_MANIFEST_BYTES || self.index.manifests.is_empty())
    }
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

    fn filled(note: usize) -> Page {
        let note = BTreeMap::from([("note".to_owned(), "x".repeat(note))]);
        let mut page = Page::new();
        for place in 0_u32.. {
            let entry = Descriptor {
                annotations: Some(note.clone()),
                ..Descriptor::new(
                    media_type::OCI_MANIFEST,
                    Digest::of(&place.to_le_bytes()),
                    1,
                )
            };
            if !page.takes(&entry).unwrap() {
                return page;
            }
            page.index.manifests.push(entry);
        }
        page
    }

    #[test]
    fn a_page_is_no_larger_than_a_manifest() {
        assert_eq!(filled(1 << 20).index.manifests.len(), 3);
        assert_eq!(filled(5 << 20).index.manifests.len(), 1);
        let many = filled(10).index;
        assert!(many.manifests.len() > 15_000);
        assert!(serde_json::to_vec(&many).unwrap().len() <= MAX_MANIFEST_BYTES);
    }

    #[test]
    fn large_entries_are_read_a_few_at_a_time() {
        let mut page = Page::new();
        assert_eq!(page.room(), FEWEST);
        let entry = Descriptor::new(media_type::OCI_MANIFEST, Digest::of(b"x"), 1);
        assert!(page.takes(&entry).unwrap());
        page.index.manifests.push(entry);
        assert_eq!(page.room(), MOST);
        page.size = 3 << 20;
        assert_eq!(page.room(), FEWEST);
    }
}
