//! What can be wrong with a place that images are read from.

use std::{io, path::Path, path::PathBuf};

use crate::{Digest, ManifestError, VerifyError};

/// Why an image cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operating system refused.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried: `open`, `read`, `write` and so on.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A stream broke.
    #[error("{place}: cannot read: {source}")]
    Read {
        /// Where.
        place: String,
        /// What the reader said.
        source: io::Error,
    },
    /// Content is not what its descriptor says.
    #[error("{place}: {source}; copy the image again from where it came from")]
    Damaged {
        /// Where.
        place: String,
        /// What differs.
        source: VerifyError,
    },
    /// Content that a manifest names is not there.
    #[error(
        "{place}: `{name}` is missing; copy the image again, with all its platforms and layers"
    )]
    Missing {
        /// Where.
        place: String,
        /// The digest, or the name in the archive.
        name: String,
    },
    /// A manifest cannot be understood.
    #[error("{place}, manifest {digest}: {source}")]
    Manifest {
        /// Where.
        place: String,
        /// Which one.
        digest: Digest,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// A document is not what it should be.
    #[error("{place}: not the expected JSON: {source}")]
    Json {
        /// Which document.
        place: String,
        /// Where it goes wrong.
        source: serde_json::Error,
    },
    /// The place is not of the kind that was named.
    #[error("{place}: {why}")]
    Form {
        /// Where.
        place: String,
        /// What is wrong and what to do.
        why: String,
    },
    /// The tag is not there.
    #[error("{place} has no image `{tag}`; it has {}", list(tags))]
    NoTag {
        /// Where.
        place: String,
        /// What was asked for.
        tag: String,
        /// What there is.
        tags: Vec<String>,
    },
    /// Several images and none was named.
    #[error("{place} has {count} images, name one of {}", list(tags))]
    Ambiguous {
        /// Where.
        place: String,
        /// How many.
        count: usize,
        /// The tags that can be named.
        tags: Vec<String>,
    },
    /// The manifest is an artifact of another kind.
    #[error("{digest} is no container image but {kind}; name an image or an index of images")]
    NotAnImage {
        /// Which manifest.
        digest: Digest,
        /// What it is instead.
        kind: String,
    },
    /// More than is read.
    #[error("{place}: more than {limit} {what}, which is the limit")]
    Limit {
        /// Where.
        place: String,
        /// What is counted.
        what: &'static str,
        /// How many are read.
        limit: u64,
    },
    /// The reference names another kind of place.
    #[error("`{reference}` is no file: {instead}")]
    NotAFile {
        /// What was asked for.
        reference: String,
        /// What handles it.
        instead: &'static str,
    },
}

impl SourceError {
    /// Returns a function that adds `action` and `path` to an error of the system.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// Tells damage, which a [`crate::VerifyingReader`] reports, from a broken stream.
    pub(crate) fn from_read(place: &str, error: io::Error) -> Self {
        let place = place.to_owned();
        match VerifyError::in_io(&error) {
            Some(source) => Self::Damaged {
                source: source.clone(),
                place,
            },
            None => Self::Read {
                place,
                source: error,
            },
        }
    }
}

fn list(tags: &[String]) -> String {
    const SHOWN: usize = 20;
    if tags.is_empty() {
        return "no tags at all".to_owned();
    }
    let mut text = tags
        .iter()
        .take(SHOWN)
        .map(|tag| format!("`{tag}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if tags.len() > SHOWN {
        text += &format!(" and {} more", tags.len() - SHOWN);
    }
    text
}
