//! Commits of SQLite made durable many at a time.
//!
//! With `synchronous = NORMAL` a commit is complete in the write-ahead log and seen by every
//! reader, but not yet flushed (SQLite, "Write-Ahead Logging", section 3). Whoever committed
//! waits here for one flush of the log, which serves everybody who committed before it began.
//! The log is in order, so what was built on somebody else's commit never outlives it. Where
//! SQLite moves the log into the database it flushes both by itself.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Mutex;

/// The write-ahead log of one database file.
#[derive(Debug)]
pub struct Wal {
    path: PathBuf,
    /// Commits so far.
    committed: AtomicU64,
    /// Held while the log is flushed.
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// How many commits are durable.
    durable: u64,
    /// Whether a flush failed: the system then forgets what it could not write, and later
    /// commits would stand behind a gap, where no recovery finds them.
    broken: bool,
}

impl Wal {
    /// Names the log of the database in `path`.
    pub(crate) fn of(path: &Path) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Self {
            path: log.into(),
            committed: AtomicU64::new(0),
            state: Arc::default(),
        }
    }

    /// Returns when everything committed before the call is on disk.
    ///
    /// # Errors
    /// The disk refused: what was committed may or may not survive.
    pub(crate) async fn flush(&self) -> io::Result<()> {
        let mine = self.committed.fetch_add(1, Ordering::SeqCst) + 1;
        let mut state = Arc::clone(&self.state).lock_owned().await;
        if state.durable >= mine {
            return Ok(());
        }
        if state.broken {
            return Err(io::Error::other(
                "an earlier flush of the database's log failed: restart the server",
            ));
        }
        let reached = self.committed.load(Ordering::SeqCst);
        let path = self.path.clone();
        // What it comes to is noted even if nobody waits for it any more.
        let flushed = tokio::task::spawn_blocking(move || {
            let flushed = sync(&path);
            match flushed {
                Ok(()) => state.durable = reached,
                Err(_) => state.broken = true,
            }
            flushed
        });
        flushed.await.map_err(io::Error::other)?
    }
}

fn sync(log: &Path) -> io::Result<()> {
    match File::open(log) {
        Ok(log) => log.sync_data(),
        // The last connection to close moved everything into the database.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[tokio::test]
    async fn one_flush_serves_all_who_wait() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("test.db");
        let wal = Arc::new(Wal::of(&file));
        wal.flush()
            .await
            .expect("no log is as good as an empty one");
        std::fs::write(dir.path().join("test.db-wal"), b"frames").expect("written");
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let wal = Arc::clone(&wal);
                tokio::spawn(async move { wal.flush().await })
            })
            .collect();
        for flush in waiting {
            flush.await.expect("no panic").expect("flushed");
        }
        assert_eq!(wal.state.lock().await.durable, 51);
    }

    #[tokio::test]
    async fn a_log_that_cannot_be_flushed_is_an_error() {
        let dir = tempfile::tempdir().expect("a folder");
        let wal = Wal::of(&dir.path().join("missing\0name"));
        wal.flush().await.expect_err("no such file can be");
        let again = wal
            .flush()
            .await
            .expect_err("nothing is trusted after that");
        assert!(again.to_string().contains("restart"), "{again}");
    }

    #[tokio::test]
    async fn a_failure_that_nobody_waited_for_is_remembered() {
        let dir = tempfile::tempdir().expect("a folder");
        let wal = Wal::of(&dir.path().join("missing\0name"));
        {
            let mut flush = std::pin::pin!(wal.flush());
            // Begun and given up.
            drop(futures_util::poll!(flush.as_mut()));
        }
        let after = wal
            .flush()
            .await
            .expect_err("nothing is trusted after that");
        assert!(after.to_string().contains("restart"), "{after}");
    }
}
