//! Uploads on their way in, staged on the local disk: `<dir>/<id>`, one file each.
//!
//! The bytes survive a restart, but are not flushed until they become a blob: what power
//! loss took away is found when the digest is verified.

use std::{
    error::Error, fs::OpenOptions, future::ready, io, os::unix::fs::OpenOptionsExt, path::Path,
    pin::pin, sync::Arc,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, Stream, StreamExt};
use oci::Digest;

use super::{
    BlobError, StagedFile, UploadError,
    disk::{self, blocking},
    fs::read_dir,
    upload::Held,
    upload_slots::Slots,
};

/// Pieces are gathered to this many bytes before they are written.
const BATCH: u64 = 1024 * 1024;

/// The open uploads of this process, in one directory.
///
/// Two processes must not share the directory.
#[derive(Debug, Clone)]
pub struct Uploads {
    slots: Arc<Slots>,
}

impl Uploads {
    /// Opens the staging area in `dir`, which is created if it is not there. Blocks.
    ///
    /// Uploads begun before a restart go on where they stopped.
    pub fn open(dir: &Path) -> Result<Self, BlobError> {
        disk::create_dir(dir)?;
        let slots = Arc::new(Slots::new(dir));
        Ok(Self { slots })
    }

    /// Begins the empty upload `id`: 1 to 64 letters, digits, `-` or `_`.
    pub async fn create(&self, id: &str) -> Result<(), UploadError> {
        let (id, path) = (id.to_owned(), self.slots.path(id)?);
        blocking(move || {
            let mut options = OpenOptions::new();
            match options.write(true).create_new(true).mode(0o600).open(&path) {
                Ok(_) => Ok(()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    Err(UploadError::Exists(id))
                }
                Err(error) => Err(BlobError::io("create", &path)(error).into()),
            }
        })
        .await
    }

    /// Adds `stream` to the upload, which has `expected` bytes so far and may reach `limit`.
    ///
    /// Returns the new size in bytes. Whatever happens, [`Uploads::offset`] then says where
    /// to go on: if the stream breaks, everything that had arrived is kept; if the limit is
    /// exceeded or the disk is full, or if the caller drops this future, some last
    /// megabyte may be missing.
    pub async fn append<E>(
        &self,
        id: &str,
        expected: u64,
        stream: impl Stream<Item = Result<Bytes, E>> + Send,
        limit: u64,
    ) -> Result<u64, UploadError>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut stream = pin!(stream);
        let mut received = expected;
        let held = self.hold_at(id, expected).await?;
        let mut writing = ready(Ok(held)).boxed();
        // While one batch is hashed and written, the next one is received.
        loop {
            let next = gather(&mut stream).map(Ok);
            let (held, batch) = tokio::try_join!(writing, next)?;
            received += batch.len;
            if received > limit {
                let id = id.to_owned();
                return Err(UploadError::TooLarge { id, limit });
            }
            let written = write(held, batch.pieces);
            match batch.end {
                None => writing = written.boxed(),
                Some(end) => return close(&written.await?, end),
            }
        }
    }

    /// Returns how many bytes of the upload have been received and kept.
    pub async fn offset(&self, id: &str) -> Result<u64, UploadError> {
        let (slots, id) = (Arc::clone(&self.slots), id.to_owned());
        blocking(move || slots.offset(&id)).await
    }

    /// Takes the complete upload out of use if it has the digest `expected`.
    ///
    /// With another digest the upload stays open and keeps its bytes.
    pub async fn finish(&self, id: &str, expected: &Digest) -> Result<StagedFile, UploadError> {
        let (slots, id) = (Arc::clone(&self.slots), id.to_owned());
        let expected = expected.clone();
        blocking(move || {
            let held = slots.hold(&id)?;
            let found = held.digest(expected.algorithm())?;
            if found != expected {
                return Err(UploadError::Digest {
                    id,
                    expected,
                    found,
                });
            }
            Ok(StagedFile {
                held,
                digest: found,
            })
        })
        .await
    }

    /// Ends the upload and drops its bytes.
    pub async fn cancel(&self, id: &str) -> Result<(), UploadError> {
        let (slots, id) = (Arc::clone(&self.slots), id.to_owned());
        blocking(move || {
            let held = slots.hold(&id)?;
            Ok(disk::remove(&held.path)?)
        })
        .await
    }

    /// Cancels uploads that nobody has written to since `older_than`; returns how many.
    pub async fn sweep(&self, older_than: DateTime<Utc>) -> Result<usize, UploadError> {
        let slots = Arc::clone(&self.slots);
        blocking(move || {
            let mut cancelled = 0;
            for entry in read_dir(&slots.dir)? {
                let entry = entry.map_err(BlobError::io("read", &slots.dir))?;
                cancelled += usize::from(slots.sweep(&entry.path(), older_than)?);
            }
            Ok(cancelled)
        })
        .await
    }

    async fn hold_at(&self, id: &str, expected: u64) -> Result<Held, UploadError> {
        let (slots, id) = (Arc::clone(&self.slots), id.to_owned());
        blocking(move || {
            let held = slots.hold(&id)?;
            if held.offset != expected {
                return Err(UploadError::Offset {
                    id,
                    expected,
                    actual: held.offset,
                });
            }
            Ok(held)
        })
        .await
    }
}

/// What a stream gave at one go.
struct Batch<E> {
    pieces: Vec<Bytes>,
    len: u64,
    /// How the stream ended, if it did.
    end: Option<Result<(), E>>,
}

async fn gather<E>(stream: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin)) -> Batch<E> {
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
        if len >= BATCH {
            break None;
        }
    };
    Batch { pieces, len, end }
}

async fn write(mut held: Held, pieces: Vec<Bytes>) -> Result<Held, UploadError> {
    blocking(move || held.write(&pieces).map(|()| held)).await
}

fn close<E>(held: &Held, end: Result<(), E>) -> Result<u64, UploadError>
where
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let offset = held.offset;
    match end {
        Ok(()) => Ok(offset),
        Err(source) => Err(UploadError::Stream {
            id: held.id.clone(),
            offset,
            source: source.into(),
        }),
    }
}
