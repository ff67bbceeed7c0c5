//! Objects of a bucket by name: whole, in parts, copied.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    Error, ObjectStore, ObjectStoreExt,
    multipart::{MultipartStore, PartId},
};
use oci::{Algorithm, Digest, Digester};

use super::{BlobError, S3Blobs, s3_upload::PART};

/// What the service copies in one request, bytes (S3 API, "CopyObject").
const COPY: u64 = 5_000_000_000;

impl S3Blobs {
    /// Returns the name of a blob's object; all names here are without the bucket's prefix.
    pub(super) fn name(&self, digest: &Digest) -> String {
        let (algorithm, hex) = (digest.algorithm().as_str(), digest.hex());
        format!("blobs/{algorithm}/{}/{hex}", &hex[..2])
    }

    pub(super) async fn read_object(&self, name: &str) -> Result<Bytes, BlobError> {
        let read = BlobError::s3("read from S3");
        let found = self.client.get(&self.config.key(name)).await;
        found.map_err(&read)?.bytes().await.map_err(read)
    }

    pub(super) async fn write_object(&self, name: &str, bytes: Bytes) -> Result<(), BlobError> {
        let written = self.client.put(&self.config.key(name), bytes.into()).await;
        written.map_err(BlobError::s3("write to S3")).map(drop)
    }

    /// Deletes an object if it can; the sweep takes care of it otherwise.
    pub(super) async fn drop_object(&self, name: Option<String>) {
        let Some(name) = name else {
            return;
        };
        match self.client.delete(&self.config.key(&name)).await {
            Ok(()) | Err(Error::NotFound { .. }) => {}
            Err(error) => {
                tracing::warn!(object.name = name, %error, "an object is left to the sweep");
            }
        }
    }

    pub(super) async fn object_size(&self, name: &str) -> Result<Option<u64>, BlobError> {
        match self.client.head(&self.config.key(name)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(BlobError::s3("look up an object in S3")(error)),
        }
    }

    /// Lists objects below `folder`, with the times they were written.
    pub(super) fn list_objects(
        &self,
        folder: &str,
    ) -> BoxStream<'static, Result<(String, DateTime<Utc>), BlobError>> {
        let root = self.config.key("");
        let listed = self.client.list(Some(&self.config.key(folder)));
        listed
            .map_err(BlobError::s3("list the bucket in S3"))
            .map_ok(move |meta| {
                let key = meta.location.as_ref();
                let name = key.strip_prefix(root.as_ref()).unwrap_or(key);
                (name.trim_start_matches('/').to_owned(), meta.last_modified)
            })
            .boxed()
    }

    /// Begins an object that comes in parts; returns the service's name for them.
    pub(super) async fn begin_parts(&self, name: &str) -> Result<String, BlobError> {
        let begun = self.client.create_multipart(&self.config.key(name)).await;
        begun.map_err(BlobError::s3("begin an upload to S3"))
    }

    pub(super) async fn put_part(
        &self,
        name: &str,
        multipart: &String,
        index: usize,
        bytes: Bytes,
    ) -> Result<PartId, BlobError> {
        let key = self.config.key(name);
        let sent = self
            .client
            .put_part(&key, multipart, index, bytes.into())
            .await;
        sent.map_err(BlobError::s3("upload a part to S3"))
    }

    /// Makes the object of its parts, which count by their tags.
    pub(super) async fn complete_parts(
        &self,
        name: &str,
        multipart: &String,
        tags: &[String],
    ) -> Result<(), BlobError> {
        let part = |tag: &String| PartId {
            content_id: tag.clone(),
        };
        let (key, parts) = (self.config.key(name), tags.iter().map(part).collect());
        let done = self.client.complete_multipart(&key, multipart, parts).await;
        done.map_err(BlobError::s3("complete an upload to S3"))
            .map(drop)
    }

    pub(super) async fn abort_parts(
        &self,
        name: &str,
        multipart: &String,
    ) -> Result<(), BlobError> {
        let key = self.config.key(name);
        match self.client.abort_multipart(&key, multipart).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(BlobError::s3("abort an upload to S3")(error)),
        }
    }

    /// Reads an object to its end for its digest.
    pub(super) async fn digest_object(
        &self,
        name: &str,
        algorithm: Algorithm,
    ) -> Result<Digest, BlobError> {
        let read = BlobError::s3("read from S3");
        let found = self.client.get(&self.config.key(name)).await;
        let mut stream = found.map_err(&read)?.into_stream();
        let mut digester = Digester::new(algorithm);
        while let Some(piece) = stream.try_next().await.map_err(&read)? {
            digester.update(&piece);
        }
        Ok(digester.finish())
    }

    /// Copies an object of `size` bytes within the bucket: by the service, or part by part
    /// where it is too large for that.
    pub(super) async fn copy_object(
        &self,
        from: &str,
        to: &str,
        size: u64,
    ) -> Result<(), BlobError> {
        if size <= COPY {
            let (from, to) = (self.config.key(from), self.config.key(to));
            let copied = self.client.copy(&from, &to).await;
            return copied.map_err(BlobError::s3("copy an object in S3"));
        }
        let multipart = self.begin_parts(to).await?;
        let copied = self.copy_parts(from, to, size, &multipart).await;
        if copied.is_err()
            && let Err(error) = self.abort_parts(to, &multipart).await
        {
            tracing::warn!(object.name = to, %error, "a copy could not be aborted");
        }
        copied
    }

    async fn copy_parts(
        &self,
        from: &str,
        to: &str,
        size: u64,
        multipart: &String,
    ) -> Result<(), BlobError> {
        let (mut tags, mut at) = (Vec::new(), 0);
        while at < size {
            let end = size.min(at + PART as u64);
            let read = self.client.get_range(&self.config.key(from), at..end).await;
            let bytes = read.map_err(BlobError::s3("read from S3"))?;
            let part = self.put_part(to, multipart, tags.len(), bytes).await?;
            tags.push(part.content_id);
            at = end;
        }
        self.complete_parts(to, multipart, &tags).await
    }
}
