//! A table of sorted keys in pages: where the records of a key lie, and a hash of what they say.
//!
//! ```text
//! page       checksum u32, then entries: key (length, bytes), hash (16 bytes), number of places,
//!            places { block offset, start }; lengths and numbers take seven bits a byte
//! directory  number of pages, then for each: first key (length, bytes), length of the page;
//!            pages lie one after the other
//! ```
//!
//! The directory is in memory, pages are read when they are needed. Every access is checked, so
//! a damaged file cannot panic.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use super::format::{
    Place, checksum, put_bytes, put_number, take, take_bytes, take_number, take_u32, take_u128,
};

/// Bytes after which a page is closed; small enough to be searched from one end.
const PAGE_SIZE: usize = 4 << 10;
/// A key of very many records makes a page this large at most.
const MAX_PAGE: u64 = 256 << 20;

/// What the table says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: Vec<u8>,
    pub(super) hash: u128,
    pub(super) places: Vec<Place>,
}

/// Writes a table; keys must come in order.
pub(super) struct TableWriter {
    page: Vec<u8>,
    first: Vec<u8>,
    directory: Vec<u8>,
    pages: u64,
    pub(super) keys: u64,
    pub(super) length: u64,
}

impl TableWriter {
    pub(super) fn new() -> Self {
        Self {
            page: Vec::with_capacity(2 * PAGE_SIZE),
            first: Vec::new(),
            directory: Vec::new(),
            pages: 0,
            keys: 0,
            length: 0,
        }
    }

    pub(super) fn add(
        &mut self,
        key: &[u8],
        hash: u128,
        places: &[Place],
        file: &mut impl Write,
    ) -> io::Result<()> {
        if self.page.is_empty() {
            self.first = key.to_vec();
        }
        self.keys += 1;
        put_bytes(&mut self.page, key);
        self.page.extend(hash.to_le_bytes());
        put_number(&mut self.page, places.len() as u64);
        for place in places {
            put_number(&mut self.page, place.block);
            put_number(&mut self.page, u64::from(place.start));
        }
        if self.page.len() >= PAGE_SIZE {
            self.close_page(file)?;
        }
        Ok(())
    }

    fn close_page(&mut self, file: &mut impl Write) -> io::Result<()> {
        if self.page.is_empty() {
            return Ok(());
        }
        file.write_all(&checksum(&self.page).to_le_bytes())?;
        file.write_all(&self.page)?;
        let length = self.page.len() as u64 + 4;
        put_bytes(&mut self.directory, &self.first);
        put_number(&mut self.directory, length);
        self.length += length;
        self.pages += 1;
        self.page.clear();
        Ok(())
    }

    /// Writes the last page; returns the directory.
    pub(super) fn finish(&mut self, file: &mut impl Write) -> io::Result<Vec<u8>> {
        self.close_page(file)?;
        let mut directory = Vec::with_capacity(self.directory.len() + 10);
        put_number(&mut directory, self.pages);
        directory.append(&mut self.directory);
        Ok(directory)
    }
}

/// An open table.
#[derive(Debug)]
pub(super) struct Table {
    /// First key, offset and length of each page.
    pages: Vec<(Box<[u8]>, u64, u64)>,
}

impl Table {
    /// Reads a directory; the pages begin at `offset` and end at or before `end`.
    pub(super) fn parse(bytes: &mut &[u8], mut offset: u64, end: u64) -> Option<(Self, u64)> {
        let count = usize::try_from(take_number(bytes)?).ok()?;
        // Each page takes two bytes of the directory at least.
        (count <= bytes.len()).then_some(())?;
        let mut pages = Vec::with_capacity(count);
        for _ in 0..count {
            let first = take_bytes(bytes)?;
            let length = take_number(bytes)?;
            pages.push((first.into(), offset, length));
            offset = offset.checked_add(length)?;
            ((4..=MAX_PAGE).contains(&length) && offset <= end).then_some(())?;
        }
        Some((Self { pages }, offset))
    }

    /// Returns the entry of a key.
    pub(super) fn find(&self, key: &[u8], file: &File) -> Result<Option<Entry>, PageError> {
        let after = self.pages.partition_point(|(first, ..)| &**first <= key);
        let Some(number) = after.checked_sub(1) else {
            return Ok(None);
        };
        let page = self.page(number, file)?;
        let mut rest = page.as_slice();
        while !rest.is_empty() {
            let found = skim(&mut rest).ok_or(PageError::Damaged)?;
            match found.key.cmp(key) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => {
                    return found.entry().map(Some).ok_or(PageError::Damaged);
                }
                std::cmp::Ordering::Greater => break,
            }
        }
        Ok(None)
    }

    fn page(&self, number: usize, file: &File) -> Result<Vec<u8>, PageError> {
        let (_, offset, length) = &self.pages[number];
        let length = usize::try_from(*length).map_err(|_| PageError::Damaged)?;
        let mut page = vec![0; length];
        file.read_exact_at(&mut page, *offset)
            .map_err(PageError::Read)?;
        let content = page.split_off(4);
        let sum = take_u32(&mut page.as_slice()).ok_or(PageError::Damaged)?;
        if checksum(&content) != sum {
            return Err(PageError::Damaged);
        }
        Ok(content)
    }

    /// Goes through all entries in order.
    pub(super) fn walk<'t>(&'t self, file: &'t File) -> Walk<'t> {
        Walk {
            table: self,
            file,
            page: Vec::new(),
            at: 0,
            next_page: 0,
        }
    }
}

/// Why a page cannot be used.
#[derive(Debug)]
pub(super) enum PageError {
    Read(io::Error),
    Damaged,
}

/// An entry whose places were not looked at.
struct Skimmed<'p> {
    key: &'p [u8],
    hash: u128,
    count: u64,
    places: &'p [u8],
}

fn skim<'p>(page: &mut &'p [u8]) -> Option<Skimmed<'p>> {
    let key = take_bytes(page)?;
    let hash = take_u128(page)?;
    let count = take_number(page)?;
    let start = *page;
    for _ in 0..count.checked_mul(2)? {
        take_number(page)?;
    }
    let length = start.len() - page.len();
    Some(Skimmed {
        key,
        hash,
        count,
        places: take(&mut { start }, length)?,
    })
}

impl Skimmed<'_> {
    fn entry(&self) -> Option<Entry> {
        let mut rest = self.places;
        let mut places = Vec::new();
        for _ in 0..self.count {
            places.push(Place {
                block: take_number(&mut rest)?,
                start: u32::try_from(take_number(&mut rest)?).ok()?,
            });
        }
        Some(Entry {
            key: self.key.to_vec(),
            hash: self.hash,
            places,
        })
    }
}

/// All entries of a table, page by page.
pub(super) struct Walk<'t> {
    table: &'t Table,
    file: &'t File,
    page: Vec<u8>,
    at: usize,
    next_page: usize,
}

impl Walk<'_> {
    /// Returns key, hash and the number of places of the next entry.
    pub(super) fn next(&mut self) -> Result<Option<(Vec<u8>, u128, u64)>, PageError> {
        while self.at >= self.page.len() {
            if self.next_page >= self.table.pages.len() {
                return Ok(None);
            }
            self.page = self.table.page(self.next_page, self.file)?;
            self.at = 0;
            self.next_page += 1;
        }
        let mut rest = self.page.get(self.at..).ok_or(PageError::Damaged)?;
        let before = rest.len();
        let found = skim(&mut rest).ok_or(PageError::Damaged)?;
        self.at += before - rest.len();
        Ok(Some((found.key.to_vec(), found.hash, found.count)))
    }
}
