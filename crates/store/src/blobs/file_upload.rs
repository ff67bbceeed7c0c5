//! One upload in somebody's hands, as a file: exclusive until dropped.

use std::{
    fs::{File, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use oci::{Digest, Digester};
use tempfile::TempPath;

use super::{
    BlobError, FsBlobs, UploadError, UploadKey,
    disk::{self, CHUNK},
    file_state::{Checkpoint, State},
    fs::metadata,
};

/// After so many bytes the state of the digest is noted, and flushing begins in the
/// background: at the end little is left to flush, and after kill -9 little to hash again.
const STRIDE: u64 = 16 * 1024 * 1024;

/// An upload held by one request.
///
/// It travels into the blocking thread that writes, and its drop gives the upload free.
/// So a request that goes away in the middle of a write frees the upload only when that
/// write is over.
#[derive(Debug)]
pub(super) struct Held {
    data: Arc<File>,
    /// Whose upload it is; nobody's where it has no name.
    pub(super) account: String,
    /// Bytes received and kept.
    pub(super) offset: u64,
    digester: Digester,
    /// When the next checkpoint is due, bytes.
    due: u64,
    /// Whether the bytes are being flushed right now.
    flushing: Arc<AtomicBool>,
    place: Place,
}

/// Where an upload lies.
#[derive(Debug)]
enum Place {
    /// Under its name, with its state beside it.
    Named {
        path: PathBuf,
        /// Its lock is the upload's.
        state: Arc<File>,
        state_path: PathBuf,
        boot: Arc<str>,
    },
    /// In a file that goes when this does.
    Nameless(TempPath),
}

impl Held {
    /// Takes an upload whose state is in `state_path`. Reads again what was hashed since the last checkpoint.
    pub(super) fn take(
        key: &UploadKey,
        path: PathBuf,
        state_path: PathBuf,
        boot: Arc<str>,
    ) -> Result<Self, UploadError> {
        let unknown = || UploadError::Unknown(key.id.to_string());
        let file = match lock(&state_path)? {
            Lock::Taken(file) => file,
            Lock::Busy => return Err(UploadError::Busy(key.id.to_string())),
            Lock::Gone => return Err(unknown()),
        };
        let read = State::read(&file).map_err(BlobError::io("read", &state_path))?;
        let state = read
            .filter(|state| state.head.repository == key.repository.as_str())
            .ok_or_else(unknown)?;
        let fresh = !state.has_bytes();
        let Some(data) = open_data(&path, fresh)? else {
            // Whoever made it a blob was killed before the state was gone.
            return Err(unknown());
        };
        let meta = data.metadata().map_err(BlobError::io("read", &path))?;
        if meta.nlink() > 1 {
            // A filesystem that cannot rename without replacing links first and removes then.
            return Err(unknown());
        }
        let (known, mut digester) = state.resume(&boot, meta.len());
        digest_from(&data, known, &mut digester)
            .and_then(|len| (&data).seek(SeekFrom::Start(len)))
            .map_err(BlobError::io("read", &path))
            .map(|offset| Self {
                data: Arc::new(data),
                account: state.head.account,
                offset,
                digester,
                due: offset + STRIDE,
                flushing: Arc::default(),
                place: Place::Named {
                    path,
                    state: Arc::new(file),
                    state_path,
                    boot,
                },
            })
            .map_err(UploadError::from)
    }

    /// Begins what has no name and goes when it is dropped.
    pub(super) fn nameless(dir: &Path, digester: Digester) -> Result<Self, UploadError> {
        let temp = tempfile::Builder::new().prefix("put-").tempfile_in(dir);
        let temp = temp.map_err(BlobError::io("create a file in", dir))?;
        let (data, path) = temp.into_parts();
        Ok(Self {
            data: Arc::new(data),
            account: String::new(),
            offset: 0,
            digester,
            due: STRIDE,
            flushing: Arc::default(),
            place: Place::Nameless(path),
        })
    }

    /// Lets another digester run along, if nothing was received yet.
    pub(super) fn expect(&mut self, digest: &Digest) {
        if self.offset == 0 {
            self.digester = Digester::new(digest.algorithm());
        }
    }

    /// Adds `pieces` at the end: all of them, or after an error none.
    pub(super) fn write(&mut self, pieces: &[Bytes]) -> Result<(), UploadError> {
        let written = pieces.iter().try_for_each(|piece| {
            // Hashed first, which then has the system copy it from the processor's cache.
            self.digester.update(piece);
            (&*self.data).write_all(piece)
        });
        if let Err(error) = written {
            if let Err(cut) = self.data.set_len(self.offset) {
                // The next one to take the upload goes by the file's length.
                tracing::warn!(file = %self.path().display(), error = %cut, "upload could not be cut back");
            }
            return Err(BlobError::io("write", self.path())(error).into());
        }
        let len: usize = pieces.iter().map(Bytes::len).sum();
        self.offset += len as u64;
        if self.offset >= self.due {
            self.due = self.offset + STRIDE;
            self.flush_in_background(self.checkpoint()?);
        }
        Ok(())
    }

    /// Notes how far the digest is, for whoever goes on; nobody goes on with what has no name.
    pub(super) fn checkpoint(&self) -> Result<Option<Checkpoint>, BlobError> {
        let Place::Named {
            state,
            state_path,
            boot,
            ..
        } = &self.place
        else {
            return Ok(None);
        };
        let point = Checkpoint::new(self.offset, &self.digester, boot);
        point
            .write(state)
            .map_err(BlobError::io("write", state_path))?;
        Ok(Some(point))
    }

    fn flush_in_background(&self, point: Option<Checkpoint>) {
        if self.flushing.swap(true, Ordering::AcqRel) {
            return;
        }
        let (data, flushing) = (Arc::clone(&self.data), Arc::clone(&self.flushing));
        let state_path = match &self.place {
            Place::Named { state_path, .. } => Some(state_path.clone()),
            Place::Nameless(_) => None,
        };
        let flush = move || {
            data.sync_data()?;
            if let (Some(point), Some(path)) = (point, state_path) {
                // Opened anew: the upload's lock must not wait for this.
                let state = File::options().write(true).open(path)?;
                point.flushed().write(&state)?;
                state.sync_data()?;
            }
            io::Result::Ok(())
        };
        tokio::task::spawn_blocking(move || {
            // Only an early beginning: whoever makes the upload a blob flushes it and hears of errors.
            if let Err(error) = flush() {
                tracing::debug!(%error, "an upload was not flushed early");
            }
            flushing.store(false, Ordering::Release);
        });
    }

    /// Makes the upload a blob if it has `digest`.
    pub(super) fn store(self, blobs: &FsBlobs, digest: &Digest) -> Result<u64, UploadError> {
        let found = self.digest(digest)?;
        if found != *digest {
            self.checkpoint()?;
            return Err(UploadError::Digest {
                id: self.name(),
                expected: digest.clone(),
                found,
            });
        }
        // Cuts nothing, but makes the blob as young as it is: collectors go by its age.
        self.data
            .set_len(self.offset)
            .map_err(BlobError::io("write", self.path()))?;
        blobs.adopt(digest, &self.data, self.path())?;
        if let Place::Named { state_path, .. } = &self.place {
            disk::remove(state_path)?;
        }
        Ok(self.offset)
    }

    /// Ends the upload and drops its bytes.
    pub(super) fn remove(self) -> Result<(), BlobError> {
        if let Place::Named {
            path, state_path, ..
        } = &self.place
        {
            disk::remove(path)?;
            disk::remove(state_path)?;
        }
        Ok(())
    }

    /// Returns the digest of everything received; reads it again only for another algorithm than announced.
    fn digest(&self, expected: &Digest) -> Result<Digest, BlobError> {
        if self.digester.algorithm() == expected.algorithm() {
            return Ok(self.digester.clone().finish());
        }
        let mut digester = Digester::new(expected.algorithm());
        digest_from(&self.data, 0, &mut digester).map_err(BlobError::io("read", self.path()))?;
        Ok(digester.finish())
    }

    fn path(&self) -> &Path {
        match &self.place {
            Place::Named { path, .. } => path,
            Place::Nameless(path) => path,
        }
    }

    /// Returns the upload's identifier, for messages.
    pub(super) fn name(&self) -> String {
        let name = self.path().file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

/// What an attempt to lock a state file came to.
pub(super) enum Lock {
    /// The file, locked until it is dropped.
    Taken(File),
    /// Another request has it.
    Busy,
    /// There is no such upload.
    Gone,
}

/// Opens and locks a state file.
pub(super) fn lock(path: &Path) -> Result<Lock, BlobError> {
    let file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Lock::Gone),
        Err(error) => return Err(BlobError::io("open", path)(error)),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Lock::Busy),
        Err(TryLockError::Error(error)) => return Err(BlobError::io("lock", path)(error)),
    }
    // Whoever had it before may have ended the upload.
    let meta = file.metadata().map_err(BlobError::io("read", path))?;
    Ok(match meta.nlink() {
        0 => Lock::Gone,
        _ => Lock::Taken(file),
    })
}

/// Opens the bytes; `None` if they are gone. Only a fresh upload has none yet.
fn open_data(path: &Path, fresh: bool) -> Result<Option<File>, BlobError> {
    let opened = File::options().read(true).write(true).open(path);
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && fresh => {
            let created = disk::create_new(path);
            created.map(Some).map_err(BlobError::io("create", path))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BlobError::io("open", path)(error)),
    }
}

/// Adds everything from `at` to `digester`; returns the file's length.
fn digest_from(file: &File, mut at: u64, digester: &mut Digester) -> io::Result<u64> {
    let mut buffer = Vec::new();
    let len = file.metadata()?.len();
    while at < len {
        buffer.resize(CHUNK, 0);
        match file.read_at(&mut buffer, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                digester.update(&buffer[..read]);
                at += read as u64;
            }
        }
    }
    Ok(len)
}

/// Returns the bytes kept of an upload, also while somebody has it.
pub(super) fn offset(key: &UploadKey, path: &Path, state_path: &Path) -> Result<u64, UploadError> {
    let unknown = || UploadError::Unknown(key.id.to_string());
    let file = match File::open(state_path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(unknown()),
        Err(error) => return Err(BlobError::io("open", state_path)(error).into()),
    };
    let read = State::read(&file).map_err(BlobError::io("read", state_path))?;
    let state = read
        .filter(|state| state.head.repository == key.repository.as_str())
        .ok_or_else(unknown)?;
    match metadata(path)? {
        Some(meta) => Ok(meta.len()),
        None if state.has_bytes() => Err(unknown()),
        None => Ok(0),
    }
}
