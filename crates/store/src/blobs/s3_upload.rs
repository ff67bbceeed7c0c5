//! One upload into a bucket in somebody's hands: exclusive by a lease until it is given back.

use bytes::Bytes;
use futures_util::StreamExt;
use object_store::multipart::PartId;
use oci::{Digest, Digester};
use tokio::{
    sync::OwnedSemaphorePermit,
    task::{AbortHandle, JoinHandle},
};

use super::{
    BlobError, ByteStream, UploadError,
    disk::joined,
    s3_tail::Tail,
    s3_uploads::{LEASE, S3Uploads},
    uploads::StreamError,
    verify,
};
use crate::{StoreError, uploads::UploadRow};

/// Bytes of a part. All but the last are of this size, which some services want.
pub(super) const PART: usize = 8 * 1024 * 1024;
/// The S3 API allows so many parts; an upload may have 80,000 MiB.
const MAX_PARTS: usize = 10_000;
/// So little is kept in the database rather than in an object.
const IN_ROW: usize = 64 * 1024;
/// After so many parts it is noted how far the upload is: as many are sent again after kill -9.
const CHECKPOINT: usize = 8;

/// An upload held by one request. One part of it fills while another one is sent.
pub(super) struct Held {
    uploads: S3Uploads,
    pub(super) row: UploadRow,
    digester: Digester,
    /// What is not in a part yet.
    tail: Tail,
    sending: Option<JoinHandle<Result<PartId, BlobError>>>,
    /// How far the digest was when the last part was full.
    full: (usize, Vec<u8>),
    /// Whether the database knows of the upload: what is put at once may not need that.
    noted: bool,
    renewing: Option<AbortHandle>,
    /// Whether the lease was given back.
    free: bool,
}

impl Held {
    /// Goes on with an upload whose lease the caller has.
    pub(super) async fn resume(uploads: S3Uploads, row: UploadRow) -> Result<Self, UploadError> {
        let algorithm = row.algorithm.parse().ok();
        let digester = algorithm.and_then(|algorithm| Digester::restore(algorithm, &row.hash));
        // Written by a version that hashes otherwise.
        let digester = digester.ok_or_else(|| UploadError::Unknown(row.id.clone()))?;
        let mut held = Self::new(uploads, row, digester);
        held.noted = true;
        held.renew();
        if let Some(tail) = &held.row.tail {
            held.tail.add(tail).await?;
        } else if let Some(object) = &held.row.tail_object {
            let _room = held.uploads.room().await;
            let tail = held.uploads.blobs.read_object(object).await?;
            held.tail.add(&tail).await?;
        }
        Ok(held)
    }

    /// Begins what is put at once, of which the database knows nothing yet.
    pub(super) fn new(uploads: S3Uploads, row: UploadRow, digester: Digester) -> Self {
        Self {
            tail: Tail::new(uploads.blobs.scratch_dir()),
            uploads,
            row,
            digester,
            sending: None,
            full: (0, Vec::new()),
            noted: false,
            renewing: None,
            free: false,
        }
    }

    /// Lets another digester run along, if nothing was received yet.
    pub(super) fn expect(&mut self, digest: &Digest) {
        if self.offset() == 0 {
            self.digester = Digester::new(digest.algorithm());
            self.row.hash = self.digester.save();
            self.row.algorithm = digest.algorithm().as_str().to_owned();
        }
    }

    /// Returns how many bytes there are, kept or in memory.
    pub(super) fn offset(&self) -> u64 {
        let parts = self.row.parts.len() + usize::from(self.sending.is_some());
        (parts * PART + self.tail.len()) as u64
    }

    /// Takes everything from `stream`; returns how it ended.
    pub(super) async fn receive(
        &mut self,
        mut stream: ByteStream,
        limit: u64,
    ) -> Result<Result<(), StreamError>, UploadError> {
        let limit = limit.min((PART * MAX_PARTS) as u64);
        while let Some(next) = stream.next().await {
            let piece = match next {
                Ok(piece) => piece,
                Err(error) => return Ok(Err(error)),
            };
            if self.offset() + piece.len() as u64 > limit {
                let id = self.row.id.clone();
                return Err(UploadError::TooLarge { id, limit });
            }
            self.add(piece).await?;
        }
        Ok(Ok(()))
    }

