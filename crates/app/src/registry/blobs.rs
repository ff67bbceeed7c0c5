//! Blobs of repositories: read, mounted, taken out.

use std::ops::Range;

use oci::{Digest, ErrorCode, RepoName};
use store::{Tx, blobs::Blob};

use super::RegistryError;
use crate::{Access, App};

impl App {
    /// Returns a blob's size if the repository has it.
    ///
    /// # Errors
    /// It has not.
    pub async fn blob_size(&self, name: &RepoName, digest: &Digest) -> Result<u64, RegistryError> {
        let mut tx = self.read().await?;
        let repository = self.repository(&mut tx, name).await?;
        let size = store::repositories::find_blob(&mut tx, &repository.id, digest.as_str()).await?;
        size.and_then(|size| u64::try_from(size).ok())
            .ok_or_else(|| {
                RegistryError::new(
                    ErrorCode::BlobUnknown,
                    format!("blob {digest} is not in repository {name}"),
                )
            })
    }

    /// Opens a blob, or a range of it, if the repository has it.
    ///
    /// # Errors
    /// It has not, or the range is outside.
    pub async fn open_blob(
        &self,
        name: &RepoName,
        digest: &Digest,
        range: Option<Range<u64>>,
    ) -> Result<Blob, RegistryError> {
        self.blob_size(name, digest).await?;
        Ok(self.blobs.get(digest, range).await?)
    }

    /// Makes a blob of another repository part of this one; gives whether it could be done.
    ///
    /// # Errors
    /// The repository takes no pushes.
    pub async fn mount_blob(
        &self,
        name: &RepoName,
        digest: &Digest,
        from: &RepoName,
        access: &Access,
    ) -> Result<bool, RegistryError> {
        if !access.grants(from.as_str(), "pull") {
            return Ok(false);
        }
        let mut tx = self.begin().await?;
        let Some(source) = store::repositories::find_by_name(&mut tx, from.as_str()).await? else {
            return Ok(false);
        };
        let Some(size) =
            store::repositories::find_blob(&mut tx, &source.id, digest.as_str()).await?
        else {
            return Ok(false);
        };
        let repository = self.repository_to_push(&mut tx, name).await?;
        store::repositories::link_blob(&mut tx, &repository.id, digest.as_str(), size, self.now())
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes a blob out of a staging repository.
    ///
    /// # Errors
    /// It is not there.
    pub async fn delete_blob(&self, name: &RepoName, digest: &Digest) -> Result<(), RegistryError> {
        let mut tx = self.begin().await?;
        let repository = self.repository_to_push(&mut tx, name).await?;
        self.require_nothing_under_way(&mut tx, name).await?;
        if !store::repositories::unlink_blob(&mut tx, &repository.id, digest.as_str()).await? {
            return Err(RegistryError::new(
                ErrorCode::BlobUnknown,
                format!("blob {digest} is not in repository {name}"),
            ));
        }
        Ok(tx.commit().await?)
    }

    /// What is reviewed is what is released, so nothing of it goes away meanwhile.
    pub(super) async fn require_nothing_under_way(
        &self,
        tx: &mut Tx,
        name: &RepoName,
    ) -> Result<(), RegistryError> {
        if store::submissions::count_under_way(tx, name.as_str()).await? == 0 {
            return Ok(());
        }
        Err(RegistryError::new(
            ErrorCode::Denied,
            format!(
                "an image in {name} is under review: nothing but tags is deleted until that ends"
            ),
        ))
    }
}
