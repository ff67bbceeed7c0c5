//! Bounded local space for copies of remote blobs that somebody reads with blocking calls.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::Arc,
};

use futures_util::StreamExt;
use oci::{Digest, Digester};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Blob, BlobError, disk};

/// Space is handed out in these units, bytes.
const UNIT: u64 = 1024 * 1024;

#[derive(Debug, Clone)]
pub(super) struct Scratch {
    dir: Arc<Path>,
    units: u32,
    free: Arc<Semaphore>,
}

impl Scratch {
    /// Opens scratch space of `bytes` in `dir`, which is created if it is not there.
    pub(super) fn open(dir: &Path, bytes: u64) -> Result<Self, BlobError> {
        disk::create_dir(dir)?;
        // A semaphore counts to less than 2^29 on 32-bit machines: 2^28 MiB are plenty.
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let units = units.clamp(1, 1 << 28);
        let free = Arc::new(Semaphore::new(units as usize));
        let dir = dir.into();
        Ok(Self { dir, units, free })
    }

    /// Returns where the files are made.
    pub(super) fn dir(&self) -> Arc<Path> {
        Arc::clone(&self.dir)
    }

    /// Waits until `size` bytes are free, or returns an error if they never will be.
    pub(super) async fn reserve(
        &self,
        digest: &Digest,
        size: u64,
    ) -> Result<OwnedSemaphorePermit, BlobError> {
        let units = u32::try_from(size.div_ceil(UNIT)).unwrap_or(u32::MAX);
        if units > self.units {
            return Err(BlobError::Scratch {
                digest: digest.clone(),
                size,
                limit: u64::from(self.units) * UNIT,
            });
        }
        let free = Arc::clone(&self.free);
        let space = free.acquire_many_owned(units).await;
        Ok(space.expect("the semaphore is never closed"))
    }

    /// Writes `blob` to a file without a name, so that it goes when its reader goes. Blocks.
    ///
    /// A blob whose bytes do not have `digest` is refused.
    pub(super) async fn save(
        &self,
        digest: &Digest,
        blob: Blob,
        space: OwnedSemaphorePermit,
    ) -> Result<ScratchFile, BlobError> {
        let mut file = tempfile::tempfile_in(&self.dir)
            .map_err(BlobError::io("create a file in", &self.dir))?;
        let mut digester = Digester::new(digest.algorithm());
        let mut stream = blob.into_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(BlobError::io("download a blob to", &self.dir))?;
            digester.update(&chunk);
            file.write_all(&chunk)
                .map_err(BlobError::io("write to", &self.dir))?;
        }
        let found = digester.finish();
        if found != *digest {
            return Err(BlobError::Corrupt {
                digest: digest.clone(),
                found,
            });
        }
        file.seek(SeekFrom::Start(0))
            .map_err(BlobError::io("read from", &self.dir))?;
        Ok(ScratchFile {
            file,
            _space: space,
        })
    }
}

/// A local copy of a blob; gives its space back when dropped.
#[derive(Debug)]
pub(super) struct ScratchFile {
    file: File,
    _space: OwnedSemaphorePermit,
}

impl Read for ScratchFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}