    async fn add(&mut self, mut piece: Bytes) -> Result<(), UploadError> {
        while !piece.is_empty() {
            let room = PART - self.tail.len();
            let now = piece.split_to(piece.len().min(room));
            self.digester.update(&now);
            self.tail.add(&now).await?;
            if self.tail.len() == PART {
                self.send_part().await?;
            }
        }
        Ok(())
    }

    /// Sends what is there as the next part, when the one before has arrived.
    async fn send_part(&mut self) -> Result<(), UploadError> {
        self.await_part().await?;
        let multipart = self.multipart().await?;
        let (object, index) = (self.object(), self.row.parts.len());
        let (bytes, room) = self.take_tail().await?;
        self.full = (index + 1, self.digester.save());
        let blobs = self.uploads.blobs.clone();
        self.sending = Some(tokio::spawn(async move {
            let sent = blobs.put_part(&object, &multipart, index, bytes).await;
            drop(room);
            sent
        }));
        Ok(())
    }

    /// Returns what is there, with room in memory if that is much.
    async fn take_tail(&mut self) -> Result<(Bytes, Option<OwnedSemaphorePermit>), BlobError> {
        let room = match self.tail.is_large() {
            true => Some(self.uploads.room().await),
            false => None,
        };
        Ok((self.tail.take().await?, room))
    }

    /// Waits for the part that is sent; now and then notes how far the upload is.
    async fn await_part(&mut self) -> Result<(), UploadError> {
        let Some(sending) = self.sending.take() else {
            return Ok(());
        };
        let part: Result<_, BlobError> = joined(sending.await);
        self.row.parts.push(part?.content_id);
        let (parts, hash) = &self.full;
        if parts % CHECKPOINT == 0 && self.row.parts.len() == *parts {
            self.row.hash.clone_from(hash);
            self.row.received = bytes_of(*parts, 0);
            self.row.tail = None;
            let tail_object = self.row.tail_object.take();
            self.note().await?;
            self.uploads.blobs.drop_object(tail_object).await;
        }
        Ok(())
    }

    fn object(&self) -> String {
        let whole = || format!("uploads/{}/whole", self.row.id);
        self.row.object.clone().unwrap_or_else(whole)
    }

    /// Returns the service's name for the parts. It is noted before there are any, so that
    /// no part is ever forgotten.
    async fn multipart(&mut self) -> Result<String, UploadError> {
        if let Some(multipart) = &self.row.multipart {
            return Ok(multipart.clone());
        }
        let object = self.object();
        let multipart = self.uploads.blobs.begin_parts(&object).await?;
        self.row.object = Some(object);
        self.row.multipart = Some(multipart.clone());
        self.note().await?;
        Ok(multipart)
    }

    /// Notes in the database how far the upload is.
    async fn note(&mut self) -> Result<(), UploadError> {
        self.row.touched_at = self.uploads.now();
        let mut tx = self.uploads.db.begin().await?;
        if self.noted {
            if !crate::uploads::save(&mut tx, &self.row).await? {
                return Err(UploadError::Busy(self.row.id.clone()));
            }
        } else {
            crate::uploads::create(&mut tx, &self.row).await?;
        }
        tx.commit().await?;
        if !self.noted {
            self.noted = true;
            self.renew();
        }
        Ok(())
    }

    /// Keeps everything where any server finds it, and gives the upload free.
    pub(super) async fn keep(mut self) -> Result<u64, UploadError> {
        self.await_part().await?;
        let (tail, _room) = self.take_tail().await?;
        let before = self.row.tail_object.take();
        self.row.received = bytes_of(self.row.parts.len(), tail.len());
        self.row.hash = self.digester.save();
        self.row.tail = None;
        if tail.len() > IN_ROW {
            // Another name each time: the row says which one holds.
            let (id, received) = (&self.row.id, self.row.received);
            let name = format!("uploads/{id}/{received}-{}", self.holder());
            self.uploads.blobs.write_object(&name, tail).await?;
            self.row.tail_object = Some(name);
        } else {
            self.row.tail = (!tail.is_empty()).then(|| tail.to_vec());
        }
        self.row.touched_at = self.uploads.now();
        let mut tx = self.uploads.db.begin().await?;
        if !crate::uploads::save(&mut tx, &self.row).await? {
            return Err(UploadError::Busy(self.row.id.clone()));
        }
        crate::uploads::release(&mut tx, &self.row.id, self.holder()).await?;
        tx.commit().await?;
        self.free = true;
        if before != self.row.tail_object {
            self.uploads.blobs.drop_object(before).await;
        }
        Ok(self.row.received.unsigned_abs())
    }

