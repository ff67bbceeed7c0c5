//! The connection: SQLite and PostgreSQL behind one transaction type, with native types
//! on both. Every statement is a literal given to one of the macros below, which also
//! list it, so that one test prepares all of them on both databases.

use std::{path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    Connection, PgConnection, PgPool,
    pool::PoolConnectionMetadata,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    StoreError, search,
    session::{PostgresTx, Readers, SqliteFile, SqliteTx},
    stamp::{Stamp, Stamps},
    wal::Wal,
};

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL address.
    Postgres(String),
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path))),
            _ => Err(StoreError::Address(text.to_owned())),
        }
    }
}

/// An open database.
#[derive(Debug, Clone)]
pub enum Database {
    /// A file.
    Sqlite(SqliteFile),
    /// A PostgreSQL server.
    Postgres(PgPool),
}

/// How many connections to the database there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSize {
    /// Open ones.
    pub open: u32,
    /// Open ones that nobody uses.
    pub idle: u32,
    /// Most that may be open.
    pub most: u32,
}

impl PoolSize {
    pub(crate) fn of<DB: sqlx::Database>(pool: &sqlx::Pool<DB>) -> Self {
        Self {
            open: pool.size(),
            idle: u32::try_from(pool.num_idle()).unwrap_or(u32::MAX),
            most: pool.options().get_max_connections(),
        }
    }
}

/// A transaction on either database; dropped without `commit` it is undone.
#[derive(Debug)]
pub enum Tx {
    /// On SQLite.
    Sqlite(SqliteTx),
    /// On PostgreSQL.
    Postgres(PostgresTx),
}

impl Database {
    /// Opens the database, makes it where it is a file that is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// It cannot be reached, or a migration fails.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let db = match url {
            DatabaseUrl::Sqlite(path) => Self::open_sqlite(path).await,
            DatabaseUrl::Postgres(address) => Self::open_postgres(address).await,
        }?;
        search::learn_old(&db).await?;
        Ok(db)
    }

    async fn open_sqlite(path: &std::path::Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Open {
            address: path.display().to_string(),
            source,
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // `Tx::commit` flushes the log itself, once for all that wait.
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .statement_cache_capacity(256)
            // PostgreSQL's name for byte order, so that one text orders alike on both.
            .collation("C", |a, b| a.as_bytes().cmp(b.as_bytes()))
            .busy_timeout(Duration::from_secs(10));
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            // A full disk makes SQLite undo a transaction by itself, of which sqlx never
            // learns: the connection would refuse every transaction after it.
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
            // A file does not go away as a server does.
            .test_before_acquire(false)
            .connect_with(options.clone())
            .await
            .map_err(failed)?;
        sqlx::migrate!("./migrations").run(&writer).await?;
        let readers = Readers::open(&options.read_only(true))
            .await
            .map_err(failed)?;
        Ok(Self::Sqlite(SqliteFile {
            readers,
            writer,
            wal: Arc::new(Wal::of(path)),
            stamps: Stamps::open(path).map_err(|error| failed(error.into()))?,
        }))
    }

    async fn open_postgres(address: &str) -> Result<Self, StoreError> {
        let hide = |source| StoreError::Open {
            address: without_password(address),
            source,
        };
        let options = PgConnectOptions::from_str(address).map_err(hide)?;
        let pool = PgPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(Duration::from_secs(10))
            .test_before_acquire(false)
            .before_acquire(|connection, about| Box::pin(still_there(connection, about)))
            .connect_with(options)
            .await
            .map_err(|source| StoreError::Open {
                address: without_password(address),
                source,
            })?;
        sqlx::migrate!("./migrations").run(&pool).await?;
        Ok(Self::Postgres(pool))
    }

    /// Starts a transaction that may write.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(file) => Tx::Sqlite(file.begin().await?),
            Self::Postgres(pool) => Tx::Postgres(PostgresTx::Writing(pool.begin().await?)),
        })
    }

    /// Takes a connection that only reads. Each statement sees what was committed before it.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(file) => Tx::Sqlite(file.read().await?),
            Self::Postgres(pool) => Tx::Postgres(PostgresTx::Reading(pool.acquire().await?)),
        })
    }

    /// Returns what is another after every commit, of whatever process; nothing where that
    /// cannot be told without asking the database.
    pub fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::Sqlite(file) => file.stamps.now(),
            Self::Postgres(_) => None,
        }
    }

    /// Returns how many connections there are.
    pub fn pool(&self) -> PoolSize {
        match self {
            Self::Sqlite(file) => file.size(),
            Self::Postgres(pool) => PoolSize::of(pool),
        }
    }

    /// Closes all connections, writing out what SQLite still holds beside its file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(file) => file.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Makes the changes visible, and returns when they are durable.
    ///
    /// # Errors
    /// The database refused, and nothing is changed; or the disk refused to flush, and the
    /// changes may or may not outlive a crash.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

