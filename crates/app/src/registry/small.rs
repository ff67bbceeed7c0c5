//! Small blobs in memory: the configuration of a popular image is fetched from where blobs
//! lie once, not once a pull.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use oci::Digest;

use super::{RegistryError, bounded::Bounded};
use crate::{App, AppError};

/// Largest blob that is kept, in bytes.
const SMALL: u64 = 64 << 10;

/// Whole blobs whose bytes were seen to have their digest, so they are true for ever. Whether
/// somebody may have them is asked elsewhere, before.
#[derive(Debug, Default)]
pub(crate) struct SmallBlobs(Mutex<Bounded<Digest, Bytes>>);

impl SmallBlobs {
    fn kept(&self) -> MutexGuard<'_, Bounded<Digest, Bytes>> {
        // No panic can leave it wrong: at worst it is counted as larger than it is.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// Returns the bytes of a blob of `size` bytes if it is small and sound. The caller has seen
    /// that the repository has it.
    ///
    /// # Errors
    /// The store cannot give it.
    pub async fn small_blob(
        &self,
        digest: &Digest,
        size: u64,
    ) -> Result<Option<Bytes>, RegistryError> {
        if size > SMALL {
            return Ok(None);
        }
        if let Some(bytes) = self.small_blobs.kept().get(digest) {
            return Ok(Some(bytes.clone()));
        }
        let limit = usize::try_from(size).map_err(AppError::internal)?;
        let found = self.blob_within(digest, limit).await?;
        // What is damaged is sent as it lies there, for whoever pulls to refuse.
        let sound = found.filter(|bytes| Digest::by(digest.algorithm(), bytes) == *digest);
        if let Some(bytes) = &sound {
            self.small_blobs
                .kept()
                .keep(digest.clone(), bytes.clone(), bytes.len());
        }
        Ok(sound)
    }
}
