//! What can go wrong with blobs and uploads, and what to do about it.

use std::{io, path::Path, path::PathBuf};

use oci::Digest;

/// Why a blob could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The store has no such blob.
    #[error("blob {0} is not in the store")]
    NotFound(Digest),
    /// The range asked for has no byte of the blob.
    #[error(
        "bytes {start}..{end} of blob {digest} do not exist: it has {size} bytes; ask for a range inside them"
    )]
    Range {
        /// The blob.
        digest: Digest,
        /// First byte asked for.
        start: u64,
        /// One past the last byte asked for.
        end: u64,
        /// Size of the blob in bytes.
        size: u64,
    },
    /// No space is left, or the quota is used up.
    #[error("no space left at {}: free some or enlarge it; nothing stored was lost", path.display())]
    Full {
        /// What was being written.
        path: PathBuf,
    },
    /// The bytes do not have the digest they go by.
    #[error(
        "the bytes of blob {digest} have digest {found}: do not use them; upload the blob again to repair it"
    )]
    Corrupt {
        /// The digest expected.
        digest: Digest,
        /// The digest of the bytes that were there.
        found: Digest,
    },
    /// The blob does not fit into the scratch space for local copies.
    #[error(
        "blob {digest} of {size} bytes does not fit into the scratch space of {limit} bytes: enlarge the limit"
    )]
    Scratch {
        /// The blob.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
        /// Size of the scratch space in bytes.
        limit: u64,
    },
    /// The filesystem refused.
    #[error("cannot {action} {}: {source}; check that the path exists and may be written by this user", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The S3 service refused or did not answer.
    #[error(
        "cannot {action}: {source}; check endpoint, bucket and keys of the S3 service, and that it is up"
    )]
    S3 {
        /// What was tried.
        action: &'static str,
        /// The service's answer.
        source: Box<object_store::Error>,
    },
    /// The process is shutting down.
    #[error("the server is shutting down: try again when it has restarted")]
    Stopping,
}

impl BlobError {
    /// Wraps the system's answer to `action` on `path`; a full disk becomes [`BlobError::Full`].
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }

    /// Wraps the S3 service's answer to `action`.
    pub(super) fn s3(action: &'static str) -> impl Fn(object_store::Error) -> Self {
        move |source| Self::S3 {
            action,
            source: Box::new(source),
        }
    }
}

/// Why an upload could not go on.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There is no such upload: it was never begun, or is finished, cancelled or swept away.
    #[error("upload {0} is unknown: begin a new one")]
    Unknown(String),
    /// Somebody else is writing to or finishing the upload right now.
    #[error("upload {0} is in use by another request: wait for that one, then ask for the offset")]
    Busy(String),
    /// The piece does not start where the upload ends.
    #[error("upload {id} has {actual} bytes but the piece starts at {expected}: go on at {actual}")]
    Offset {
        /// The upload.
        id: String,
        /// Offset of the piece in bytes.
        expected: u64,
        /// Bytes received so far.
        actual: u64,
    },
    /// The upload is larger than allowed.
    #[error("upload {id} exceeds the limit of {limit} bytes: send a smaller blob")]
    TooLarge {
        /// The upload.
        id: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The uploaded bytes have another digest; they are kept.
    #[error(
        "the bytes of upload {id} have digest {found}, not {expected}: finish with the right digest, or cancel and send them again"
    )]
    Digest {
        /// The upload.
        id: String,
        /// The digest claimed.
        expected: Digest,
        /// The digest of the bytes.
        found: Digest,
    },
    /// The sender's stream broke; what had arrived is kept.
    #[error("upload {id} broke off after {offset} bytes: {source}; go on from there")]
    Stream {
        /// The upload.
        id: String,
        /// Bytes received and kept.
        offset: u64,
        /// Why it broke.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The disk or the S3 service refused.
    #[error(transparent)]
    Disk(#[from] BlobError),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] crate::StoreError),
}
