//! Blobs on a local filesystem: `<dir>/sha256/ab/<hex>`, written as `<dir>/tmp/…` and renamed.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use oci::{Algorithm, Digest};

use super::{
    Blob, BlobEntry, BlobError, BlobSource, BlobStore, cut_range,
    disk::{self, blocking},
    gate::Gate,
    verify,
};

/// Blobs as files below one directory.
///
/// Uploads should be staged on the same filesystem: storing one is then a rename.
#[derive(Debug, Clone)]
pub struct FsBlobs {
    dir: PathBuf,
    gate: Gate,
    /// Directories known to be there and flushed, so that a put flushes its own only.
    known: Arc<Mutex<HashSet<PathBuf>>>,
}

impl FsBlobs {
    /// Opens the store in `dir`, which is created if it is not there. Blocks.
    pub fn open(dir: &Path) -> Result<Self, BlobError> {
        disk::create_dir(&dir.join("tmp"))?;
        Ok(Self {
            dir: dir.to_owned(),
            gate: Gate::open(&dir.join("gate"))?,
            known: Arc::default(),
        })
    }

    /// Makes sure that the directory of `target` is there and flushed. Blocks.
    fn prepare(&self, target: &Path) -> Result<(), BlobError> {
        let parent = target.parent().unwrap_or(&self.dir);
        // Held to the end: nobody may rely on what somebody else has yet to flush.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(parent) {
            disk::create_dir(parent)?;
            // Also if it was there: whoever made it may not have come to that.
            disk::sync_parent(parent)?;
            known.insert(parent.to_owned());
        }
        Ok(())
    }

    /// Makes the complete local file `path`, open as `file`, a blob, by moving it. Blocks.
    ///
    /// The caller has verified the digest.
    pub(super) fn adopt(&self, digest: &Digest, file: &File, path: &Path) -> Result<(), BlobError> {
        // An existing blob is replaced, not trusted: that repairs a damaged one, and
        // its readers keep the file they have open.
        let (target, temp_dir) = (self.path(digest), self.temp_dir());
        self.prepare(&target)?;
        disk::install(file, path, &target, (&temp_dir, &self.gate))
    }

    /// Removes what processes that were killed left half-written before `older_than`.
    ///
    /// Returns how many files it removed. No blob is ever among them.
    pub async fn sweep(&self, older_than: DateTime<Utc>) -> Result<usize, BlobError> {
        let dir = self.temp_dir();
        blocking(move || {
            let mut removed = 0;
            for entry in read_dir(&dir)? {
                let file = entry.map_err(BlobError::io("read", &dir))?;
                let Some(meta) = metadata(&file.path())? else {
                    continue;
                };
                if modified(&meta) < older_than {
                    disk::remove(&file.path())?;
                    removed += 1;
                }
            }
            Ok(removed)
        })
        .await
    }

    fn temp_dir(&self) -> PathBuf {
        self.dir.join("tmp")
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.dir
            .join(digest.algorithm().as_str())
            .join(&digest.hex()[..2])
            .join(digest.hex())
    }

    fn open_file(&self, digest: &Digest) -> Result<File, BlobError> {
        let path = self.path(digest);
        File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BlobError::NotFound(digest.clone()),
            _ => BlobError::io("open", &path)(error),
        })
    }
}

#[async_trait]
impl BlobStore for FsBlobs {
    async fn put_bytes(&self, digest: &Digest, bytes: Bytes) -> Result<(), BlobError> {
        let (store, digest) = (self.clone(), digest.clone());
        blocking(move || {
            verify(&digest, &bytes)?;
            let (target, temp_dir) = (store.path(&digest), store.temp_dir());
            store.prepare(&target)?;
            disk::install_from(&mut &bytes[..], &target, &temp_dir, &store.gate)
        })
        .await
    }

    async fn get(&self, digest: &Digest, range: Option<Range<u64>>) -> Result<Blob, BlobError> {
        // Looking up a name takes the system less time than giving it to another thread would.
        let file = self.open_file(digest)?;
        let meta = file
            .metadata()
            .map_err(|error| BlobError::io("read", &self.path(digest))(error))?;
        let size = meta.len();
        let range = match range {
            Some(range) => cut_range(digest, range, size)?,
            None => 0..size,
        };
        let source = BlobSource::File {
            file,
            offset: range.start,
            length: range.end - range.start,
        };
        Ok(Blob { size, source })
    }

    async fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        let path = self.path(digest);
        blocking(move || Ok(metadata(&path)?.map(|meta| meta.len()))).await
    }

    async fn delete_older(
        &self,
        digest: &Digest,
        than: DateTime<Utc>,
    ) -> Result<Option<u64>, BlobError> {
        let (path, gate) = (self.path(digest), self.gate.clone());
        blocking(move || {
            let _closed = gate.close()?;
            let Some(meta) = metadata(&path)?.filter(|meta| modified(meta) < than) else {
                return Ok(None);
            };
            disk::remove(&path)?;
            Ok(Some(meta.len()))
        })
        .await
    }

    fn list(&self) -> BoxStream<'static, Result<BlobEntry, BlobError>> {
        let dir = self.dir.clone();
        let prefixes = [Algorithm::Sha256, Algorithm::Sha512]
            .into_iter()
            .flat_map(|algorithm| (0..=u8::MAX).map(move |byte| (algorithm, byte)));
        stream::iter(prefixes)
            .then(move |(algorithm, byte)| {
                let dir = dir.join(algorithm.as_str()).join(format!("{byte:02x}"));
                blocking(move || list_prefix(algorithm, &dir))
            })
            .map_ok(|entries| stream::iter(entries.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    fn open_sync(&self, digest: &Digest) -> Result<Box<dyn Read + Send>, BlobError> {
        Ok(Box::new(self.open_file(digest)?))
    }

    async fn check(&self) -> Result<(), BlobError> {
        let (dir, gate) = (self.temp_dir(), self.gate.clone());
        blocking(move || {
            let target = dir.join("check");
            disk::install_from(&mut &b"writable"[..], &target, &dir, &gate)
        })
        .await
    }
}

fn list_prefix(algorithm: Algorithm, dir: &Path) -> Result<Vec<BlobEntry>, BlobError> {
    let mut entries = Vec::new();
    for entry in read_dir(dir)? {
        let file = entry.map_err(BlobError::io("read", dir))?;
        let name = file.file_name();
        let digest = format!("{}:{}", algorithm.as_str(), name.to_string_lossy());
        let (Ok(digest), Some(meta)) = (digest.parse(), metadata(&file.path())?) else {
            continue;
        };
        entries.push(BlobEntry {
            digest,
            size: meta.len(),
            modified: modified(&meta),
        });
    }
    Ok(entries)
}

/// Reads a directory; one that does not exist is empty.
pub(super) fn read_dir(
    dir: &Path,
) -> Result<impl Iterator<Item = io::Result<fs::DirEntry>>, BlobError> {
    match fs::read_dir(dir) {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None.into_iter().flatten()),
        Err(error) => Err(BlobError::io("read", dir)(error)),
    }
}

/// Returns a file's metadata, or `None` if there is no file.
pub(super) fn metadata(path: &Path) -> Result<Option<fs::Metadata>, BlobError> {
    match fs::metadata(path) {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BlobError::io("read", path)(error)),
    }
}

/// Returns when a file was last written; where the filesystem cannot say, never long ago.
pub(super) fn modified(meta: &fs::Metadata) -> DateTime<Utc> {
    meta.modified().map_or(DateTime::<Utc>::MAX_UTC, Into::into)
}
