//! Which uploads are open, how far each is, and who has it: at most one at a time.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use oci::{Algorithm, Digester};

use super::{
    UploadError, disk,
    fs::{metadata, modified},
    upload::Held,
};

/// The longest id of an upload, bytes.
const MAX_ID: usize = 64;

/// The open uploads in one directory. The files are the truth; this remembers the rest.
#[derive(Debug)]
pub(super) struct Slots {
    pub(super) dir: PathBuf,
    open: Mutex<HashMap<String, Slot>>,
}

#[derive(Debug)]
struct Slot {
    offset: u64,
    sha256: Option<Digester>,
    held: bool,
}

impl Slot {
    /// Begins to follow a file of `len` bytes; only an empty one's running digest is known.
    fn found(len: u64) -> Self {
        Self {
            offset: len,
            sha256: (len == 0).then(|| Digester::new(Algorithm::Sha256)),
            held: false,
        }
    }
}

impl Slots {
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            open: Mutex::default(),
        }
    }

    /// Returns the file of the upload `id`, which must be a plain name.
    pub(super) fn path(&self, id: &str) -> Result<PathBuf, UploadError> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(legal) {
            return Err(UploadError::Id(id.chars().take(MAX_ID).collect()));
        }
        Ok(self.dir.join(id))
    }

    /// Takes the upload `id` until the result is dropped. Blocks for a look at the file.
    pub(super) fn hold(self: &Arc<Self>, id: &str) -> Result<Held, UploadError> {
        let path = self.path(id)?;
        let mut open = self.lock();
        if open.get(id).is_some_and(|slot| slot.held) {
            return Err(UploadError::Busy(id.to_owned()));
        }
        let Some(meta) = metadata(&path)? else {
            open.remove(id);
            return Err(UploadError::Unknown(id.to_owned()));
        };
        let slot = open
            .entry(id.to_owned())
            .or_insert_with(|| Slot::found(meta.len()));
        if slot.offset != meta.len() {
            // A write failed and could not be undone, or the file was changed under us.
            *slot = Slot::found(meta.len());
        }
        slot.held = true;
        Ok(Held {
            slots: Arc::clone(self),
            id: id.to_owned(),
            path,
            offset: slot.offset,
            sha256: slot.sha256.take(),
        })
    }

    /// Returns the bytes received, also while somebody holds the upload.
    pub(super) fn offset(&self, id: &str) -> Result<u64, UploadError> {
        let path = self.path(id)?;
        if let Some(slot) = self.lock().get(id).filter(|slot| slot.held) {
            return Ok(slot.offset);
        }
        let meta = metadata(&path)?.ok_or_else(|| UploadError::Unknown(id.to_owned()))?;
        Ok(meta.len())
    }

    /// Notes that the holder of `id` has got as far as `offset`.
    pub(super) fn advance(&self, id: &str, offset: u64) {
        if let Some(slot) = self.lock().get_mut(id) {
            slot.offset = offset;
        }
    }

    /// Takes the upload back from its holder, or forgets it if its file is gone.
    pub(super) fn free(&self, held: &mut Held) {
        let mut open = self.lock();
        if held.path.exists() {
            let slot = Slot {
                offset: held.offset,
                sha256: held.sha256.take(),
                held: false,
            };
            open.insert(held.id.clone(), slot);
        } else {
            open.remove(&held.id);
        }
    }

    /// Removes the upload in `file` if it was last written before `older_than` and nobody holds it.
    pub(super) fn sweep(
        self: &Arc<Self>,
        file: &Path,
        older_than: DateTime<Utc>,
    ) -> Result<bool, UploadError> {
        let id = file.file_name().unwrap_or_default().to_string_lossy();
        let held = match self.hold(&id) {
            Ok(held) => held,
            Err(UploadError::Disk(error)) => return Err(error.into()),
            // In use, gone by now, or no upload of ours.
            Err(_) => return Ok(false),
        };
        let old = metadata(file)?.is_some_and(|meta| modified(&meta) < older_than);
        if old {
            disk::remove(&held.path)?;
        }
        Ok(old)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        // No panic can leave the map half changed.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
