//! As much of SQLite's file format (sqlite.org, "Database File Format") as it takes to read
//! the one column of one table: `Packages`, whose rows are package headers.

use std::{borrow::Cow, collections::HashSet};

use super::{DatabaseError, MAX_HEADER, Records, exactly, log::Log};
use crate::body::Body;

const MAGIC: &[u8] = b"SQLite format 3\0";
/// Bytes of the file's header, before the first page's own.
const FILE_HEADER: usize = 100;
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;
/// Columns of a row that are looked at: that of tables (`sqlite_schema`) has its page there.
const COLUMNS: usize = 4;

/// Returns whether `head` is the beginning of one.
pub(super) fn is_one(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// Returns whether what changes goes to a log first ("write version").
pub(super) fn has_log(head: &[u8]) -> bool {
    is_one(head) && head.get(18) == Some(&2)
}

/// Hands each header to `records`; pages of the log count before those of the database.
pub(super) fn read(
    body: &Body,
    log: Option<&Log<'_>>,
    records: &mut Records,
) -> Result<(), DatabaseError> {
    let header = exactly(body, 0, FILE_HEADER)?;
    let size = match number(&header[16..18]) {
        1 => 65536,
        size => usize::try_from(size).unwrap_or(0),
    };
    let usable = size.saturating_sub(usize::from(header[20]));
    if !size.is_power_of_two() || size < 512 || usable < 480 {
        return Err(DatabaseError::Damaged("its page size makes no sense"));
    }
    let mut file = File {
        body,
        log,
        size,
        usable,
        seen: HashSet::new(),
        left: body.size().saturating_add(log.map_or(0, Log::bytes)),
    };
    let mut root = None;
    file.rows(1, &mut |row| {
        let [kind, name, _, page] = &columns(row)[..] else {
            return Ok(());
        };
        if *kind == b"table" && name.eq_ignore_ascii_case(b"Packages") {
            root = Some(number(page));
        }
        Ok(())
    })?;
    let root = root.ok_or(DatabaseError::Damaged("it has no table `Packages`"))?;
    file.seen.clear();
    file.rows(root, &mut |row| match columns(row)[..] {
        [_, header, ..] => {
            records.reserve(header.len())?;
            records.take(header)
        }
        _ => Err(DatabaseError::Damaged("a row has no header")),
    })
}

type TakeRow<'t> = dyn FnMut(&[u8]) -> Result<(), DatabaseError> + 't;

struct File<'b> {
    body: &'b Body,
    log: Option<&'b Log<'b>>,
    size: usize,
    usable: usize,
    /// Pages of the tree; in a tree no page comes twice.
    seen: HashSet<u64>,
    /// Bytes that rows may still have: no two share any.
    left: u64,
}

impl<'b> File<'b> {
    fn page(&self, number: u64) -> Result<Cow<'b, [u8]>, DatabaseError> {
        if let Some((log, at)) = self.log.and_then(|log| log.page(number, self.size)) {
            return exactly(log, at, self.size);
        }
        let before = number
            .checked_sub(1)
            .ok_or(DatabaseError::Damaged("page 0"))?;
        let offset = before.checked_mul(self.size as u64);
        exactly(
            self.body,
            offset.ok_or(DatabaseError::Truncated)?,
            self.size,
        )
    }

    /// Hands each row of the tree below `root` to `take`, in order.
    fn rows(&mut self, root: u64, take: &mut TakeRow<'_>) -> Result<(), DatabaseError> {
        let mut left = vec![root];
        while let Some(number) = left.pop() {
            if !self.seen.insert(number) {
                return Err(DatabaseError::Damaged("a page is in the tree twice"));
            }
            let page = self.page(number)?;
            let start = if number == 1 { FILE_HEADER } else { 0 };
            match page[start] {
                INTERIOR => left.extend(children(&page, start)?.into_iter().rev()),
                LEAF => {
                    for cell in cells(&page, start, 8)? {
                        take(&self.payload(&page, cell)?)?;
                    }
                }
                _ => return Err(DatabaseError::Damaged("a page is of no known kind")),
            }
        }
        Ok(())
    }

    /// Puts a row together: what is too long for its page goes on in a chain of others.
    fn payload<'p>(&mut self, page: &'p [u8], cell: usize) -> Result<Cow<'p, [u8]>, DatabaseError> {
        let outside = DatabaseError::Damaged("a row lies outside of its page");
        let mut rest = page.get(cell..self.usable).unwrap_or_default();
        let length = varint(&mut rest).and_then(|length| usize::try_from(length).ok());
        let rowid = varint(&mut rest);
        let (Some(length), Some(_)) = (length, rowid) else {
            return Err(outside);
        };
        if length > MAX_HEADER {
            return Err(DatabaseError::Damaged("a row's length makes no sense"));
        }
        if length as u64 > self.left {
            return Err(DatabaseError::Damaged("its rows share bytes"));
        }
        self.left -= length as u64;
        let local = self.local(length);
        let Some((own, rest)) = rest.split_at_checked(local) else {
            return Err(outside);
        };
        if local == length {
            return Ok(Cow::Borrowed(own));
        }
        let mut payload = own.to_vec();
        let mut next = number(rest.get(..4).ok_or(outside)?);
        while payload.len() < length {
            let page = self.page(next)?;
            let part = (length - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(&page[4..4 + part]);
            next = number(&page[..4]);
        }
        Ok(Cow::Owned(payload))
    }

    /// Returns how much of a row of `length` bytes is in its leaf (section 1.6).
    fn local(&self, length: usize) -> usize {
        let most = self.usable - 35;
        if length <= most {
            return length;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let local = least + (length - least) % (self.usable - 4);
        if local <= most { local } else { least }
    }
}

