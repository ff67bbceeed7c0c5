//! One upload in somebody's hands: exclusive until dropped.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use oci::{Algorithm, Digest, Digester};

use super::{
    BlobError, BlobStore, UploadError,
    disk::{CHUNK, detached},
    upload_slots::Slots,
};

/// An upload held by one request.
///
/// It travels into the blocking thread that writes, and its drop gives the upload free.
/// So a request that goes away in the middle of a write frees the upload only when that
/// write is over.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) slots: Arc<Slots>,
    pub(super) id: String,
    pub(super) path: PathBuf,
    /// Bytes received and kept.
    pub(super) offset: u64,
    /// SHA-256 of them, unless a restart has lost it.
    pub(super) sha256: Option<Digester>,
}

impl Held {
    /// Adds `pieces` at the end: all of them, or after an error none.
    pub(super) fn write(&mut self, pieces: &[Bytes]) -> Result<(), UploadError> {
        if let Err(error) = self.write_file(pieces) {
            let file = OpenOptions::new().write(true).open(&self.path);
            if let Err(cut) = file.and_then(|file| file.set_len(self.offset)) {
                // The next one to take the upload sees that the length differs.
                tracing::warn!(upload.id = self.id, error = %cut, "upload could not be cut back");
            }
            return Err(BlobError::io("write", &self.path)(error).into());
        }
        for piece in pieces {
            self.offset += piece.len() as u64;
            if let Some(digester) = &mut self.sha256 {
                digester.update(piece);
            }
        }
        self.slots.advance(&self.id, self.offset);
        Ok(())
    }

    fn write_file(&self, pieces: &[Bytes]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        pieces.iter().try_for_each(|piece| file.write_all(piece))
    }

    /// Returns the digest of everything received; reads the file only if it has to.
    pub(super) fn digest(&self, algorithm: Algorithm) -> Result<Digest, BlobError> {
        match &self.sha256 {
            Some(digester) if algorithm == Algorithm::Sha256 => Ok(digester.clone().finish()),
            _ => digest_file(&self.path, algorithm).map_err(BlobError::io("read", &self.path)),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let slots = Arc::clone(&self.slots);
        slots.free(self);
    }
}

fn digest_file(path: &Path, algorithm: Algorithm) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let mut digester = Digester::new(algorithm);
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(digester.finish()),
            len => digester.update(&buffer[..len]),
        }
    }
}

/// A complete upload with its digest verified; nobody else can touch it meanwhile.
///
/// Dropped without [`StagedFile::store_in`], it is an open upload again.
#[derive(Debug)]
pub struct StagedFile {
    pub(super) held: Held,
    pub(super) digest: Digest,
}

impl StagedFile {
    /// Returns the verified digest.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Returns the size in bytes.
    pub fn size(&self) -> u64 {
        self.held.offset
    }

    /// Returns where the bytes are, for reading.
    pub fn path(&self) -> &Path {
        &self.held.path
    }

    /// Moves the file into `blobs`; the upload ends with it. After an error it is open again.
    ///
    /// Goes on even if the caller goes away: the upload must stay taken until it is done.
    pub async fn store_in(self, blobs: Arc<dyn BlobStore>) -> Result<(), BlobError> {
        let work = async move { blobs.put_file(&self.digest, &self.held.path).await };
        detached(work).await
    }
}
