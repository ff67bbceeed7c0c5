//! A layer's uncompressed stream: compression is found by its magic number,
//! bytes are hashed on a second thread while the first inflates and reads on.

use std::{
    cell::Cell,
    io::{self, BufReader, Cursor, Read},
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
};

use oci::{Algorithm, Digest, Digester};

use crate::{
    Limits, ScanError,
    gunzip::Gunzip,
    limits,
    unzstd::{TooWide, Unzstd},
};

/// Fits the second-level cache together with the decoder's window.
const CHUNK: usize = 256 << 10;
/// Chunks that may wait for the hashing thread.
const WAITING: usize = 4;

/// Counts what is read from the blob.
pub(crate) struct Counted<'a> {
    inner: &'a mut dyn Read,
    count: &'a Cell<u64>,
}

impl<'a> Counted<'a> {
    /// Counts into `count`.
    pub(crate) fn new(inner: &'a mut dyn Read, count: &'a Cell<u64>) -> Self {
        Self { inner, count }
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// Undoes whatever compression the first bytes show.
fn decoder(blob: Counted<'_>, window: u64) -> io::Result<Box<dyn Read + '_>> {
    let mut reader = BufReader::with_capacity(CHUNK, blob);
    let mut magic = Vec::with_capacity(4);
    (&mut reader).take(4).read_to_end(&mut magic)?;
    let whole = Cursor::new(magic.clone()).chain(reader);
    Ok(match magic.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(Gunzip::new(whole)),
        // A zstd frame, or one of the skippable frames zstd:chunked puts first.
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
            Box::new(Unzstd::new(whole, window)?)
        }
        _ => Box::new(whole),
    })
}

/// What the reader said, after so many uncompressed bytes.
fn read_error(offset: u64, source: io::Error, limits: &Limits) -> ScanError {
    match source.get_ref().is_some_and(|inner| inner.is::<TooWide>()) {
        true => ScanError::Limit {
            name: "zstd_window",
            limit: limits.zstd_window,
            place: format!("a frame after byte {offset}: {source}"),
        },
        false => ScanError::Read { offset, source },
    }
}

/// Hands chunks to the hashing thread and takes them back empty.
pub(crate) struct HashQueue {
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
}

/// The hashing thread's end.
pub(crate) struct HashWork {
    full: Receiver<Vec<u8>>,
    empty: Sender<Vec<u8>>,
}

/// Makes both ends.
pub(crate) fn hash_queue() -> (HashQueue, HashWork) {
    let (full_in, full_out) = sync_channel(WAITING);
    let (empty_in, empty_out) = channel();
    let queue = HashQueue {
        full: full_in,
        empty: empty_out,
    };
    (
        queue,
        HashWork {
            full: full_out,
            empty: empty_in,
        },
    )
}

impl HashWork {
    /// Hashes until the queue is dropped.
    pub(crate) fn run(self) -> Digest {
        let mut digester = Digester::new(Algorithm::Sha256);
        for chunk in self.full {
            digester.update(&chunk);
            // The reader may be gone already; then nobody needs the buffer.
            drop(self.empty.send(chunk));
        }
        digester.finish()
    }
}

/// The uncompressed stream, read in pieces of any size.
pub(crate) struct LayerStream<'a> {
    source: Box<dyn Read + 'a>,
    chunk: Vec<u8>,
    used: usize,
    before: u64,
    limits: Limits,
    hash: Option<HashQueue>,
}

impl<'a> LayerStream<'a> {
    /// Starts to read `blob`.
    pub(crate) fn new(
        blob: Counted<'a>,
        limits: &Limits,
        hash: Option<HashQueue>,
    ) -> Result<Self, ScanError> {
        let source = decoder(blob, limits.zstd_window);
        let source = source.map_err(|source| ScanError::Read { offset: 0, source })?;
        Ok(Self {
            source,
            chunk: Vec::new(),
            used: 0,
            before: 0,
            limits: limits.clone(),
            hash,
        })
    }

    /// Returns how many bytes were taken.
    pub(crate) fn offset(&self) -> u64 {
        self.before + self.used as u64
    }

    /// Returns the bytes at hand, at least one unless the stream has ended.
    fn fill(&mut self) -> Result<&[u8], ScanError> {
        if self.used == self.chunk.len() {
            self.next_chunk()?;
        }
        Ok(&self.chunk[self.used..])
    }

    fn next_chunk(&mut self) -> Result<(), ScanError> {
        self.before += self.chunk.len() as u64;
        if let Some(hash) = self.hash.as_ref().filter(|_| !self.chunk.is_empty()) {
            let spare = hash.empty.try_recv().unwrap_or_default();
            let full = std::mem::replace(&mut self.chunk, spare);
            // Fails only if the hashing thread panicked; joining it tells.
            drop(hash.full.send(full));
        }
        self.used = 0;
        self.chunk.resize(CHUNK, 0);
        let mut filled = 0;
        while filled < CHUNK {
            match self.source.read(&mut self.chunk[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    self.chunk.clear();
                    let offset = self.before + filled as u64;
                    return Err(read_error(offset, source, &self.limits));
                }
            }
        }
        self.chunk.truncate(filled);
        let total = self.before + filled as u64;
        let limit = self.limits.uncompressed_bytes;
        limits::check("uncompressed_bytes", limit, total, "the whole layer")
    }

    /// Returns up to `most` of the next bytes without taking them; fewer where a chunk ends,
    /// which bodies, aligned to 512 bytes, never do within so many.
    pub(crate) fn peek(&mut self, most: usize) -> Result<&[u8], ScanError> {
        if most == 0 {
            return Ok(&[]);
        }
        let bytes = self.fill()?;
        Ok(&bytes[..most.min(bytes.len())])
    }

    /// Appends up to `size` bytes to `out`; fewer only at the end of the stream.
    pub(crate) fn read_into(&mut self, size: u64, out: &mut Vec<u8>) -> Result<(), ScanError> {
        self.copy(size, &mut |bytes| {
            out.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(())
    }

    /// Hands up to `size` bytes to `take`, piece by piece; returns how many there were.
    pub(crate) fn copy(
        &mut self,
        size: u64,
        take: &mut dyn FnMut(&[u8]) -> Result<(), ScanError>,
    ) -> Result<u64, ScanError> {
        let mut wanted = size;
        while wanted > 0 {
            let bytes = self.fill()?;
            if bytes.is_empty() {
                break;
            }
            let part = bytes
                .len()
                .min(usize::try_from(wanted).unwrap_or(usize::MAX));
            take(&bytes[..part])?;
            self.used += part;
            wanted -= part as u64;
        }
        Ok(size - wanted)
    }

    /// Passes over `size` bytes and returns how many there were.
    pub(crate) fn skip(&mut self, size: u64) -> Result<u64, ScanError> {
        let mut wanted = size;
        while wanted > 0 {
            let have = self.fill()?.len();
            if have == 0 {
                break;
            }
            let part = have.min(usize::try_from(wanted).unwrap_or(usize::MAX));
            self.used += part;
            wanted -= part as u64;
        }
        Ok(size - wanted)
    }
}
