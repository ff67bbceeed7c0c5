//! The layout of a database file; all numbers are little endian.
//!
//! ```text
//! header   64 bytes: magic, format, checksum of index and meta, offset of the index,
//!          offset of the meta, length of the file
//! blocks   zstd frames (with their own checksum), each holding whole records as JSON
//! index    five tables, see `index`
//! meta     JSON
//! ```

/// The format this crate reads and writes; any change of layout or of the records raises it.
pub const FORMAT_VERSION: u32 = 1;

pub(super) const HEADER_LENGTH: usize = 64;

/// No block is larger, packed or plain; one record may fill a block of its own.
pub(super) const MAX_BLOCK: usize = 256 << 20;

const MAGIC: [u8; 8] = *b"PLIMADV\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) format: u32,
    pub(super) checksum: u32,
    pub(super) index_offset: u64,
    pub(super) meta_offset: u64,
    pub(super) length: u64,
}

impl Header {
    pub(super) fn parse(bytes: &[u8; HEADER_LENGTH]) -> Option<Self> {
        bytes.starts_with(&MAGIC).then_some(())?;
        let word = |at: usize| {
            bytes
                .get(at..at + 4)?
                .try_into()
                .ok()
                .map(u32::from_le_bytes)
        };
        let long = |at: usize| {
            bytes
                .get(at..at + 8)?
                .try_into()
                .ok()
                .map(u64::from_le_bytes)
        };
        Some(Self {
            format: word(8)?,
            checksum: word(12)?,
            index_offset: long(16)?,
            meta_offset: long(24)?,
            length: long(32)?,
        })
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0; HEADER_LENGTH];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&self.format.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.checksum.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.index_offset.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.meta_offset.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }

    /// Returns the bytes of index and meta together, or `None` if the file of this length
    /// cannot be the one the header describes.
    pub(super) fn tail_length(self, file_length: u64) -> Option<usize> {
        let ordered = HEADER_LENGTH as u64 <= self.index_offset
            && self.index_offset <= self.meta_offset
            && self.meta_offset <= self.length;
        (ordered && self.length == file_length).then_some(())?;
        usize::try_from(self.length - self.index_offset).ok()
    }

    /// Returns the bytes of the index; only meaningful after [`Header::tail_length`] agreed.
    pub(super) fn index_length(self) -> usize {
        usize::try_from(self.meta_offset.saturating_sub(self.index_offset)).unwrap_or(usize::MAX)
    }
}

/// CRC-32: it guards against accidents at 10 GB/s; whoever may write the file owns it anyway.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
