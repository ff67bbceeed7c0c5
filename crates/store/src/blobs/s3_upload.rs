//! Writing to S3: one request for what is small, parts for the rest, in bounded memory.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStoreExt, aws::AmazonS3, path::Path as Key};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    BlobError, disk,
    disk::{blocking, joined},
};

/// Files up to this size, in bytes, go in one request.
const SINGLE: u64 = 16 * 1024 * 1024;
/// Bytes of one part, unless there would be too many of them.
const PART: u64 = 8 * 1024 * 1024;
/// The S3 API allows 10,000 parts.
const MAX_PARTS: u64 = 10_000;
/// Requests with a part or a small file in memory at once, over all uploads.
const AT_ONCE: usize = 8;

/// Sends local files to a bucket.
#[derive(Debug, Clone)]
pub(super) struct Uploader {
    client: Arc<AmazonS3>,
    slots: Arc<Semaphore>,
}

impl Uploader {
    pub(super) fn new(client: Arc<AmazonS3>) -> Self {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        Self { client, slots }
    }

    /// Sends `file`, and removes it when the service has acknowledged all of it.
    pub(super) async fn send(&self, key: &Key, file: &Path) -> Result<(), BlobError> {
        // An existing object is replaced, not trusted: that repairs a damaged one.
        let path = file.to_owned();
        let meta = std::fs::metadata(file).map_err(BlobError::io("read", file))?;
        let size = meta.len();
        if size <= SINGLE {
            let _slot = self.slots.acquire().await;
            let bytes = read_part(path.clone(), 0, size).await?;
            self.send_bytes(key, bytes).await?;
        } else {
            self.send_large(key, &path, size).await?;
        }
        blocking(move || disk::remove(&path)).await
    }

    /// Sends `bytes` in one request.
    pub(super) async fn send_bytes(&self, key: &Key, bytes: Bytes) -> Result<(), BlobError> {
        let sent = self.client.put(key, bytes.into()).await;
        sent.map_err(BlobError::s3("write to S3")).map(drop)
    }

    async fn send_large(&self, key: &Key, file: &Path, size: u64) -> Result<(), BlobError> {
        let begun = self.client.put_multipart(key).await;
        let mut upload = begun.map_err(BlobError::s3("begin an upload to S3"))?;
        if let Err(error) = self.send_parts(upload.as_mut(), file, size).await {
            // The bucket's lifecycle rule collects the parts if this fails as well.
            if let Err(abort) = upload.abort().await {
                tracing::warn!(object.key = %key, error = %abort, "S3 upload could not be aborted");
            }
            return Err(error);
        }
        let done = upload.complete().await;
        done.map_err(BlobError::s3("complete an upload to S3"))
            .map(drop)
    }

    async fn send_parts(
        &self,
        upload: &mut dyn MultipartUpload,
        file: &Path,
        size: u64,
    ) -> Result<(), BlobError> {
        let part = part_size(size);
        let mut sending = JoinSet::new();
        let mut start = 0;
        while start < size {
            let slot = Arc::clone(&self.slots).acquire_owned().await;
            while let Some(sent) = sending.try_join_next() {
                joined(sent)?;
            }
            let len = part.min(size - start);
            let bytes = read_part(file.to_owned(), start, len).await?;
            // Parts are numbered by the order of these calls, not of their completion.
            let request = upload.put_part(bytes.into());
            sending.spawn(async move {
                let sent = request.await;
                drop(slot);
                sent.map_err(BlobError::s3("upload a part to S3"))
            });
            start += len;
        }
        while let Some(sent) = sending.join_next().await {
            joined(sent)?;
        }
        Ok(())
    }
}

fn part_size(size: u64) -> u64 {
    size.div_ceil(MAX_PARTS).max(PART)
}

async fn read_part(path: PathBuf, start: u64, len: u64) -> Result<Bytes, BlobError> {
    blocking(move || {
        let mut part = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        let read = File::open(&path).and_then(|mut file| {
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut part)
        });
        read.map_err(BlobError::io("read", &path))?;
        Ok(part.into())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_the_largest_object_has_few_enough_parts() {
        for size in [SINGLE + 1, 80 << 30, (80 << 30) + 1, 5 << 40] {
            assert!(size.div_ceil(part_size(size)) <= MAX_PARTS, "{size}");
        }
        assert_eq!(part_size(20 << 20), PART);
    }
}
