//! Whether a SQLite database has changed, without asking it.
//!
//! In WAL mode every commit, of whatever process, changes the header of the index of the log
//! (the `-shm` file), and readers compare that header with the one they know to learn whether
//! what they keep is still true (SQLite, "WAL-mode File Format", section 2.1). The same
//! comparison, done here with one small read of a file that is in memory, tells whether the
//! answer to an earlier query would be the same now.

use std::{fs::File, io, os::unix::fs::FileExt as _, path::Path};

/// Bytes of the header, which stands there twice in a row.
const HEADER: usize = 48;

/// A state of the database; another commit, another stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp([u8; HEADER]);

/// Where the stamps of one database file are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamps(&'static File);

impl Stamps {
    /// Opens the index of the log of the database in `path`, whose log is in use.
    ///
    /// # Errors
    /// There is no index.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut index = path.as_os_str().to_owned();
        index.push("-shm");
        let file = File::open(Path::new(&index))?;
        // Closing any handle on a file takes away all POSIX locks that the process has on it
        // (POSIX, `close`), and SQLite locks this one. So it is never closed.
        Ok(Self(Box::leak(Box::new(file))))
    }

    /// Returns the present stamp; none while a commit is changing it.
    pub(crate) fn now(self) -> Option<Stamp> {
        let mut both = [0; 2 * HEADER];
        self.0.read_exact_at(&mut both, 0).ok()?;
        let (first, second) = both.split_at(HEADER);
        let stamp = first.try_into().ok()?;
        (first == second).then_some(Stamp(stamp))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Database, DatabaseUrl};

    #[tokio::test]
    async fn a_commit_of_anybody_changes_the_stamp_and_nothing_else_does() {
        let dir = tempfile::tempdir().expect("a folder");
        let url = DatabaseUrl::Sqlite(dir.path().join("market.db"));
        let ours = Database::open(&url).await.expect("a database");
        let theirs = Database::open(&url).await.expect("a database");
        let mut tx = ours.read().await.expect("a reader");
        let before = ours.stamp();
        assert!(before.is_some());
        crate::settings::find(&mut tx, "a").await.expect("a look");
        drop(ours.begin().await.expect("a transaction that is undone"));
        assert_eq!(ours.stamp(), before);
        for (database, value) in [(&theirs, "b"), (&ours, "c")] {
            let before = ours.stamp();
            let mut tx = database.begin().await.expect("a transaction");
            crate::settings::set(&mut tx, "a", value)
                .await
                .expect("set");
            assert_eq!(ours.stamp(), before, "nothing is committed yet");
            tx.commit().await.expect("a commit");
            assert_ne!(ours.stamp(), before);
            assert_eq!(ours.stamp(), theirs.stamp());
        }
    }
}