/// Returns the pages below an interior page.
fn children(page: &[u8], start: usize) -> Result<Vec<u64>, DatabaseError> {
    let mut children = Vec::new();
    for cell in cells(page, start, 12)? {
        let child = page.get(cell..cell + 4);
        children.push(number(
            child.ok_or(DatabaseError::Damaged("a child lies outside of its page"))?,
        ));
    }
    children.push(number(&page[start + 8..start + 12]));
    Ok(children)
}

/// Returns where a page's cells begin.
fn cells(page: &[u8], start: usize, header: usize) -> Result<Vec<usize>, DatabaseError> {
    let count = number(&page[start + 3..start + 5]);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let from = start + header;
    let pointers = page.get(from..from + count * 2);
    let pointers = pointers.ok_or(DatabaseError::Damaged("a page has more cells than room"))?;
    let offset = |pair: &[u8]| usize::from(pair[0]) << 8 | usize::from(pair[1]);
    Ok(pointers.chunks_exact(2).map(offset).collect())
}

/// Returns a record's first columns as bytes (section 2.1); fewer where it breaks off.
fn columns(record: &[u8]) -> Vec<&[u8]> {
    let mut columns = Vec::new();
    let mut kinds = record;
    let length = varint(&mut kinds).and_then(|length| usize::try_from(length).ok());
    let taken = record.len() - kinds.len();
    let Some(length) = length.filter(|length| (taken..=record.len()).contains(length)) else {
        return columns;
    };
    let mut rest = &record[length..];
    kinds = &kinds[..length - taken];
    while columns.len() < COLUMNS
        && let Some(kind) = varint(&mut kinds)
    {
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => break,
            kind => (kind - 12) / 2,
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let Some((column, after)) = rest.split_at_checked(size) else {
            break;
        };
        columns.push(column);
        rest = after;
    }
    columns
}

/// Takes a number of one to nine bytes, seven bits in each but the ninth.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for place in 0..9 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if place == 8 {
            return Some(value << 8 | u64::from(*byte));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Reads up to eight bytes, the highest first.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .take(8)
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_take_no_more_than_they_may() {
        let record = [&[0x87, 0x6a][..], &[0; 1000]].concat();
        assert_eq!(columns(&record).len(), COLUMNS);
        let body = Body::of(vec![0; 512]);
        let mut file = File {
            body: &body,
            log: None,
            size: 512,
            usable: 512,
            seen: HashSet::new(),
            left: u64::MAX,
        };
        // 128 MiB, of which the other pages would be this one again and again.
        let page = [&[0xc0, 0x80, 0x80, 0, 1][..], &[0; 507]].concat();
        let error = file.payload(&page, 0).expect_err("a long row").to_string();
        assert!(error.contains("length"), "{error}");
    }
}
