//! The part of an upload that fills up: little of it in memory, the rest in a local file without
//! a name. However slowly it fills, it takes no memory from others.

use std::{fs::File, os::unix::fs::FileExt as _, path::Path, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::{BlobError, disk::blocking};

/// So much waits in memory.
pub(super) const LITTLE: usize = 256 * 1024;

pub(super) struct Tail {
    dir: Arc<Path>,
    /// What came first; the same file for one part after the other.
    file: Option<File>,
    /// Bytes in the file.
    spooled: usize,
    /// What came last.
    memory: BytesMut,
}

impl Tail {
    /// An empty one, whose file would be in `dir`.
    pub(super) fn new(dir: Arc<Path>) -> Self {
        Self {
            dir,
            file: None,
            spooled: 0,
            memory: BytesMut::new(),
        }
    }

    /// Returns how many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.spooled + self.memory.len()
    }

    /// Returns whether it is too much for memory that was not asked for.
    pub(super) fn is_large(&self) -> bool {
        self.spooled > 0
    }

    /// Adds `piece` at the end.
    pub(super) async fn add(&mut self, piece: &[u8]) -> Result<(), BlobError> {
        self.memory.extend_from_slice(piece);
        if self.memory.len() < LITTLE {
            return Ok(());
        }
        let (bytes, at) = (self.memory.split().freeze(), self.spooled);
        let (dir, file, length) = (Arc::clone(&self.dir), self.file.take(), bytes.len());
        let write = move || {
            let file = match file {
                Some(file) => file,
                None => tempfile::tempfile_in(&dir).map_err(BlobError::io("create in", &dir))?,
            };
            file.write_all_at(&bytes, at as u64)
                .map_err(BlobError::io("write to", &dir))?;
            Ok::<_, BlobError>(file)
        };
        self.file = Some(blocking(write).await?);
        self.spooled += length;
        Ok(())
    }

    /// Returns all of it and leaves nothing.
    pub(super) async fn take(&mut self) -> Result<Bytes, BlobError> {
        if self.spooled == 0 {
            return Ok(self.memory.split().freeze());
        }
        let dir = Arc::clone(&self.dir);
        // Gone with a write that failed or was given up; what is there is not the whole then.
        let lost = || std::io::Error::other("the file is gone");
        let file = (self.file.take()).ok_or_else(|| BlobError::io("read from", &dir)(lost()))?;
        let (length, last) = (self.spooled, self.memory.split());
        let read = move || {
            let mut bytes = vec![0; length + last.len()];
            file.read_exact_at(&mut bytes[..length], 0)
                .map_err(BlobError::io("read from", &dir))?;
            bytes[length..].copy_from_slice(&last);
            Ok::<_, BlobError>((file, bytes))
        };
        let (file, bytes) = blocking(read).await?;
        (self.file, self.spooled) = (Some(file), 0);
        Ok(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_added_comes_back_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut tail = Tail::new(dir.path().into());
        assert_eq!(tail.take().await.expect("taken"), Bytes::new());
        for pieces in [
            &[1_usize, 5][..],
            &[LITTLE - 1, 1],
            &[LITTLE + 3, LITTLE, 7],
        ] {
            let mut expected = Vec::new();
            for (number, length) in (1..).zip(pieces) {
                let piece = vec![number; *length];
                tail.add(&piece).await.expect("added");
                expected.extend(piece);
            }
            assert_eq!(tail.len(), expected.len());
            assert_eq!(tail.is_large(), expected.len() >= LITTLE);
            assert!(tail.memory.len() < LITTLE);
            assert_eq!(tail.take().await.expect("taken"), expected);
            assert_eq!(tail.len(), 0);
        }
        let left = std::fs::read_dir(dir.path()).expect("read").count();
        assert_eq!(left, 0, "the file has no name");
    }
}
