//! Keeps the deletion of an old blob and the arrival of a new one under its name apart,
//! among threads and among processes on one data folder.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::BlobError;

/// A lock on a file: many may pass at once, or one has it closed. Both last microseconds.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    path: Arc<PathBuf>,
}

/// Whoever has this has passed or closed the gate; it ends when dropped.
#[derive(Debug)]
pub(super) struct Pass {
    _locked: File,
}

impl Gate {
    /// Makes the gate's file if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, BlobError> {
        File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(BlobError::io("create", path))?;
        Ok(Self {
            path: Arc::new(path.to_owned()),
        })
    }

    /// Holds the gate open, to give a blob its name.
    pub(super) fn pass(&self) -> Result<Pass, BlobError> {
        self.lock(File::lock_shared)
    }

    /// Closes the gate, to look at a blob and remove it.
    pub(super) fn close(&self) -> Result<Pass, BlobError> {
        self.lock(File::lock)
    }

    /// Opens the file anew: locks are one for each opening, so threads exclude each other too.
    fn lock(&self, how: fn(&File) -> std::io::Result<()>) -> Result<Pass, BlobError> {
        let file = File::open(&*self.path).map_err(BlobError::io("open", &self.path))?;
        how(&file).map_err(BlobError::io("lock", &self.path))?;
        Ok(Pass { _locked: file })
    }
}
