//! Choosing one image of an `index.json` by its tag.

use crate::{Descriptor, Index, SourceError};

/// The annotation that names an entry (image-spec, annotations.md).
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Returns an entry's tag.
pub(crate) fn tag_of(descriptor: &Descriptor) -> Option<&str> {
    descriptor
        .annotations
        .as_ref()?
        .get(REF_NAME)
        .map(String::as_str)
}

/// Returns every tag, in order.
pub(crate) fn tags(index: &Index) -> Vec<String> {
    index
        .manifests
        .iter()
        .filter_map(tag_of)
        .map(str::to_owned)
        .collect()
}

/// Returns the entry with `tag`, without one the only entry. Entries that say the same
/// digest under several tags count once.
pub(crate) fn select(
    index: &Index,
    tag: Option<&str>,
    place: &str,
) -> Result<Descriptor, SourceError> {
    let entries = &index.manifests;
    let found = match tag {
        Some(tag) => entries.iter().find(|entry| tag_of(entry) == Some(tag)),
        None => entries
            .first()
            .filter(|first| entries.iter().all(|entry| entry.digest == first.digest)),
    };
    if let Some(found) = found {
        return Ok(found.clone());
    }
    let (place, tags) = (place.to_owned(), tags(index));
    Err(match tag {
        Some(tag) => SourceError::NoTag {
            place,
            tag: tag.chars().take(200).collect(),
            tags,
        },
        None if entries.is_empty() => SourceError::Form {
            place,
            why: "the layout holds no image yet".to_owned(),
        },
        None => SourceError::Ambiguous {
            place,
            count: entries.len(),
            tags,
        },
    })
}