/// Asks a connection that nobody used for a while whether its server is still there; one that
/// was used a moment ago need not be asked before every statement.
async fn still_there(
    connection: &mut PgConnection,
    about: PoolConnectionMetadata,
) -> Result<bool, sqlx::Error> {
    if about.idle_for < Duration::from_secs(2) {
        return Ok(true);
    }
    connection.ping().await.map(|()| true)
}

fn without_password(address: &str) -> String {
    match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 < at => {
            format!("{}…{}", &address[..scheme + 3], &address[at..])
        }
        _ => address.to_owned(),
    }
}

/// A statement of this crate and where it stands.
#[derive(Debug)]
pub struct Statement {
    /// The text for SQLite.
    pub sqlite: &'static str,
    /// The text for PostgreSQL.
    pub postgres: &'static str,
    /// File and line.
    pub place: &'static str,
}

#[cfg(debug_assertions)]
statements::collect!(Statement);

/// Returns every statement of this crate; empty in release builds.
pub fn statements_of_this_crate() -> Vec<&'static Statement> {
    #[cfg(debug_assertions)]
    return statements::iter::<Statement>.into_iter().collect();
    #[cfg(not(debug_assertions))]
    return Vec::new();
}

/// Lists a statement for the test that prepares all of them.
macro_rules! list_statement {
    ($sqlite:expr, $postgres:expr) => {
        #[cfg(debug_assertions)]
        statements::submit! {
            $crate::db::Statement { sqlite: $sqlite, postgres: $postgres, place: concat!(file!(), ":", line!()) }
        }
    };
}

/// Runs `$run` on whichever database the transaction is on.
/// The text is one literal, or `[sqlite, postgres]` where the engines truly differ.
macro_rules! on_both {
    ($tx:expr, $query:ident $(::<$row:ty>)?, [$sqlite:expr, $postgres:expr], $run:ident $(, $bind:expr)*) => {{
        $crate::db::list_statement!($sqlite, $postgres);
        match $tx {
            $crate::Tx::Sqlite(c) => sqlx::$query$(::<_, $row>)?($sqlite)$(.bind($bind))*.$run(&mut **c).await.map_err($crate::StoreError::from),
            $crate::Tx::Postgres(c) => sqlx::$query$(::<_, $row>)?($postgres)$(.bind($bind))*.$run(&mut **c).await.map_err($crate::StoreError::from),
        }
    }};
}

/// Changes rows; gives how many.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {{
        $crate::db::list_statement!($sql, $sql);
        match $tx {
            $crate::Tx::Sqlite(c) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **c).await.map(|done| done.rows_affected()).map_err($crate::StoreError::from),
            $crate::Tx::Postgres(c) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **c).await.map(|done| done.rows_affected()).map_err($crate::StoreError::from),
        }
    }};
}

/// Gives one row, or none.
macro_rules! fetch_opt {
    ($tx:expr, $row:ty, [$sqlite:expr, $postgres:expr] $(, $bind:expr)* $(,)?) => {
        $crate::db::on_both!($tx, query_as::<$row>, [$sqlite, $postgres], fetch_optional $(, $bind)*)
    };
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::db::on_both!($tx, query_as::<$row>, [$sql, $sql], fetch_optional $(, $bind)*)
    };
}

/// Gives all rows.
macro_rules! fetch_all {
    ($tx:expr, $row:ty, [$sqlite:expr, $postgres:expr] $(, $bind:expr)* $(,)?) => {
        $crate::db::on_both!($tx, query_as::<$row>, [$sqlite, $postgres], fetch_all $(, $bind)*)
    };
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::db::on_both!($tx, query_as::<$row>, [$sql, $sql], fetch_all $(, $bind)*)
    };
}

/// Gives the first column of the one row there must be.
macro_rules! fetch_scalar {
    ($tx:expr, $value:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::db::on_both!($tx, query_scalar::<$value>, [$sql, $sql], fetch_one $(, $bind)*)
    };
}

pub(crate) use {execute, fetch_all, fetch_opt, fetch_scalar, list_statement, on_both};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_passwords_hidden() {
        assert!(matches!(
            "sqlite:/x/y.db".parse(),
            Ok(DatabaseUrl::Sqlite(_))
        ));
        assert!(matches!(
            "postgres://u:p@h/d".parse(),
            Ok(DatabaseUrl::Postgres(_))
        ));
        assert!("mysql://x".parse::<DatabaseUrl>().is_err());
        assert_eq!(
            without_password("postgres://u:secret@h/d"),
            "postgres://…@h/d"
        );
    }
}
