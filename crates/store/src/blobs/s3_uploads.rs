//! Uploads into a bucket: parts go there as they fill, the rest is noted in the database.
//!
//! What is too little for a part when a request ends goes into the row, or into an object
//! that the row names. So any server goes on with any upload. A lease in the row says which
//! request has it; a server that lost its lease can change nothing any more, because rows
//! are written under the lease only and parts count by the tags in the row.
//!
//! Memory: up to 256 KiB an upload, and up to [`PARTS_AT_ONCE`] parts on their way over all.
//! What fills up, however slowly, does so in a local file.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt;
use oci::{Digest, Digester};
use sqlx::types::Json;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::{
    ByteStream, NewUpload, Piece, S3Blobs, UploadError, UploadKey, Uploads, disk::joined,
    s3_upload::Held, uploads::StreamError,
};
use crate::{Database, StoreError, uploads::UploadRow};

/// How long a request has an upload after it was last heard of.
pub(super) const LEASE: Duration = Duration::from_secs(10);
/// How long a request waits for another one that has the upload: longer than a lease, so that
/// the upload of a server that was killed is taken over.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Parts in memory at once, on their way, over all uploads of a server.
const PARTS_AT_ONCE: usize = 8;

/// Uploads on their way into a [`S3Blobs`].
#[derive(Clone)]
pub struct S3Uploads {
    pub(super) blobs: S3Blobs,
    pub(super) db: Database,
    clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    room: Arc<Semaphore>,
    /// Names the requests of this server.
    node: Arc<str>,
    requests: Arc<AtomicU64>,
}

impl fmt::Debug for S3Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Uploads")
            .field("blobs", &self.blobs)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

impl S3Uploads {
    /// Sets up uploads by a server called `node`, a name that no other one has or ever had.
    pub fn new(
        blobs: &S3Blobs,
        db: Database,
        clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
        node: &str,
    ) -> Self {
        Self {
            blobs: blobs.clone(),
            db,
            clock,
            room: Arc::new(Semaphore::new(PARTS_AT_ONCE)),
            node: node.into(),
            requests: Arc::default(),
        }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    fn lease(&self) -> DateTime<Utc> {
        self.now() + TimeDelta::from_std(LEASE).unwrap_or_default()
    }

    fn holder(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.node)
    }

    /// Waits for room for a part in memory.
    pub(super) async fn room(&self) -> OwnedSemaphorePermit {
        let room = Arc::clone(&self.room).acquire_owned().await;
        room.expect("the semaphore is never closed")
    }

