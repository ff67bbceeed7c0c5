//! Small blobs in memory: the configuration of a popular image is fetched from where blobs
//! lie once, not once a pull.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use oci::Digest;

use super::{RegistryError, collect};
use crate::{App, AppError};

/// Largest blob that is kept, in bytes.
const SMALL: u64 = 64 << 10;
/// Most that is kept, in bytes of blobs and digests.
const MOST_BYTES: usize = 16 << 20;
/// What keeping one takes besides its bytes, about.
const OVERHEAD: usize = 200;

/// Whole blobs whose bytes were seen to have their digest, so they are true for ever. Whether
/// somebody may have them is asked elsewhere, before.
#[derive(Debug, Default)]
pub(crate) struct SmallBlobs(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    blobs: HashMap<Digest, Bytes>,
    bytes: usize,
}

impl SmallBlobs {
    fn find(&self, digest: &Digest) -> Option<Bytes> {
        self.kept().blobs.get(digest).cloned()
    }

    fn keep(&self, digest: &Digest, bytes: Bytes) {
        let size = OVERHEAD + bytes.len();
        let mut kept = self.kept();
        if kept.bytes + size > MOST_BYTES {
            *kept = Kept::default();
        }
        if kept.blobs.insert(digest.clone(), bytes).is_none() {
            kept.bytes += size;
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
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
        if let Some(bytes) = self.small_blobs.find(digest) {
            return Ok(Some(bytes));
        }
        let found = self.blobs.get(digest, None).await?;
        if found.size != size {
            return Ok(None);
        }
        let limit = usize::try_from(size).map_err(AppError::internal)?;
        let bytes = collect(found.into_stream(), limit).await?;
        let mut digester = oci::Digester::new(digest.algorithm());
        digester.update(&bytes);
        if digester.finish() != *digest {
            // Damaged: sent as it lies there, for whoever pulls to refuse.
            return Ok(None);
        }
        self.small_blobs.keep(digest, bytes.clone());
        Ok(Some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_bounded() {
        let small = SmallBlobs::default();
        let largest = Bytes::from(vec![0; usize::try_from(SMALL).expect("small")]);
        for number in 0..1_000_u32 {
            let digest = Digest::of(&number.to_be_bytes());
            small.keep(&digest, largest.clone());
            assert_eq!(small.find(&digest).as_ref(), Some(&largest));
            assert!(small.kept().bytes <= MOST_BYTES);
        }
    }

    #[test]
    fn one_that_is_kept_twice_counts_once() {
        let small = SmallBlobs::default();
        let digest = Digest::of(b"1");
        small.keep(&digest, Bytes::from_static(b"1"));
        small.keep(&digest, Bytes::from_static(b"1"));
        assert_eq!(small.kept().bytes, OVERHEAD + 1);
    }
}
