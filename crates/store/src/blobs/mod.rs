//! Blobs: content-addressed bytes, on a filesystem ([`FsBlobs`]) or behind the S3
//! API ([`S3Blobs`]), and the uploads ([`Uploads`]) that they come from.
//!
//! The rule of the place: when a `put` has returned, the blob survives kill -9 and
//! power loss, and before that nobody can see any part of it. Which repository may
//! read which blob, and which blobs nobody needs any more, is decided elsewhere.

mod disk;
mod error;
mod file_state;
mod file_upload;
mod file_uploads;
mod fs;
mod gate;
mod s3;
mod s3_config;
mod s3_objects;
mod s3_tail;
mod s3_upload;
mod s3_uploads;
mod scratch;
mod uploads;

#[cfg(test)]
mod tests;

use std::{fmt, fs::File, io, io::Read, ops::Range};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::BoxStream;
use oci::Digest;

pub use error::{BlobError, UploadError};
pub use file_uploads::FsUploads;
pub use fs::FsBlobs;
pub use s3::S3Blobs;
pub use s3_config::S3Config;
pub use s3_uploads::S3Uploads;
pub use uploads::{ByteStream, NewUpload, Piece, StreamError, UploadKey, Uploads};

/// A blob that is being read.
pub struct Blob {
    /// Size of the whole blob in bytes, also when only a range of it was asked for.
    pub size: u64,
    /// Where the bytes asked for come from.
    pub source: BlobSource,
}

/// Where the bytes of a blob come from.
pub enum BlobSource {
    /// A local file, for whoever can send one without reading it.
    File {
        /// Open for reading.
        file: File,
        /// Where the bytes asked for begin.
        offset: u64,
        /// How many they are.
        length: u64,
    },
    /// The bytes asked for, in pieces; ends early only with an error.
    Stream(BoxStream<'static, io::Result<Bytes>>),
}

impl Blob {
    /// Returns the bytes asked for, in pieces; ends early only with an error.
    pub fn into_stream(self) -> BoxStream<'static, io::Result<Bytes>> {
        match self.source {
            BlobSource::File {
                file,
                offset,
                length,
            } => disk::stream_file(file, offset, length),
            BlobSource::Stream(stream) => stream,
        }
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// A blob as found by [`BlobStore::list`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobEntry {
    /// The blob's digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// When its bytes were last written; putting an existing blob again renews it.
    pub modified: DateTime<Utc>,
}

/// A durable store of blobs under their digests.
#[async_trait]
pub trait BlobStore: Send + Sync + 'static {
    /// Stores `bytes`, or returns [`BlobError::Corrupt`] if they have another digest.
    async fn put_bytes(&self, digest: &Digest, bytes: Bytes) -> Result<(), BlobError>;

    /// Opens a blob, or the part of it in `range` cut at the blob's end.
    ///
    /// A range that is empty or starts at or after the end is a [`BlobError::Range`].
    async fn get(&self, digest: &Digest, range: Option<Range<u64>>) -> Result<Blob, BlobError>;

    /// Returns a URL under which anybody gets the blob for some minutes, where the store
    /// gives such. The caller has made sure that the blob is there.
    async fn redirect(&self, digest: &Digest) -> Result<Option<String>, BlobError> {
        let _ = digest;
        Ok(None)
    }

    /// Returns the blob's size in bytes, or `None` if it is not in the store.
    async fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError>;

    /// Removes a blob if its bytes were last written before `than`; gives how many bytes it had.
    ///
    /// Gives `None` where it was written since then, or is not there. A `put` at the same
    /// moment wins: afterwards the blob is there. Behind the S3 API there is a gap between
    /// looking and deleting, so whoever relies on a `put` during one looks again after it.
    async fn delete_older(
        &self,
        digest: &Digest,
        than: DateTime<Utc>,
    ) -> Result<Option<u64>, BlobError>;

    /// Lists every blob, in no particular order, without holding all of them in memory.
    fn list(&self) -> BoxStream<'static, Result<BlobEntry, BlobError>>;

    /// Opens a blob for a reader that blocks, such as a scanner on a blocking thread.
    ///
    /// Blocks, possibly for as long as a download takes: never call it on an async thread.
    fn open_sync(&self, digest: &Digest) -> Result<Box<dyn Read + Send>, BlobError>;

    /// Proves that the store can be written to now, by writing something small.
    async fn check(&self) -> Result<(), BlobError>;
}

/// Returns `range` cut at `size`, or the error that names both.
fn cut_range(digest: &Digest, range: Range<u64>, size: u64) -> Result<Range<u64>, BlobError> {
    let end = range.end.min(size);
    if range.start >= end {
        return Err(BlobError::Range {
            digest: digest.clone(),
            start: range.start,
            end: range.end,
            size,
        });
    }
    Ok(range.start..end)
}

/// Returns an error unless `bytes` have `digest`.
fn verify(digest: &Digest, bytes: &[u8]) -> Result<(), BlobError> {
    let found = Digest::by(digest.algorithm(), bytes);
    if found != *digest {
        return Err(BlobError::Corrupt {
            digest: digest.clone(),
            found,
        });
    }
    Ok(())
}
