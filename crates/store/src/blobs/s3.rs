//! Blobs behind the S3 API: `<prefix>/blobs/sha256/ab/<hex>`.

use std::{io, io::Read, ops::Range, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    Error, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, aws::AmazonS3,
    path::Path as Key, signer::Signer,
};
use oci::Digest;
use tokio::runtime::Handle;

use super::{
    Blob, BlobEntry, BlobError, BlobSource, BlobStore, S3Config, cut_range, disk::detached,
    scratch::Scratch, verify,
};

/// How long a URL that a reader is sent to may be used.
const REDIRECT: Duration = Duration::from_secs(20 * 60);

/// Blobs as objects in a bucket.
#[derive(Debug, Clone)]
pub struct S3Blobs {
    pub(super) config: S3Config,
    pub(super) client: Arc<AmazonS3>,
    scratch: Scratch,
    runtime: Handle,
}

impl S3Blobs {
    /// Sets up the client without talking to the service; see [`BlobStore::check`] for that.
    ///
    /// Local copies for [`BlobStore::open_sync`] live in `scratch_dir` and take
    /// `scratch_bytes` together at most; further readers wait.
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime.
    pub fn open(
        config: S3Config,
        scratch_dir: &Path,
        scratch_bytes: u64,
    ) -> Result<Self, BlobError> {
        let client = config.client()?;
        Ok(Self {
            config,
            client,
            scratch: Scratch::open(scratch_dir, scratch_bytes)?,
            runtime: Handle::current(),
        })
    }

    /// Returns where local files may be made.
    pub(super) fn scratch_dir(&self) -> Arc<Path> {
        self.scratch.dir()
    }

    fn key(&self, digest: &Digest) -> Key {
        self.config.key(&self.name(digest))
    }

    /// Returns why `digest` could not be read, after the service answered `error`.
    async fn explain(&self, digest: &Digest, range: Option<Range<u64>>, error: Error) -> BlobError {
        if let Error::NotFound { .. } = error {
            return BlobError::NotFound(digest.clone());
        }
        // The service's words for a range it cannot satisfy differ; the size does not.
        if let (Some(range), Ok(Some(size))) = (range, self.size(digest).await)
            && let Err(error) = cut_range(digest, range, size)
        {
            return error;
        }
        BlobError::s3("read from S3")(error)
    }

    async fn download(&self, digest: &Digest) -> Result<Box<dyn Read + Send>, BlobError> {
        let size = self.size(digest).await?;
        let size = size.ok_or_else(|| BlobError::NotFound(digest.clone()))?;
        let space = self.scratch.reserve(digest, size).await?;
        let blob = self.get(digest, None).await?;
        Ok(Box::new(self.scratch.save(digest, blob, space).await?))
    }
}

#[async_trait]
impl BlobStore for S3Blobs {
    async fn put_bytes(&self, digest: &Digest, bytes: Bytes) -> Result<(), BlobError> {
        verify(digest, &bytes)?;
        let (blobs, name) = (self.clone(), self.name(digest));
        detached(async move { blobs.write_object(&name, bytes).await }).await
    }

    async fn get(&self, digest: &Digest, range: Option<Range<u64>>) -> Result<Blob, BlobError> {
        // No object is larger, and there are services that take no larger number.
        let possible = |range: Range<u64>| range.start..range.end.min(i64::MAX.cast_unsigned());
        let options = GetOptions {
            range: range.clone().map(possible).map(GetRange::Bounded),
            ..GetOptions::default()
        };
        match self.client.get_opts(&self.key(digest), options).await {
            Ok(found) => Ok(Blob {
                size: found.meta.size,
                source: BlobSource::Stream(found.into_stream().map_err(io::Error::other).boxed()),
            }),
            Err(error) => Err(self.explain(digest, range, error).await),
        }
    }

    async fn redirect(&self, digest: &Digest) -> Result<Option<String>, BlobError> {
        if !self.config.redirect {
            return Ok(None);
        }
        let key = self.key(digest);
        let url = self.client.signed_url(reqwest::Method::GET, &key, REDIRECT);
        let url = url.await.map_err(BlobError::s3("sign a URL for S3"))?;
        Ok(Some(url.to_string()))
    }

    async fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        self.object_size(&self.name(digest)).await
    }

    async fn delete_older(
        &self,
        digest: &Digest,
        than: DateTime<Utc>,
    ) -> Result<Option<u64>, BlobError> {
        let key = self.key(digest);
        let meta = match self.client.head(&key).await {
            Ok(meta) if meta.last_modified < than => meta,
            Ok(_) | Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(BlobError::s3("look up an object in S3")(error)),
        };
        match self.client.delete(&key).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(Some(meta.size)),
            Err(error) => Err(BlobError::s3("delete an object in S3")(error)),
        }
    }

    fn list(&self) -> BoxStream<'static, Result<BlobEntry, BlobError>> {
        let listed = self.client.list(Some(&self.config.key("blobs")));
        listed
            .map_err(BlobError::s3("list the bucket in S3"))
            .try_filter_map(|meta| std::future::ready(Ok(entry(&meta))))
            .boxed()
    }

    fn open_sync(&self, digest: &Digest) -> Result<Box<dyn Read + Send>, BlobError> {
        self.runtime.block_on(self.download(digest))
    }

    async fn check(&self) -> Result<(), BlobError> {
        let (blobs, word) = (self.clone(), Bytes::from_static(b"writable"));
        detached(async move { blobs.write_object("check", word).await }).await
    }
}

/// Reads an object's key backwards; objects that are no blobs are none of ours.
fn entry(meta: &ObjectMeta) -> Option<BlobEntry> {
    let mut parts = meta.location.as_ref().rsplit('/');
    let (hex, _prefix, algorithm) = (parts.next()?, parts.next()?, parts.next()?);
    Some(BlobEntry {
        digest: format!("{algorithm}:{hex}").parse().ok()?,
        size: meta.size,
        modified: meta.last_modified,
    })
}
