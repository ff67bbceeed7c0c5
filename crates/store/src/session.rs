//! Connections in use. Writing goes through a transaction. Reading does without one: each
//! statement sees one state of the database anyhow, and the round trips are saved.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

use sqlx::{
    ConnectOptions, Connection, PgConnection, Postgres, Sqlite, SqliteConnection, SqlitePool,
    Transaction, pool::PoolConnection, sqlite::SqliteConnectOptions,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{db::PoolSize, stamp::Stamps, wal::Wal};

/// Connections that read at once; further readers wait.
const READERS: u32 = 4;

/// An open SQLite file: several readers, and one writer, so that writers queue instead of failing.
#[derive(Debug, Clone)]
pub struct SqliteFile {
    pub(crate) readers: Arc<Readers>,
    pub(crate) writer: SqlitePool,
    pub(crate) wal: Arc<Wal>,
    pub(crate) stamps: Stamps,
}

impl SqliteFile {
    pub(crate) async fn begin(&self) -> Result<SqliteTx, sqlx::Error> {
        let transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        Ok(SqliteTx::Writing(transaction, Arc::clone(&self.wal)))
    }

    pub(crate) async fn read(&self) -> Result<SqliteTx, sqlx::Error> {
        Ok(SqliteTx::Reading(self.readers.take().await?))
    }

    pub(crate) fn size(&self) -> PoolSize {
        let writer = PoolSize::of(&self.writer);
        PoolSize {
            open: writer.open + READERS,
            idle: writer.idle + u32::try_from(self.readers.free.available_permits()).unwrap_or(0),
            most: writer.most + READERS,
        }
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// The connections that read. sqlx's pool asks a connection whether it is alive each time it
/// comes back, which is as much work as a look-up; a file is always there.
#[derive(Debug)]
pub(crate) struct Readers {
    idle: Mutex<Vec<SqliteConnection>>,
    free: Arc<Semaphore>,
}

impl Readers {
    pub(crate) async fn open(options: &SqliteConnectOptions) -> Result<Arc<Self>, sqlx::Error> {
        let mut idle = Vec::new();
        for _ in 0..READERS {
            idle.push(options.connect().await?);
        }
        Ok(Arc::new(Self {
            idle: Mutex::new(idle),
            free: Arc::new(Semaphore::new(READERS as usize)),
        }))
    }

    async fn take(self: &Arc<Self>) -> Result<Reader, sqlx::Error> {
        let turn = Arc::clone(&self.free)
            .acquire_owned()
            .await
            .map_err(|_closed| sqlx::Error::PoolClosed)?;
        let connection = self.idle().pop();
        Ok(Reader {
            connection: Some(connection.expect("there are as many connections as turns")),
            home: Arc::clone(self),
            _turn: turn,
        })
    }

    /// Waits for all connections to come back and closes them; nobody gets one after that.
    async fn close(&self) {
        // An error says that they are closed already.
        drop(self.free.acquire_many(READERS).await);
        self.free.close();
        let connections = std::mem::take(&mut *self.idle());
        for connection in connections {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a database connection did not close well");
            }
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        // No panic can leave the list half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that reads; it goes back when this is dropped.
#[derive(Debug)]
pub struct Reader {
    connection: Option<SqliteConnection>,
    home: Arc<Readers>,
    _turn: OwnedSemaphorePermit,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let connection = self.connection.take();
        self.home.idle().extend(connection);
    }
}

/// A connection to SQLite in use.
#[derive(Debug)]
pub enum SqliteTx {
    /// Only reads.
    Reading(Reader),
    /// May write; undone unless it is committed. With the log that it is in then.
    Writing(Transaction<'static, Sqlite>, Arc<Wal>),
}

impl SqliteTx {
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Reading(_) => Ok(()),
            Self::Writing(transaction, wal) => {
                // Gives the connection to the next writer before the disk is waited for.
                transaction.commit().await?;
                Ok(wal.flush().await?)
            }
        }
    }
}

impl Deref for SqliteTx {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Reading(reader) => reader.connection.as_ref().expect("taken on drop only"),
            Self::Writing(transaction, _) => transaction,
        }
    }
}

impl DerefMut for SqliteTx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Reading(reader) => reader.connection.as_mut().expect("taken on drop only"),
            Self::Writing(transaction, _) => transaction,
        }
    }
}

/// A connection to PostgreSQL in use.
#[derive(Debug)]
pub enum PostgresTx {
    /// Only reads.
    Reading(PoolConnection<Postgres>),
    /// May write; undone unless it is committed.
    Writing(Transaction<'static, Postgres>),
}

impl PostgresTx {
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Reading(_) => Ok(()),
            Self::Writing(transaction) => transaction.commit().await,
        }
    }
}

impl Deref for PostgresTx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Reading(connection) => connection,
            Self::Writing(transaction) => transaction,
        }
    }
}

impl DerefMut for PostgresTx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Reading(connection) => connection,
            Self::Writing(transaction) => transaction,
        }
    }
}