    /// Makes everything the blob `digest`, or returns the other digest that it has.
    pub(super) async fn assemble(
        &mut self,
        digest: &Digest,
    ) -> Result<Option<Digest>, UploadError> {
        let known = self.digester.algorithm() == digest.algorithm();
        if known {
            let found = self.digester.clone().finish();
            if found != *digest {
                return Ok(Some(found));
            }
        }
        let blobs = self.uploads.blobs.clone();
        let target = blobs.name(digest);
        if self.row.multipart.is_none() {
            let (bytes, _room) = self.take_tail().await?;
            if !known && let Err(BlobError::Corrupt { found, .. }) = verify(digest, &bytes) {
                self.tail.add(&bytes).await?;
                return Ok(Some(found));
            }
            blobs.write_object(&target, bytes).await?;
            return Ok(None);
        }
        let (object, size) = (self.object(), self.offset());
        if let Err(error) = self.complete(&object).await
            // Whoever tried before may have been killed after it was complete.
            && blobs.object_size(&object).await? != Some(size)
        {
            return Err(error);
        }
        self.row.multipart = None;
        if object == target {
            return Ok(None);
        }
        if !known {
            let found = blobs.digest_object(&object, digest.algorithm()).await?;
            if found != *digest {
                return Ok(Some(found));
            }
        }
        blobs.copy_object(&object, &target, size).await?;
        Ok(None)
    }

    /// Sends the last part and lets the service put all of them together.
    async fn complete(&mut self, object: &str) -> Result<(), UploadError> {
        if self.tail.len() > 0 {
            self.send_part().await?;
        }
        self.await_part().await?;
        let multipart = self.row.multipart.clone().unwrap_or_default();
        let parts = &self.row.parts.0;
        let blobs = &self.uploads.blobs;
        Ok(blobs.complete_parts(object, &multipart, parts).await?)
    }

    /// Forgets the upload and drops what is left of it.
    pub(super) async fn forget(mut self) -> Result<(), UploadError> {
        if let Some(sending) = self.sending.take() {
            sending.abort();
            drop(sending.await);
        }
        if self.noted {
            self.uploads.drop_upload(&self.row).await?;
        }
        self.free = true;
        Ok(())
    }

    /// Gives the upload free; what was not kept is lost.
    pub(super) async fn release(mut self) -> Result<(), StoreError> {
        self.free = true;
        self.uploads.release(&self.row.id, self.holder()).await
    }

    fn holder(&self) -> &str {
        self.row.holder.as_deref().unwrap_or_default()
    }

    /// Renews the lease as long as this is held.
    fn renew(&mut self) {
        let (uploads, id) = (self.uploads.clone(), self.row.id.clone());
        let holder = self.holder().to_owned();
        let renewing = tokio::spawn(async move {
            loop {
                tokio::time::sleep(LEASE / 3).await;
                match uploads.renew(&id, &holder).await {
                    Ok(true) => {}
                    // Notes fail from now on, and with them the request.
                    Ok(false) => return,
                    Err(error) => tracing::warn!(%error, upload.id = id, "a lease was not renewed"),
                }
            }
        });
        self.renewing = Some(renewing.abort_handle());
    }
}

impl Drop for Held {
    /// Gives the upload free as it was last noted, where the request went away or failed.
    fn drop(&mut self) {
        if let Some(renewing) = &self.renewing {
            renewing.abort();
        }
        if self.free || !self.noted {
            return;
        }
        let (uploads, id) = (self.uploads.clone(), self.row.id.clone());
        let (holder, sending) = (self.holder().to_owned(), self.sending.take());
        // The lease runs out by itself where this cannot be done.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Some(sending) = sending {
                    sending.abort();
                    drop(sending.await);
                }
                if let Err(error) = uploads.release(&id, &holder).await {
                    tracing::warn!(%error, upload.id = id, "an upload was not given free");
                }
            });
        }
    }
}

fn bytes_of(parts: usize, tail: usize) -> i64 {
    i64::try_from(parts * PART + tail).unwrap_or(i64::MAX)
}
