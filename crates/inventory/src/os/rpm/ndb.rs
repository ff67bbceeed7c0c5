//! SUSE's `Packages.db` (rpm's `lib/backend/ndb`): pages of slots, each of which says where a
//! header lies, in blocks of 16 bytes; all numbers little-endian.

use super::{DatabaseError, Records, exactly};
use crate::body::Body;

const PAGE: u64 = 4096;
const BLOCK: u64 = 16;
/// The file's header takes the place of two slots.
const HEADER_SLOTS: u64 = 2;
/// A hundred thousand packages need four hundred pages.
const MAX_PAGES: u32 = 4096;

/// Returns whether `head` is the beginning of one.
pub(super) fn is_one(head: &[u8]) -> bool {
    head.starts_with(b"RpmP")
}

/// Hands each header to `records`.
pub(super) fn read(body: &Body, records: &mut Records) -> Result<(), DatabaseError> {
    let pages = number(&exactly(body, 12, 4)?);
    if pages == 0 || pages > MAX_PAGES {
        return Err(DatabaseError::Damaged(
            "the number of its slot pages makes no sense",
        ));
    }
    for slot in HEADER_SLOTS..u64::from(pages) * (PAGE / BLOCK) {
        let slot = exactly(body, slot * BLOCK, 16)?;
        if !slot.starts_with(b"Slot") {
            return Err(DatabaseError::Damaged("a slot has no mark"));
        }
        let package = number(&slot[4..]);
        if package == 0 {
            continue;
        }
        let offset = u64::from(number(&slot[8..])) * BLOCK;
        let blob = exactly(body, offset, 16)?;
        if !blob.starts_with(b"BlbS") || number(&blob[4..]) != package {
            return Err(DatabaseError::Damaged("a slot leads to no package"));
        }
        let length = usize::try_from(number(&blob[12..])).unwrap_or(usize::MAX);
        records.reserve(length)?;
        records.take(&exactly(body, offset + 16, length)?)?;
    }
    Ok(())
}

/// Reads four bytes; the caller has seen to it that there are as many.
fn number(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .take(4)
        .rev()
        .fold(0, |value, byte| value << 8 | u32::from(*byte))
}
