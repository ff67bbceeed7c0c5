//! Uploads: bytes arrive, are checked, and become a blob of a repository.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use market::UploadId;
use oci::{Digest, ErrorCode, RepoName};
use store::repositories::{Repository, Upload};

use super::RegistryError;
use crate::{Access, App};

/// Bytes arriving from a client.
pub type Body = BoxStream<'static, Result<Bytes, Box<dyn std::error::Error + Send + Sync>>>;

impl App {
    /// Begins an upload.
    ///
    /// # Errors
    /// The repository takes no pushes.
    pub async fn start_upload(
        &self,
        name: &RepoName,
        access: &Access,
    ) -> Result<UploadId, RegistryError> {
        let mut tx = self.begin().await?;
        let repository = self.repository_to_push(&mut tx, name).await?;
        let most = self.config.limits.uploads_per_account;
        if store::repositories::count_uploads_of(&mut tx, &access.account).await? >= most {
            return Err(RegistryError::new(
                ErrorCode::TooManyRequests,
                format!("your account has {most} uploads open: finish or cancel some first"),
            ));
        }
        let upload = Upload {
            id: self.id(UploadId::new),
            repository_id: repository.id,
            account_id: access.account.clone(),
            started_at: self.now(),
        };
        store::repositories::create_upload(&mut tx, &upload).await?;
        tx.commit().await?;
        self.uploads.create(upload.id.as_str()).await?;
        Ok(upload.id)
    }

    async fn find_upload(
        &self,
        name: &RepoName,
        id: &str,
    ) -> Result<(Repository, UploadId), RegistryError> {
        let unknown = || {
            RegistryError::new(
                ErrorCode::BlobUploadUnknown,
                "this upload is not open: begin a new one",
            )
        };
        let upload: UploadId = id.parse().map_err(|_malformed| unknown())?;
        let mut tx = self.read().await?;
        let repository = self.repository(&mut tx, name).await?;
        store::repositories::find_upload(&mut tx, &repository.id, &upload)
            .await?
            .ok_or_else(unknown)?;
        Ok((repository, upload))
    }

    /// Returns how many bytes of an upload have arrived.
    ///
    /// # Errors
    /// It is not open.
    pub async fn upload_offset(&self, name: &RepoName, id: &str) -> Result<u64, RegistryError> {
        let (_, upload) = self.find_upload(name, id).await?;
        Ok(self.uploads.offset(upload.as_str()).await?)
    }

    /// Adds bytes to an upload; gives how many there are then.
    ///
    /// # Errors
    /// It is not open, the bytes do not begin where it ends, or it grows too large.
    pub async fn append_upload(
        &self,
        name: &RepoName,
        id: &str,
        at: Option<u64>,
        body: Body,
    ) -> Result<u64, RegistryError> {
        let (_, upload) = self.find_upload(name, id).await?;
        let offset = match at {
            Some(at) => at,
            None => self.uploads.offset(upload.as_str()).await?,
        };
        Ok(self
            .uploads
            .append(upload.as_str(), offset, body, self.config.max_blob_bytes)
            .await?)
    }

    /// Ends an upload: the bytes must have `digest`. When this returns they are durable.
    ///
    /// # Errors
    /// They have another digest (the upload stays open), or the store refuses.
    pub async fn finish_upload(
        &self,
        name: &RepoName,
        id: &str,
        digest: &Digest,
    ) -> Result<(), RegistryError> {
        let (repository, upload) = self.find_upload(name, id).await?;
        let staged = self.uploads.finish(upload.as_str(), digest).await?;
        let size = i64::try_from(staged.size()).unwrap_or(i64::MAX);
        staged.store_in(Arc::clone(&self.blobs)).await?;
        let mut tx = self.begin().await?;
        store::repositories::link_blob(&mut tx, &repository.id, digest.as_str(), size, self.now())
            .await?;
        store::repositories::delete_upload(&mut tx, &upload).await?;
        Ok(tx.commit().await?)
    }

    /// Cancels an upload.
    ///
    /// # Errors
    /// It is not open.
    pub async fn cancel_upload(&self, name: &RepoName, id: &str) -> Result<(), RegistryError> {
        let (_, upload) = self.find_upload(name, id).await?;
        self.uploads.cancel(upload.as_str()).await?;
        let mut tx = self.begin().await?;
        store::repositories::delete_upload(&mut tx, &upload).await?;
        Ok(tx.commit().await?)
    }

    /// Drops uploads that nobody went on with for a day.
    ///
    /// # Errors
    /// The disk refused.
    pub async fn sweep_uploads(&self) -> Result<usize, RegistryError> {
        let a_day_ago = self.now() - chrono::TimeDelta::days(1);
        let swept = self.uploads.sweep(a_day_ago).await?;
        // A row without its file is an upload that is not open; a week is long after any is.
        let mut tx = self.begin().await?;
        let long_ago = a_day_ago - chrono::TimeDelta::days(7);
        store::repositories::delete_uploads_before(&mut tx, long_ago).await?;
        tx.commit().await?;
        Ok(swept)
    }
}
