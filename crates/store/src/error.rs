//! What can go wrong with the database.

/// An error of the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address of a database has no known form.
    #[error("`{0}` is no database address: use `sqlite:PATH` or `postgres://USER@HOST/NAME`")]
    Address(String),
    /// A database could not be opened.
    #[error("the database {address} cannot be opened")]
    Open {
        /// Which, without a password.
        address: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The schema could not be brought up to date.
    #[error("the database schema cannot be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("a database statement failed")]
    Statement(#[from] sqlx::Error),
    /// A collection is deleting the bytes of a blob that nobody had, or did so a moment ago.
    #[error(
        "the bytes of blob {0} were unused and are being deleted at this moment: send them again in a few seconds"
    )]
    BeingCollected(String),
    /// The blobs cannot be looked at.
    #[error(transparent)]
    Blob(#[from] crate::blobs::BlobError),
    /// Stored content cannot be read back.
    #[error("stored {what} cannot be read: {reason}")]
    Corrupt {
        /// What it should have been.
        what: &'static str,
        /// Why it is not.
        reason: String,
    },
}

impl StoreError {
    /// Returns whether a uniqueness rule refused the row.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Statement(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    /// Returns whether a text holds NUL, which PostgreSQL cannot store.
    pub fn is_nul(&self) -> bool {
        // character_not_in_repertoire in a text, untranslatable_character in JSON.
        matches!(self, Self::Statement(sqlx::Error::Database(error))
            if error.code().is_some_and(|code| code == "22021" || code == "22P05"))
    }

    /// Returns whether the database is too busy or out of reach, so that the same may succeed later.
    pub fn is_busy(&self) -> bool {
        use std::io::ErrorKind;
        // SQLITE_BUSY is 5; PostgreSQL's too_many_connections, admin_shutdown,
        // cannot_connect_now, lock_not_available, serialization_failure and deadlock_detected.
        const CODES: [&str; 7] = ["5", "53300", "57P01", "57P03", "55P03", "40001", "40P01"];
        match self {
            Self::Statement(sqlx::Error::PoolTimedOut) => true,
            Self::Statement(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| CODES.contains(&&*code))
            }
            Self::Statement(sqlx::Error::Io(error)) => matches!(
                error.kind(),
                ErrorKind::ConnectionRefused
                    | ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::TimedOut
                    | ErrorKind::UnexpectedEof
            ),
            _ => false,
        }
    }

    /// Returns whether the disk or the database's quota is full.
    pub fn is_full(&self) -> bool {
        match self {
            // SQLITE_FULL is 13, PostgreSQL's disk_full is 53100.
            Self::Statement(sqlx::Error::Database(error)) => error
                .code()
                .is_some_and(|code| code == "13" || code == "53100"),
            Self::Statement(sqlx::Error::Io(error)) => {
                error.kind() == std::io::ErrorKind::StorageFull
            }
            _ => false,
        }
    }
}
