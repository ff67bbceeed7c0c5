//! Uploads on a filesystem: `<dir>/<id>`, and what is known of it in `<dir>/<id>.state`.
//!
//! Nothing is flushed before an upload becomes a blob. What power loss takes away of it is
//! found by comparing the file with its checkpoints, or when the digest is verified.
//! Servers that share the directory may share its uploads: a lock on the state says who has
//! an upload.

use std::{
    collections::HashMap,
    fs::File,
    future::ready,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use oci::{Digest, Digester};
use tokio::time::Instant;

use super::{
    BlobError, ByteStream, FsBlobs, NewUpload, Piece, UploadError, UploadKey, Uploads,
    disk::{self, blocking},
    file_state::{self, Head, State},
    file_upload::{self, Held, Lock},
    fs::{metadata, modified, read_dir},
    uploads::{StreamError, gather},
};

/// How long a request waits for another one that has the upload. Mostly that is the request
/// whose connection has just broken.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The ending of a state file's name.
const STATE: &str = "state";

/// Uploads as files, on their way into a [`FsBlobs`].
#[derive(Debug, Clone)]
pub struct FsUploads {
    dir: PathBuf,
    blobs: FsBlobs,
    boot: Arc<str>,
    counts: Arc<Counts>,
}

/// How many uploads each account has open. Read from the directory at the start and at each
/// sweep; in between it knows of those that began and ended here.
#[derive(Debug, Default)]
struct Counts(Mutex<HashMap<String, i64>>);

impl Counts {
    fn add(&self, account: &str, change: i64) {
        let mut counts = self.lock();
        let count = counts.entry(account.to_owned()).or_default();
        *count += change;
        if *count <= 0 {
            counts.remove(account);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        // No panic can leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FsUploads {
    /// Opens the staging area in `dir`, which is created if it is not there. Blocks.
    ///
    /// Becoming a blob is a rename if `dir` is on the filesystem of `blobs`, else a copy.
    pub fn open(dir: &Path, blobs: &FsBlobs) -> Result<Self, BlobError> {
        disk::create_dir(dir)?;
        let uploads = Self {
            dir: dir.to_owned(),
            blobs: blobs.clone(),
            boot: file_state::boot_id().into(),
            counts: Arc::default(),
        };
        uploads.recount()?;
        Ok(uploads)
    }

    fn recount(&self) -> Result<(), BlobError> {
        let mut counts = HashMap::new();
        for entry in read_dir(&self.dir)? {
            let path = entry.map_err(BlobError::io("read", &self.dir))?.path();
            if path.extension().is_some()
                && let Ok(file) = File::open(&path)
                && let Ok(Some(state)) = State::read(&file)
            {
                *counts.entry(state.head.account).or_default() += 1;
            }
        }
        *self.counts.lock() = counts;
        Ok(())
    }

    fn paths(&self, key: &UploadKey) -> (PathBuf, PathBuf) {
        let path = self.dir.join(key.id.as_str());
        let state = path.with_extension(STATE);
        (path, state)
    }

    async fn take(&self, key: &UploadKey) -> Result<Held, UploadError> {
        let end = Instant::now() + PATIENCE;
        loop {
            let ((path, state), key) = (self.paths(key), key.clone());
            let boot = Arc::clone(&self.boot);
            match blocking(move || Held::take(&key, path, state, boot)).await {
                Err(UploadError::Busy(_)) if Instant::now() < end => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                taken => return taken,
            }
        }
    }

    async fn take_at(&self, key: &UploadKey, at: Option<u64>) -> Result<Held, UploadError> {
        let held = self.take(key).await?;
        match at {
            Some(expected) if expected != held.offset => Err(UploadError::Offset {
                id: key.id.to_string(),
                expected,
                actual: held.offset,
            }),
            _ => Ok(held),
        }
    }

    /// Removes what is older than `older_than` and in nobody's hands; returns whether it was an upload.
    fn sweep_file(file: &Path, older_than: DateTime<Utc>) -> Result<bool, BlobError> {
        let is_old = |path: &Path| {
            let meta = metadata(path)?;
            Ok::<_, BlobError>(meta.is_none_or(|meta| modified(&meta) < older_than))
        };
        if file.extension().is_none() {
            // Bytes go with their state, and without one when nobody has written to them for long.
            if !file.with_extension(STATE).exists() && is_old(file)? {
                disk::remove(file)?;
            }
            return Ok(false);
        }
        let Lock::Taken(_lock) = file_upload::lock(file)? else {
            return Ok(false);
        };
        let data = file.with_extension("");
        if !is_old(file)? || !is_old(&data)? {
            return Ok(false);
        }
        disk::remove(&data)?;
        disk::remove(file)?;
        Ok(true)
    }
}

#[async_trait]
impl Uploads for FsUploads {
    async fn begin(&self, upload: &NewUpload) -> Result<(), UploadError> {
        let (_, path) = self.paths(&upload.key);
        let head = Head {
            repository: upload.key.repository.to_string(),
            account: upload.account.clone(),
            started: upload.started,
            algorithm: upload.algorithm,
        };
        blocking(move || {
            let created = State::create(&head, &path);
            created.map_err(|error| UploadError::from(BlobError::io("create", &path)(error)))
        })
        .await
        .inspect(|()| self.counts.add(&upload.account, 1))
    }

    async fn offset(&self, key: &UploadKey) -> Result<u64, UploadError> {
        let ((path, state), key) = (self.paths(key), key.clone());
        blocking(move || file_upload::offset(&key, &path, &state)).await
    }

    async fn append(&self, key: &UploadKey, piece: Piece) -> Result<u64, UploadError> {
        let held = self.take_at(key, piece.at).await?;
        let (mut held, last) = receive(held, piece.bytes, piece.limit).await?;
        blocking(move || {
            held.write(&last.pieces)?;
            last.close(&held)?;
            held.checkpoint()?;
            Ok(held.offset)
        })
        .await
    }

    async fn finish(
        &self,
        key: &UploadKey,
        piece: Piece,
        digest: &Digest,
    ) -> Result<u64, UploadError> {
        let mut held = self.take_at(key, piece.at).await?;
        held.expect(digest);
        let account = held.account.clone();
        let (mut held, last) = receive(held, piece.bytes, piece.limit).await?;
        let (blobs, digest) = (self.blobs.clone(), digest.clone());
        blocking(move || {
            held.write(&last.pieces)?;
            last.close(&held)?;
            held.store(&blobs, &digest)
        })
        .await
        .inspect(|_| self.counts.add(&account, -1))
    }

    async fn put(
        &self,
        digest: &Digest,
        bytes: ByteStream,
        limit: u64,
    ) -> Result<u64, UploadError> {
        let (dir, digester) = (self.dir.clone(), Digester::new(digest.algorithm()));
        let held = blocking(move || Held::nameless(&dir, digester)).await?;
        let (mut held, last) = receive(held, bytes, limit).await?;
        let (blobs, digest) = (self.blobs.clone(), digest.clone());
        blocking(move || {
            held.write(&last.pieces)?;
            last.close(&held)?;
            held.store(&blobs, &digest)
        })
        .await
    }

    async fn cancel(&self, key: &UploadKey) -> Result<(), UploadError> {
        let held = self.take(key).await?;
        let account = held.account.clone();
        blocking(move || held.remove()).await?;
        self.counts.add(&account, -1);
        Ok(())
    }

    async fn count(&self) -> Result<i64, UploadError> {
        Ok(self.counts.lock().values().sum())
    }

    async fn count_of(&self, account: &str) -> Result<i64, UploadError> {
        Ok(self.counts.lock().get(account).copied().unwrap_or(0))
    }

    async fn sweep(&self, older_than: DateTime<Utc>) -> Result<usize, UploadError> {
        let uploads = self.clone();
        blocking(move || {
            let mut dropped = 0;
            for entry in read_dir(&uploads.dir)? {
                let entry = entry.map_err(BlobError::io("read", &uploads.dir))?;
                dropped += usize::from(Self::sweep_file(&entry.path(), older_than)?);
            }
            uploads.recount()?;
            Ok(dropped)
        })
        .await
    }
}

/// The last pieces of a stream, not yet written, and how it ended.
struct Last {
    pieces: Vec<Bytes>,
    end: Result<(), StreamError>,
}

impl Last {
    /// Returns the error that the stream ended with.
    fn close(self, held: &Held) -> Result<(), UploadError> {
        let Err(source) = self.end else {
            return Ok(());
        };
        held.checkpoint()?;
        Err(UploadError::Stream {
            id: held.name(),
            offset: held.offset,
            source,
        })
    }
}

/// Writes all of a stream but its last pieces, so that a small one costs one step less.
/// While one batch is hashed and written, the next one is received.
async fn receive(
    held: Held,
    mut bytes: ByteStream,
    limit: u64,
) -> Result<(Held, Last), UploadError> {
    let mut received = held.offset;
    let id = held.name();
    let mut writing = ready(Ok(held)).boxed();
    loop {
        let next = gather(&mut bytes).map(Ok);
        let (held, batch) = tokio::try_join!(writing, next)?;
        received += batch.len;
        if received > limit {
            return Err(UploadError::TooLarge { id, limit });
        }
        match batch.end {
            None => writing = write(held, batch.pieces).boxed(),
            Some(end) => {
                let pieces = batch.pieces;
                return Ok((held, Last { pieces, end }));
            }
        }
    }
}

async fn write(mut held: Held, pieces: Vec<Bytes>) -> Result<Held, UploadError> {
    blocking(move || held.write(&pieces).map(|()| held)).await
}
