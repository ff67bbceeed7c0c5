//! `/v2/<name>/referrers/<digest>` (end-12): signatures, SBOMs and attestations about a manifest.

use app::registry::ReferrerPage;
use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use oci::{Descriptor, Digest, ErrorCode, MAX_MANIFEST_BYTES, RepoName, media_type};

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
    let next = page.last.as_ref().filter(|_| more).map(|last| {
        let filter = wanted
            .as_ref()
            .map(|wanted| format!("&artifactType={}", encode(wanted)))
            .unwrap_or_default();
        let last = encode(last.as_str());
        format!("</v2/{name}/referrers/{subject}?last={last}{filter}>; rel=\"next\"")
    });
    Ok(answer(page, wanted.is_some(), next.as_deref()))
}

/// Takes as many entries after `last` as fit in one manifest; gives whether any are left.
async fn first_page(
    call: &Call,
    name: &RepoName,
    subject: &Digest,
    (artifact_type, last): (Option<&str>, Option<Digest>),
) -> Result<(Page, bool), Failure> {
    let mut page = Page::new(last);
    loop {
        let limit = page.room();
        let wanted = ReferrerPage {
            subject: subject.as_str(),
            artifact_type,
            last: page.last.as_ref().map_or("", Digest::as_str),
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
        };
        let found = match call.app.referrers(name, wanted).await {
            Err(error) if error.code == ErrorCode::NameUnknown => Vec::new(),
            other => other?,
        };
        let is_end = found.len() < limit;
        for entry in found {
            if !page.take(entry)? {
                return Ok((page, true));
            }
        }
        if is_end {
            return Ok((page, false));
        }
    }
}

/// The answer as it grows: an index no larger than a manifest may be.
struct Page {
    /// What is written of it, which lacks its end.
    body: Vec<u8>,
    entries: usize,
    /// The entry after which it goes on.
    last: Option<Digest>,
}

/// What stands around the entries.
const HEAD: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":["#;
const END: &str = "]}";

impl Page {
    fn new(last: Option<Digest>) -> Self {
        Self {
            body: HEAD.as_bytes().to_vec(),
            entries: 0,
            last,
        }
    }

    /// Says how many entries to read next: few at first, because annotations can be large, then
    /// about as many as fit.
    fn room(&self) -> usize {
        let each = self.body.len() / self.entries.max(1);
        let left = MAX_MANIFEST_BYTES.saturating_sub(self.body.len());
        if self.entries == 0 {
            FEWEST
        } else {
            (left / each.max(1)).clamp(FEWEST, MOST)
        }
    }

    /// Adds an entry if there is room; for the first there always is.
    fn take(&mut self, entry: Descriptor) -> Result<bool, Failure> {
        let before = self.body.len();
        if self.entries > 0 {
            self.body.push(b',');
        }
        serde_json::to_writer(&mut self.body, &entry).map_err(|error| Failure::internal(&error))?;
        if self.entries > 0 && self.body.len() + END.len() > MAX_MANIFEST_BYTES {
            self.body.truncate(before);
            return Ok(false);
        }
        self.entries += 1;
        self.last = Some(entry.digest);
        Ok(true)
    }
}

fn answer(mut page: Page, filtered: bool, next: Option<&str>) -> Response {
    page.body.extend_from_slice(END.as_bytes());
    let mut response = Body::from(page.body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, value(media_type::OCI_INDEX));
    if filtered {
        headers.insert(OCI_FILTERS_APPLIED, value("artifactType"));
    }
    if let Some(next) = next {
        headers.insert(header::LINK, value(next));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn filled(note: usize) -> oci::Index {
        let note = BTreeMap::from([("note".to_owned(), "x".repeat(note))]);
        let mut page = Page::new(None);
        for place in 0_u32.. {
            let entry = Descriptor {
                annotations: Some(note.clone()),
                ..Descriptor::new(
                    media_type::OCI_MANIFEST,
                    Digest::of(&place.to_le_bytes()),
                    1,
                )
            };
            if !page.take(entry).unwrap() {
                break;
            }
        }
        page.body.extend_from_slice(END.as_bytes());
        serde_json::from_slice(&page.body).unwrap()
    }

    #[test]
    fn a_page_is_no_larger_than_a_manifest() {
        assert_eq!(filled(1 << 20).manifests.len(), 3);
        assert_eq!(filled(5 << 20).manifests.len(), 1);
        let many = filled(10);
        assert!(many.manifests.len() > 15_000);
        assert!(serde_json::to_vec(&many).unwrap().len() <= MAX_MANIFEST_BYTES);
    }

    #[test]
    fn large_entries_are_read_a_few_at_a_time() {
        let mut page = Page::new(None);
        assert_eq!(page.room(), FEWEST);
        let entry = Descriptor::new(media_type::OCI_MANIFEST, Digest::of(b"x"), 1);
        assert!(page.take(entry).unwrap());
        assert_eq!(page.room(), MOST);
        page.body.resize(3 << 20, b' ');
        assert_eq!(page.room(), FEWEST);
    }
}
