//! A Berkeley DB hash, `Packages` (Oracle Berkeley DB, `dbinc/db_page.h`): pages that hold
//! pairs of key and value, and chains of pages for what is larger than one. Numbers are in
//! the byte order of the machine that wrote them.

use std::borrow::Cow;

use super::{DatabaseError, Records, exactly};
use crate::body::Body;

const HASH_MAGIC: u32 = 0x0006_1561;
const HASH_META: u8 = 8;
const HASH_UNSORTED: u8 = 2;
const HASH: u8 = 13;
const OVERFLOW: u8 = 7;
/// A value within the page.
const ITEM: u8 = 1;
/// A value in a chain of overflow pages.
const ITEM_OFF_PAGE: u8 = 3;
/// Bytes of a page's header.
const PAGE_HEADER: usize = 26;
/// The smallest header of a package is longer; the counter of record numbers is not.
const SMALLEST: usize = 24;

/// Returns whether `head` is the beginning of one.
pub(super) fn is_one(head: &[u8]) -> bool {
    Order::of(head).is_some()
}

/// Hands each header to `records`.
pub(super) fn read(body: &Body, records: &mut Records) -> Result<(), DatabaseError> {
    let meta = exactly(body, 0, 72)?;
    let order = Order::of(&meta).ok_or(DatabaseError::Damaged("it has no magic number"))?;
    let size = order.word(&meta[20..]);
    if !size.is_power_of_two() || !(512..=65536).contains(&size) {
        return Err(DatabaseError::Damaged("its page size makes no sense"));
    }
    if meta[24] != 0 || meta[25] != HASH_META {
        return Err(DatabaseError::Damaged("it is encrypted or no hash"));
    }
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let last = u64::from(order.word(&meta[32..]));
    let file = File { body, order, size };
    // The last page may be announced and not yet written.
    let last = last.min((body.size() / size as u64).saturating_sub(1));
    for number in 1..=last {
        let page = file.page(number)?;
        if matches!(page[25], HASH_UNSORTED | HASH) {
            file.values(&page, records)?;
        }
    }
    Ok(())
}

struct File<'b> {
    body: &'b Body,
    order: Order,
    size: usize,
}

impl<'b> File<'b> {
    fn page(&self, number: u64) -> Result<Cow<'b, [u8]>, DatabaseError> {
        exactly(self.body, number * self.size as u64, self.size)
    }

    /// Reads a page's values: keys and values take turns, and grow from the page's end.
    fn values(&self, page: &[u8], records: &mut Records) -> Result<(), DatabaseError> {
        let damaged = DatabaseError::Damaged;
        let count = usize::from(self.order.half(&page[20..]));
        let index = page.get(PAGE_HEADER..PAGE_HEADER + count * 2);
        let index = index.ok_or(damaged("a page has more entries than room"))?;
        let offsets: Vec<_> = index
            .chunks_exact(2)
            .map(|pair| usize::from(self.order.half(pair)))
            .collect();
        for pair in offsets.chunks_exact(2) {
            let value = page.get(pair[1]..pair[0]);
            let value = value.ok_or(damaged("an entry lies outside of its page"))?;
            match value {
                [ITEM, header @ ..] if header.len() >= SMALLEST => records.take(header)?,
                [ITEM_OFF_PAGE, rest @ ..] if rest.len() >= 11 => {
                    let (first, length) =
                        (self.order.word(&rest[3..]), self.order.word(&rest[7..]));
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    records.reserve(length)?;
                    records.take(&self.chain(first, length)?)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn chain(&self, first: u32, length: usize) -> Result<Vec<u8>, DatabaseError> {
        let mut value = Vec::new();
        let mut next = first;
        // Each page adds at least a byte, so that a chain that bites its tail ends.
        while next != 0 && value.len() < length {
            let page = self.page(u64::from(next))?;
            if page[25] != OVERFLOW {
                return Err(DatabaseError::Damaged("a chain of pages leads astray"));
            }
            let used = usize::from(self.order.half(&page[22..]));
            let part = page.get(PAGE_HEADER..PAGE_HEADER + used);
            match part {
                Some(part) if !part.is_empty() => value.extend_from_slice(part),
                _ => return Err(DatabaseError::Damaged("a page of a chain is empty")),
            }
            next = self.order.word(&page[16..]);
        }
        if value.len() < length {
            return Err(DatabaseError::Truncated);
        }
        value.truncate(length);
        Ok(value)
    }
}

/// Which end of a number comes first.
#[derive(Debug, Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn of(head: &[u8]) -> Option<Self> {
        let magic: [u8; 4] = head.get(12..16)?.try_into().ok()?;
        match magic {
            magic if u32::from_le_bytes(magic) == HASH_MAGIC => Some(Self::Little),
            magic if u32::from_be_bytes(magic) == HASH_MAGIC => Some(Self::Big),
            _ => None,
        }
    }

    /// Reads four bytes; the caller has seen to it that there are as many.
    fn word(self, bytes: &[u8]) -> u32 {
        self.number(&bytes[..4])
    }

    fn half(self, bytes: &[u8]) -> u16 {
        u16::try_from(self.number(&bytes[..2])).unwrap_or(u16::MAX)
    }

    fn number(self, bytes: &[u8]) -> u32 {
        let add = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
        match self {
            Self::Little => bytes.iter().rev().fold(0, add),
            Self::Big => bytes.iter().fold(0, add),
        }
    }
}
