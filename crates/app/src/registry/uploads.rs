//! Uploads: bytes arrive, are checked, and become a blob of a repository.

use market::UploadId;
use oci::{Algorithm, Digest, ErrorCode, RepoName};
use store::blobs::{ByteStream, NewUpload, Piece, UploadKey};

use super::{RegistryError, rights::Room};
use crate::{Access, App};

impl App {
    /// Begins an upload, of which the digest of one kind is computed on the way.
    ///
    /// # Errors
    /// The repository takes no pushes, or the account has too many uploads open.
    pub async fn start_upload(
        &self,
        name: &RepoName,
        access: &Access,
        algorithm: Algorithm,
    ) -> Result<UploadId, RegistryError> {
        self.room(name, None).await?;
        let most = self.config.limits.uploads_per_account;
        if self.uploads.count_of(&access.account).await? >= most {
            return Err(RegistryError::new(
                ErrorCode::TooManyRequests,
                format!("your account has {most} uploads open: finish or cancel some first"),
            ));
        }
        let id = self.id(UploadId::new);
        let upload = NewUpload {
            key: UploadKey {
                repository: name.clone(),
                id: id.clone(),
            },
            account: access.account.clone(),
            started: self.now(),
            algorithm,
        };
        self.uploads.begin(&upload).await?;
        Ok(id)
    }

    /// Returns how many bytes of an upload have arrived.
    ///
    /// # Errors
    /// It is not open.
    pub async fn upload_offset(&self, name: &RepoName, id: &str) -> Result<u64, RegistryError> {
        Ok(self.uploads.offset(&key(name, id)?).await?)
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
        bytes: ByteStream,
    ) -> Result<u64, RegistryError> {
        let (key, room) = (key(name, id)?, self.room(name, None).await?);
        let appended = self.uploads.append(&key, piece(at, bytes, &room)).await;
        appended.map_err(|error| room.explain(error))
    }

    /// Adds the last bytes and ends an upload: the whole must have `digest`. When this returns
    /// the blob is durable and part of the repository.
    ///
    /// # Errors
    /// The whole has another digest (the upload stays open), it is not open, the bytes do not
    /// begin where it ends, it grows too large, or the store refuses.
    pub async fn finish_upload(
        &self,
        name: &RepoName,
        id: &str,
        (at, bytes): (Option<u64>, ByteStream),
        digest: &Digest,
    ) -> Result<(), RegistryError> {
        let (key, room) = (key(name, id)?, self.room(name, Some(digest)).await?);
        let piece = piece(at, bytes, &room);
        let finished = self.uploads.finish(&key, piece, digest).await;
        let size = finished.map_err(|error| room.explain(error))?;
        self.link_pushed(name, digest, size).await
    }

    /// Takes a whole blob at once. When this returns it is durable and part of the repository.
    ///
    /// # Errors
    /// The repository takes no pushes, the bytes have another digest or are too many, or the
    /// store refuses.
    pub async fn put_blob(
        &self,
        name: &RepoName,
        bytes: ByteStream,
        digest: &Digest,
    ) -> Result<(), RegistryError> {
        let room = self.room(name, Some(digest)).await?;
        let put = self.uploads.put(digest, bytes, room.limit()).await;
        let size = put.map_err(|error| room.explain(error))?;
        self.link_pushed(name, digest, size).await
    }

    /// Cancels an upload.
    ///
    /// # Errors
    /// It is not open.
    pub async fn cancel_upload(&self, name: &RepoName, id: &str) -> Result<(), RegistryError> {
        Ok(self.uploads.cancel(&key(name, id)?).await?)
    }

    /// Drops uploads that nobody went on with for as long as the configuration says.
    ///
    /// # Errors
    /// The store refused.
    pub async fn sweep_uploads(&self) -> Result<usize, RegistryError> {
        let long_ago = self.now() - self.config.limits.upload_life;
        Ok(self.uploads.sweep(long_ago).await?)
    }
}

fn piece(at: Option<u64>, bytes: ByteStream, room: &Room) -> Piece {
    Piece {
        at,
        bytes,
        limit: room.limit(),
    }
}

fn key(name: &RepoName, id: &str) -> Result<UploadKey, RegistryError> {
    let unknown = |_malformed| {
        let message = "this upload is not open: begin a new one";
        RegistryError::new(ErrorCode::BlobUploadUnknown, message)
    };
    Ok(UploadKey {
        repository: name.clone(),
        id: id.parse().map_err(unknown)?,
    })
}
