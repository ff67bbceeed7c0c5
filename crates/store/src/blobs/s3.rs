//! Blobs behind the S3 API: `<prefix>/blobs/sha256/ab/<hex>`.

use std::{io, io::Read, ops::Range, path::Path, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    Error, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, aws::AmazonS3,
    path::Path as Key,
};
use oci::Digest;
use tokio::runtime::Handle;

use super::{
    Blob, BlobEntry, BlobError, BlobSource, BlobStore, S3Config, cut_range, disk::detached,
    s3_upload::Uploader, scratch::Scratch, verify,
};

/// Blobs as objects in a bucket.
///
/// The bucket wants a lifecycle rule that drops incomplete multipart uploads: a process
/// killed in the middle of one cannot do it.
#[derive(Debug, Clone)]
pub struct S3Blobs {
    config: S3Config,
    client: Arc<AmazonS3>,
    uploader: Uploader,
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
            uploader: Uploader::new(Arc::clone(&client)),
            client,
            scratch: Scratch::open(scratch_dir, scratch_bytes)?,
            runtime: Handle::current(),
        })
    }

    fn key(&self, digest: &Digest) -> Key {
        let (algorithm, hex) = (digest.algorithm().as_str(), digest.hex());
        let prefix = &hex[..2];
        self.config
            .key(&format!("blobs/{algorithm}/{prefix}/{hex}"))
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
    async fn put_file(&self, digest: &Digest, file: &Path) -> Result<(), BlobError> {
        let (uploader, key, file) = (self.uploader.clone(), self.key(digest), file.to_owned());
        detached(async move { uploader.send(&key, &file).await }).await
    }

    async fn put_bytes(&self, digest: &Digest, bytes: Bytes) -> Result<(), BlobError> {
        verify(digest, &bytes)?;
        let (uploader, key) = (self.uploader.clone(), self.key(digest));
        detached(async move { uploader.send_bytes(&key, bytes).await }).await
    }

    async fn get(&self, digest: &Digest, range: Option<Range<u64>>) -> Result<Blob, BlobError> {
        let options = GetOptions {
            range: range.clone().map(GetRange::Bounded),
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

    async fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        match self.client.head(&self.key(digest)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(BlobError::s3("look up an object in S3")(error)),
        }
    }

    async fn delete(&self, digest: &Digest) -> Result<(), BlobError> {
        match self.client.delete(&self.key(digest)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
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
        let key = self.config.key("check");
        let (uploader, word) = (self.uploader.clone(), Bytes::from_static(b"writable"));
        detached(async move { uploader.send_bytes(&key, word).await }).await
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
