//! The layout of a database file; all numbers are little endian.
//!
//! ```text
//! header     64 bytes: magic, format, checksum of directories and meta, their offset, the
//!            offset of the meta, the length of the file
//! blocks     { packed length u32, plain length u32, zstd frame }; the plain bytes are records,
//!            each { length u32, JSON }
//! names      pages of a table by id, alias or upstream, see `table`
//! packages   pages of a table by ecosystem and package
//! directory  of the names' pages, then of the packages' pages
//! meta       JSON
//! ```

/// The format this crate reads and writes; any change of layout or of the records raises it.
pub const FORMAT_VERSION: u32 = 2;

pub(super) const HEADER_LENGTH: usize = 64;

/// No block is larger, packed or plain; one record may fill a block of its own.
pub(super) const MAX_BLOCK: usize = 256 << 20;

/// Directories and meta are read at once when a database is opened; real ones have a few
/// megabytes.
pub(super) const MAX_TAIL: u64 = 256 << 20;

pub(super) const MAGIC: [u8; 8] = *b"PLIMADV\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) format: u32,
    pub(super) checksum: u32,
    pub(super) tail_offset: u64,
    pub(super) meta_offset: u64,
    pub(super) length: u64,
}

impl Header {
    pub(super) fn parse(bytes: &[u8; HEADER_LENGTH]) -> Option<Self> {
        bytes.starts_with(&MAGIC).then_some(())?;
        let mut rest = &bytes[8..];
        Some(Self {
            format: take_u32(&mut rest)?,
            checksum: take_u32(&mut rest)?,
            tail_offset: take_u64(&mut rest)?,
            meta_offset: take_u64(&mut rest)?,
            length: take_u64(&mut rest)?,
        })
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0; HEADER_LENGTH];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&self.format.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.checksum.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.tail_offset.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.meta_offset.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }

    /// Returns the bytes of directories and meta together, or `None` if the file of this length
    /// cannot be the one the header describes.
    pub(super) fn tail_length(self, file_length: u64) -> Option<usize> {
        let ordered = HEADER_LENGTH as u64 <= self.tail_offset
            && self.tail_offset <= self.meta_offset
            && self.meta_offset <= self.length;
        let length = self.length.saturating_sub(self.tail_offset);
        (ordered && self.length == file_length && length <= MAX_TAIL).then_some(())?;
        usize::try_from(length).ok()
    }

    /// Returns the bytes of the directories; only meaningful after [`Header::tail_length`] agreed.
    pub(super) fn directory_length(self) -> usize {
        usize::try_from(self.meta_offset.saturating_sub(self.tail_offset)).unwrap_or(usize::MAX)
    }
}

/// CRC-32: it guards against accidents at 10 GB/s; against others there is the signature.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

pub(super) fn take<'b>(bytes: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

pub(super) fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    take(bytes, 4)?.try_into().ok().map(u32::from_le_bytes)
}

pub(super) fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    take(bytes, 8)?.try_into().ok().map(u64::from_le_bytes)
}

pub(super) fn take_u128(bytes: &mut &[u8]) -> Option<u128> {
    take(bytes, 16)?.try_into().ok().map(u128::from_le_bytes)
}

/// Writes seven bits a byte, the lowest first.
pub(super) fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

pub(super) fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Writes a length and the bytes.
pub(super) fn put_bytes(bytes: &mut Vec<u8>, text: &[u8]) {
    put_number(bytes, text.len() as u64);
    bytes.extend(text);
}

pub(super) fn take_bytes<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(take_number(bytes)?).ok()?;
    take(bytes, length)
}

/// Where a record lies: the offset of its block, and its own within the plain block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) block: u64,
    pub(super) start: u32,
}
