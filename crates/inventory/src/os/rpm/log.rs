//! SQLite's write-ahead log (sqlite.org, "WAL-mode File Format"): pages that are newer than
//! those of the database, and not yet moved into it.

use std::collections::HashMap;

use super::{ANALYSER, sqlite};
use crate::{analyser::Findings, body::Body};

/// Bytes of the log's header, and of that before each page.
const HEADER: u64 = 32;
const FRAME: u64 = 24;
/// Both magic numbers but for the last bit, which says how the checksums count.
const MAGIC: u32 = 0x377f_0682;
const NAME: &str = "rpm/rpmdb.sqlite";
const ENDING: &str = "-wal";

/// The pages of a log that count: those before the last commit.
pub(super) struct Log<'b> {
    body: &'b Body,
    size: usize,
    /// Where each page's last bytes are.
    pages: HashMap<u64, u64>,
}

impl<'b> Log<'b> {
    /// Reads as far as checksums and salts agree; what follows is left from before.
    pub(super) fn read(body: &'b Body) -> Option<Self> {
        let header = body.range(0, HEADER as usize).ok()?;
        if (header.len() as u64) < HEADER {
            return None;
        }
        let word = |at: usize| Some(u32::from_be_bytes(*header.get(at..)?.first_chunk()?));
        if word(0)? & !1 != MAGIC {
            return None;
        }
        let big = word(0)? & 1 == 1;
        let size = usize::try_from(word(8)?).ok()?;
        if !size.is_power_of_two() || !(512..=65536).contains(&size) {
            return None;
        }
        let mut sums = [0, 0];
        checksum(&mut sums, &header[..24], big);
        if sums != [word(24)?, word(28)?] {
            return None;
        }
        let mut log = Self {
            body,
            size,
            pages: HashMap::new(),
        };
        let mut open = Vec::new();
        let mut at = HEADER;
        while let Some((page, commits)) = log.frame(at, &header[16..24], &mut sums, big) {
            open.push((page, at + FRAME));
            if commits {
                log.pages.extend(open.drain(..));
            }
            at += FRAME + size as u64;
        }
        Some(log)
    }

    /// Returns the page of a frame, and whether a commit ends with it.
    fn frame(&self, at: u64, salts: &[u8], sums: &mut [u32; 2], big: bool) -> Option<(u64, bool)> {
        let bytes = self.body.range(at, FRAME as usize + self.size).ok()?;
        let (frame, page) = bytes.split_at_checked(FRAME as usize)?;
        if page.len() < self.size || &frame[8..16] != salts {
            return None;
        }
        checksum(sums, &frame[..8], big);
        checksum(sums, page, big);
        let word = |at: usize| {
            u32::from_be_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]])
        };
        (*sums == [word(16), word(20)]).then(|| (u64::from(word(0)), word(4) != 0))
    }

    /// Returns how many bytes its pages have.
    pub(super) fn bytes(&self) -> u64 {
        self.pages.len() as u64 * self.size as u64
    }

    /// Returns where a page is, if the log has it, and in what.
    pub(super) fn page(&self, number: u64, size: usize) -> Option<(&'b Body, u64)> {
        let at = self.pages.get(&number)?;
        (size == self.size).then_some((self.body, *at))
    }
}

fn checksum(sums: &mut [u32; 2], bytes: &[u8], big: bool) {
    for pair in bytes.chunks_exact(8) {
        let word = |at: usize| {
            let word = [pair[at], pair[at + 1], pair[at + 2], pair[at + 3]];
            if big {
                u32::from_be_bytes(word)
            } else {
                u32::from_le_bytes(word)
            }
        };
        sums[0] = sums[0].wrapping_add(word(0)).wrapping_add(sums[1]);
        sums[1] = sums[1].wrapping_add(word(4)).wrapping_add(sums[0]);
    }
}

/// A database and its log, of one layer; each waits for the other.
#[derive(Default)]
pub(crate) struct Pair {
    database: Option<(String, Body)>,
    log: Option<(String, Body)>,
}

impl Pair {
    /// Takes `body` if it is half of a pair; returns where the database is and what both say
    /// once they are together.
    pub(crate) fn offer(&mut self, path: &str, body: &mut Body) -> Option<(String, Findings)> {
        if path.ends_with(NAME) && sqlite::has_log(body.head()) {
            self.database = Some((path.to_owned(), std::mem::take(body)));
        } else if let Some(path) = path
            .strip_suffix(ENDING)
            .filter(|path| path.ends_with(NAME))
        {
            self.log = Some((path.to_owned(), std::mem::take(body)));
        } else {
            return None;
        }
        let ((path, database), (same, log)) = self.database.as_ref().zip(self.log.as_ref())?;
        if path != same {
            return None;
        }
        let log = Log::read(log)?;
        Some((path.clone(), super::read_with(database, Some(&log))))
    }

    /// Returns whether a problem is of what was read once more as half of a pair.
    pub(crate) fn answers(database: &str, path: &str, text: &str) -> bool {
        let of_log = path.strip_suffix(ENDING) == Some(database);
        of_log || (path == database && text.starts_with(ANALYSER.name))
    }
}
