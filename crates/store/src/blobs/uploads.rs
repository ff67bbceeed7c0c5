//! Uploads: blobs on their way in. What all implementations promise, and what they share.
//!
//! An upload belongs to the repository it was begun for. Its bytes and the state of its
//! digest are kept where a restarted server, or another one, finds them: nothing that was
//! received is sent again, and of what was hashed only the last few megabytes are again.

use std::error::Error;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream::BoxStream};
use market::UploadId;
use oci::{Algorithm, Digest, RepoName};

use super::UploadError;

/// Pieces are gathered to this many bytes before they are written.
const BATCH: u64 = 256 * 1024;
/// And to so many: tiny ones take more memory than they have bytes.
const PIECES: usize = 1024;

/// Bytes arriving from a client.
pub type ByteStream = BoxStream<'static, Result<Bytes, StreamError>>;

/// Why a client's bytes ended early.
pub type StreamError = Box<dyn Error + Send + Sync>;

/// Names an upload: in another repository it is as unknown as if it were not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadKey {
    /// The repository it was begun for.
    pub repository: RepoName,
    /// Its identifier.
    pub id: UploadId,
}

/// An upload as it begins.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// Its name.
    pub key: UploadKey,
    /// Who began it.
    pub account: String,
    /// When.
    pub started: DateTime<Utc>,
    /// The digest that is computed on the way. The other kind can still end the upload, but
    /// then all of it is read again.
    pub algorithm: Algorithm,
}

/// A piece of a blob.
pub struct Piece {
    /// Where it begins, in bytes, if the client said so.
    pub at: Option<u64>,
    /// Its bytes.
    pub bytes: ByteStream,
    /// How large the whole may become, in bytes.
    pub limit: u64,
}

/// Where uploads wait until they are whole. At most one request has an upload at a time;
/// another one waits for a moment, and is then told that it is [`UploadError::Busy`].
#[async_trait]
pub trait Uploads: Send + Sync + 'static {
    /// Begins an empty upload.
    async fn begin(&self, upload: &NewUpload) -> Result<(), UploadError>;

    /// Returns how many bytes have been received and kept.
    async fn offset(&self, key: &UploadKey) -> Result<u64, UploadError>;

    /// Adds a piece; returns how many bytes there are then.
    ///
    /// Whatever happens, [`Uploads::offset`] then says where to go on. If the stream breaks,
    /// everything that had arrived is kept. If the limit is exceeded or no space is left, or
    /// if the caller drops this future, something at the end may be missing.
    async fn append(&self, key: &UploadKey, piece: Piece) -> Result<u64, UploadError>;

    /// Adds the last piece, which may be empty, and makes the whole a blob if it has `digest`;
    /// returns its size. When this returns the blob is durable and the upload is over.
    ///
    /// With another digest the upload stays open and keeps its bytes.
    async fn finish(
        &self,
        key: &UploadKey,
        piece: Piece,
        digest: &Digest,
    ) -> Result<u64, UploadError>;

    /// Takes a whole blob at once; returns its size. What has another digest is dropped.
    async fn put(&self, digest: &Digest, bytes: ByteStream, limit: u64)
    -> Result<u64, UploadError>;

    /// Ends an upload and drops its bytes.
    async fn cancel(&self, key: &UploadKey) -> Result<(), UploadError>;

    /// Returns how many uploads are open.
    async fn count(&self) -> Result<i64, UploadError>;

    /// Returns how many uploads an account has open.
    async fn count_of(&self, account: &str) -> Result<i64, UploadError>;

    /// Drops what nobody has gone on with since `older_than`; returns how many uploads.
    async fn sweep(&self, older_than: DateTime<Utc>) -> Result<usize, UploadError>;
}

/// What a stream gave at one go.
pub(super) struct Batch {
    pub(super) pieces: Vec<Bytes>,
    pub(super) len: u64,
    /// How the stream ended, if it did.
    pub(super) end: Option<Result<(), StreamError>>,
}

/// Reads the next pieces of a stream.
pub(super) async fn gather(stream: &mut ByteStream) -> Batch {
    let (mut pieces, mut len) = (Vec::new(), 0);
    let end = loop {
        match stream.next().await {
            Some(Ok(piece)) => {
                len += piece.len() as u64;
                pieces.push(piece);
            }
            Some(Err(error)) => break Some(Err(error)),
            None => break Some(Ok(())),
        }
        if len >= BATCH || pieces.len() >= PIECES {
            break None;
        }
    };
    Batch { pieces, len, end }
}
