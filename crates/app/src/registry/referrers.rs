//! What refers to a manifest, as the index that the distribution specification wants.

use std::fmt::Write as _;

use bytes::Bytes;
use oci::{Descriptor, Digest, ErrorCode, MAX_MANIFEST_BYTES, RepoName};
use store::contents::{Referrer, ReferrerPage};

use super::RegistryError;
use crate::App;

/// Entries read from the database at once.
const FEWEST: usize = 16;
const MOST: usize = 1_000;

/// Signatures, SBOMs and attestations about a manifest: as many as fit in one manifest.
#[derive(Debug, Clone)]
pub struct Referrers {
    /// An image index.
    pub index: Bytes,
    /// The last entry, where more follow it.
    pub next: Option<Digest>,
}

impl Referrers {
    /// An index without entries.
    pub(super) fn none() -> Self {
        Page::new(None).finish(false)
    }
}

impl App {
    /// Lists what refers to `subject`, by digest, from after `last` on, and only of one kind
    /// where one is given. Before the first push nothing does.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn referrers(
        &self,
        name: &RepoName,
        subject: &Digest,
        (artifact_type, last): (Option<&str>, Option<Digest>),
    ) -> Result<Referrers, RegistryError> {
        let mut key = format!("{name}@{subject}");
        for part in [artifact_type, last.as_ref().map(Digest::as_str)] {
            let _ = write!(key, " {part:?}");
        }
        let recent = &self.recent.referrers;
        let question = match recent.look(&self.db, key) {
            Ok(found) => return Ok(found),
            Err(question) => question,
        };
        let (page, more) = self
            .referrers_that_fit(name, subject, (artifact_type, last))
            .await?;
        let found = page.finish(more);
        recent.keep(&self.db, question, found.clone(), found.index.len());
        Ok(found)
    }

    /// Gives also whether any are left.
    async fn referrers_that_fit(
        &self,
        name: &RepoName,
        subject: &Digest,
        (artifact_type, last): (Option<&str>, Option<Digest>),
    ) -> Result<(Page, bool), RegistryError> {
        let mut page = Page::new(last);
        let mut tx = self.read().await?;
        let repository = match self.repository(&mut tx, name).await {
            Err(error) if error.code == ErrorCode::NameUnknown => return Ok((page, false)),
            other => other?,
        };
        loop {
            let limit = page.room();
            let wanted = ReferrerPage {
                subject: subject.as_str(),
                artifact_type,
                last: page.last.as_ref().map_or("", Digest::as_str),
                limit: i64::try_from(limit).unwrap_or(i64::MAX),
            };
            let found = store::contents::referrers(&mut tx, &repository.id, wanted).await?;
            let is_end = found.len() < limit;
            for row in found {
                if !page.take(descriptor(row)?)? {
                    return Ok((page, true));
                }
            }
            if is_end {
                return Ok((page, false));
            }
        }
    }
}

fn descriptor(row: Referrer) -> Result<Descriptor, RegistryError> {
    let digest = row.digest.parse().map_err(RegistryError::internal)?;
    let size = u64::try_from(row.size).unwrap_or_default();
    Ok(Descriptor {
        artifact_type: row.artifact_type,
        annotations: row.annotations.map(|notes| notes.0),
        ..Descriptor::new(row.media_type, digest, size)
    })
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
    fn take(&mut self, entry: Descriptor) -> Result<bool, RegistryError> {
        let before = self.body.len();
        if self.entries > 0 {
            self.body.push(b',');
        }
        serde_json::to_writer(&mut self.body, &entry).map_err(RegistryError::internal)?;
        if self.entries > 0 && self.body.len() + END.len() > MAX_MANIFEST_BYTES {
            self.body.truncate(before);
            return Ok(false);
        }
        self.entries += 1;
        self.last = Some(entry.digest);
        Ok(true)
    }

    fn finish(mut self, more: bool) -> Referrers {
        self.body.extend_from_slice(END.as_bytes());
        Referrers {
            index: self.body.into(),
            next: self.last.filter(|_| more),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use oci::media_type;

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
        serde_json::from_slice(&page.finish(true).index).unwrap()
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