    pub(super) async fn renew(&self, id: &str, holder: &str) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        let renewed = crate::uploads::renew(&mut tx, id, holder, self.lease()).await?;
        tx.commit().await?;
        Ok(renewed)
    }

    pub(super) async fn release(&self, id: &str, holder: &str) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        crate::uploads::release(&mut tx, id, holder).await?;
        tx.commit().await
    }

    /// Tries to take an upload.
    async fn try_take(
        &self,
        key: &UploadKey,
        holder: &str,
    ) -> Result<Option<UploadRow>, UploadError> {
        let (repository, id) = (key.repository.as_str(), key.id.as_str());
        let mut tx = self.db.begin().await?;
        let (now, until) = (self.now(), self.lease());
        let taken = crate::uploads::take(&mut tx, (repository, id), holder, now, until).await?;
        let row = crate::uploads::find(&mut tx, repository, id).await?;
        tx.commit().await?;
        let row = row.ok_or_else(|| UploadError::Unknown(id.to_owned()))?;
        Ok(taken.then_some(row))
    }

    /// Takes an upload as soon as it is free. Goes on even if the caller goes away: only what
    /// was taken to the end is given back by its drop.
    async fn take(&self, key: &UploadKey) -> Result<Held, UploadError> {
        let (uploads, key) = (self.clone(), key.clone());
        joined(tokio::spawn(async move { uploads.wait_for(&key).await }).await)
    }

    async fn wait_for(&self, key: &UploadKey) -> Result<Held, UploadError> {
        let (holder, end) = (self.holder(), Instant::now() + PATIENCE);
        loop {
            if let Some(row) = self.try_take(key, &holder).await? {
                return Held::resume(self.clone(), row).await;
            }
            if Instant::now() > end {
                return Err(UploadError::Busy(key.id.to_string()));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn take_at(&self, key: &UploadKey, at: Option<u64>) -> Result<Held, UploadError> {
        let held = self.take(key).await?;
        let actual = held.offset();
        match at {
            Some(expected) if expected != actual => {
                held.release().await?;
                let id = key.id.to_string();
                Err(UploadError::Offset {
                    id,
                    expected,
                    actual,
                })
            }
            _ => Ok(held),
        }
    }

    /// Keeps what arrived of a stream that broke.
    async fn broken(held: Held, source: StreamError) -> Result<u64, UploadError> {
        let id = held.row.id.clone();
        let offset = held.keep().await?;
        Err(UploadError::Stream { id, offset, source })
    }

    /// Drops an upload with everything of it but a blob that it became.
    pub(super) async fn drop_upload(&self, row: &UploadRow) -> Result<(), UploadError> {
        let holder = row.holder.as_deref().unwrap_or_default();
        if let (Some(object), Some(multipart)) = (&row.object, &row.multipart) {
            // Another server may have gone on, and its parts are none of ours.
            if !self.renew(&row.id, holder).await? {
                return Err(UploadError::Busy(row.id.clone()));
            }
            // The row goes after them: without it nobody would find them any more.
            self.blobs.abort_parts(object, multipart).await?;
        }
        let mut tx = self.db.begin().await?;
        crate::uploads::delete(&mut tx, &row.id, holder).await?;
        tx.commit().await?;
        let own = row.object.clone();
        let own = own.filter(|name| name.starts_with("uploads/"));
        for object in [own, row.tail_object.clone()] {
            self.blobs.drop_object(object).await;
        }
        Ok(())
    }

    /// Drops the uploads that nobody goes on with; returns how many.
    async fn sweep_rows(&self, older_than: DateTime<Utc>) -> Result<usize, UploadError> {
        let mut dropped = 0;
        loop {
            let mut tx = self.db.read().await?;
            let rows = crate::uploads::abandoned(&mut tx, older_than, self.now()).await?;
            drop(tx);
            if rows.is_empty() {
                return Ok(dropped);
            }
            for mut row in rows {
                let holder = self.holder();
                let mut tx = self.db.begin().await?;
                let of = (row.repository.as_str(), row.id.as_str());
                let (now, until) = (self.now(), self.lease());
                let taken = crate::uploads::take(&mut tx, of, &holder, now, until).await?;
                tx.commit().await?;
                if taken {
                    row.holder = Some(holder);
                    self.drop_upload(&row).await?;
                    dropped += 1;
                }
            }
        }
    }

    /// Drops objects of uploads that are no more: a server was killed before it could.
    async fn sweep_objects(&self, older_than: DateTime<Utc>) -> Result<(), UploadError> {
        let mut objects = self.blobs.list_objects("uploads");
        while let Some((name, modified)) = objects.try_next().await? {
            let id = name.split('/').nth(1).unwrap_or_default();
            if modified >= older_than {
                continue;
            }
            let mut tx = self.db.read().await?;
            let known = crate::uploads::exists(&mut tx, id).await?;
            drop(tx);
            if !known {
                self.blobs.drop_object(Some(name)).await;
            }
        }
        Ok(())
    }

    fn row(&self, id: String, account: &str, digester: &Digester) -> UploadRow {
        let now = self.now();
        UploadRow {
            id,
            repository: String::new(),
            account_id: account.to_owned(),
            started_at: now,
            touched_at: now,
            algorithm: digester.algorithm().as_str().to_owned(),
            received: 0,
            hash: digester.save(),
            object: None,
            multipart: None,
            parts: Json(Vec::new()),
            tail: None,
            tail_object: None,
            holder: None,
            held_until: None,
        }
    }
}

#[async_trait]
impl Uploads for S3Uploads {
    async fn begin(&self, upload: &NewUpload) -> Result<(), UploadError> {
        let digester = Digester::new(upload.algorithm);
        let row = UploadRow {
            repository: upload.key.repository.to_string(),
            started_at: upload.started,
            ..self.row(upload.key.id.to_string(), &upload.account, &digester)
        };
        let mut tx = self.db.begin().await?;
        crate::uploads::create(&mut tx, &row).await?;
        Ok(tx.commit().await?)
    }

    async fn offset(&self, key: &UploadKey) -> Result<u64, UploadError> {
        let (repository, id) = (key.repository.as_str(), key.id.as_str());
        let mut tx = self.db.read().await?;
        let row = crate::uploads::find(&mut tx, repository, id).await?;
        let row = row.ok_or_else(|| UploadError::Unknown(id.to_owned()))?;
        Ok(row.received.unsigned_abs())
    }

    async fn append(&self, key: &UploadKey, piece: Piece) -> Result<u64, UploadError> {
        let mut held = self.take_at(key, piece.at).await?;
        match held.receive(piece.bytes, piece.limit).await? {
            Ok(()) => held.keep().await,
            Err(source) => Self::broken(held, source).await,
        }
    }

    async fn finish(
        &self,
        key: &UploadKey,
        piece: Piece,
        digest: &Digest,
    ) -> Result<u64, UploadError> {
        let mut held = self.take_at(key, piece.at).await?;
        held.expect(digest);
        if let Err(source) = held.receive(piece.bytes, piece.limit).await? {
            return Self::broken(held, source).await;
        }
        let size = held.offset();
        let Some(found) = held.assemble(digest).await? else {
            held.forget().await?;
            return Ok(size);
        };
        if held.row.multipart.is_some() || held.row.object.is_none() {
            held.keep().await?;
        } else {
            // Its parts had to be put together to be hashed another way; nothing can follow.
            held.forget().await?;
        }
        Err(UploadError::Digest {
            id: key.id.to_string(),
            expected: digest.clone(),
            found,
        })
    }

    async fn put(
        &self,
        digest: &Digest,
        bytes: ByteStream,
        limit: u64,
    ) -> Result<u64, UploadError> {
        let (holder, digester) = (self.holder(), Digester::new(digest.algorithm()));
        let id = format!("put-{holder}");
        let row = UploadRow {
            object: Some(self.blobs.name(digest)),
            holder: Some(holder),
            held_until: Some(self.lease()),
            ..self.row(id.clone(), "", &digester)
        };
        let mut held = Held::new(self.clone(), row, digester);
        let received = held.receive(bytes, limit).await;
        let size = held.offset();
        let outcome = match received {
            Ok(Ok(())) => held.assemble(digest).await,
            Ok(Err(source)) => Err(UploadError::Stream {
                id: id.clone(),
                offset: 0,
                source,
            }),
            Err(error) => Err(error),
        };
        held.forget().await?;
        match outcome? {
            None => Ok(size),
            Some(found) => Err(UploadError::Digest {
                id,
                expected: digest.clone(),
                found,
            }),
        }
    }

    async fn cancel(&self, key: &UploadKey) -> Result<(), UploadError> {
        self.take(key).await?.forget().await
    }

    async fn count(&self) -> Result<i64, UploadError> {
        let mut tx = self.db.read().await?;
        Ok(crate::uploads::count(&mut tx).await?)
    }

    async fn count_of(&self, account: &str) -> Result<i64, UploadError> {
        let mut tx = self.db.read().await?;
        Ok(crate::uploads::count_of(&mut tx, account).await?)
    }

    async fn sweep(&self, older_than: DateTime<Utc>) -> Result<usize, UploadError> {
        let dropped = self.sweep_rows(older_than).await?;
        self.sweep_objects(older_than).await?;
        Ok(dropped)
    }
}
