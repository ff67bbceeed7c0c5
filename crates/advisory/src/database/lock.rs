//! Two updates of one database at once would undo each other's work: the second is refused.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Held while a database is updated; the system gives it back when its holder ends, however.
#[derive(Debug)]
pub struct UpdateLock {
    _file: File,
}

/// Why an update cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another update is running.
    #[error("another update of {path} is running; it stays in use until that one has finished")]
    Busy {
        /// Which database.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot make the lock file {path}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl UpdateLock {
    /// Takes the lock of the database at `path`, which is a file beside it.
    ///
    /// # Errors
    /// Somebody else has it, or the file cannot be made.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = PathBuf::from(name);
        let error = |source| LockError::Write {
            path: lock.clone(),
            source,
        };
        let options = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock);
        let file = options.map_err(error)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Busy {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(error(source)),
        }
    }
}
