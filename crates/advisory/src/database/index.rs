//! The index: which records speak of which package, and where each record lies.
//!
//! ```text
//! counts     5 × u32: blocks, records, packages, aliases, postings
//! blocks     { offset u64, length u32, plain length u32 }
//! records    { block u32, start u32, length u32 }
//! packages   { key offset u32, key length u32, first posting u32, postings u32 }, sorted by key
//! aliases    the same
//! postings   u32 record numbers, ascending within one key
//! keys       bytes; a package's key is ecosystem, line feed, package
//! ```
//!
//! It stays in memory as read; every access is checked, so a damaged one cannot panic.

use std::collections::HashMap;

const COUNTS: usize = 5;
const BLOCK: usize = 16;
const RECORD: usize = 12;
const KEY: usize = 16;
const POSTING: usize = 4;

/// Where a block lies in the file.
pub(super) struct BlockPlace {
    pub(super) offset: u64,
    pub(super) length: usize,
    pub(super) plain_length: usize,
}

/// Where a record lies in its block.
pub(super) struct RecordPlace {
    pub(super) block: u32,
    pub(super) start: usize,
    pub(super) length: usize,
}

#[derive(Debug)]
pub(super) struct Index {
    bytes: Vec<u8>,
    counts: [usize; COUNTS],
    /// Where blocks, records, packages, aliases, postings and keys begin.
    starts: [usize; 6],
}

impl Index {
    pub(super) fn parse(bytes: Vec<u8>) -> Option<Self> {
        let mut counts = [0; COUNTS];
        for (at, count) in counts.iter_mut().enumerate() {
            *count = word(&bytes, at * 4)?;
        }
        let mut starts = [COUNTS * 4; 6];
        let sizes = [BLOCK, RECORD, KEY, KEY, POSTING];
        for table in 0..COUNTS {
            let length = counts[table].checked_mul(sizes[table])?;
            starts[table + 1] = starts[table].checked_add(length)?;
        }
        (starts[5] <= bytes.len()).then_some(Self {
            bytes,
            counts,
            starts,
        })
    }

    pub(super) fn block(&self, number: u32) -> Option<BlockPlace> {
        let at = self.entry(0, number as usize, BLOCK)?;
        let offset = self
            .bytes
            .get(at..at + 8)?
            .try_into()
            .ok()
            .map(u64::from_le_bytes)?;
        let length = word(&self.bytes, at + 8)?;
        Some(BlockPlace {
            offset,
            length,
            plain_length: word(&self.bytes, at + 12)?,
        })
    }

    pub(super) fn record(&self, number: u32) -> Option<RecordPlace> {
        let at = self.entry(1, number as usize, RECORD)?;
        let block = u32::try_from(word(&self.bytes, at)?).ok()?;
        let start = word(&self.bytes, at + 4)?;
        Some(RecordPlace {
            block,
            start,
            length: word(&self.bytes, at + 8)?,
        })
    }

    /// Returns the records about a package, ascending.
    pub(super) fn package(&self, ecosystem: &str, package: &str) -> Vec<u32> {
        self.find(2, package_key(ecosystem, package).as_bytes())
            .unwrap_or_default()
    }

    /// Returns the records that name a vulnerability, ascending.
    pub(super) fn alias(&self, id: &str) -> Vec<u32> {
        self.find(3, id.as_bytes()).unwrap_or_default()
    }

    fn entry(&self, table: usize, number: usize, size: usize) -> Option<usize> {
        (number < self.counts[table]).then(|| self.starts[table] + number * size)
    }

    fn find(&self, table: usize, key: &[u8]) -> Option<Vec<u32>> {
        let (mut low, mut high) = (0, self.counts[table]);
        while low < high {
            let middle = low.midpoint(high);
            let at = self.entry(table, middle, KEY)?;
            match self.key(at)?.cmp(key) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return self.postings(at),
            }
        }
        None
    }

    fn key(&self, at: usize) -> Option<&[u8]> {
        let start = self.starts[5].checked_add(word(&self.bytes, at)?)?;
        let end = start.checked_add(word(&self.bytes, at + 4)?)?;
        self.bytes.get(start..end)
    }

    fn postings(&self, at: usize) -> Option<Vec<u32>> {
        let first = word(&self.bytes, at + 8)?;
        let end = first.checked_add(word(&self.bytes, at + 12)?)?;
        (end <= self.counts[4]).then_some(())?;
        let start = self.starts[4];
        let bytes = self
            .bytes
            .get(start + first * POSTING..start + end * POSTING)?;
        let words = bytes
            .chunks_exact(POSTING)
            .map(|word| word.try_into().map(u32::from_le_bytes));
        words.collect::<Result<_, _>>().ok()
    }
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes
        .get(at..at.checked_add(4)?)?
        .try_into()
        .ok()
        .map(u32::from_le_bytes)?;
    usize::try_from(word).ok()
}

fn package_key(ecosystem: &str, package: &str) -> String {
    format!("{ecosystem}\n{package}")
}

/// Collects the index while records are written. Its memory grows with the number of records
/// and names, never with their text.
#[derive(Default)]
pub(super) struct IndexBuilder {
    blocks: Vec<(u64, u32, u32)>,
    records: Vec<(u32, u32, u32)>,
    packages: Keys,
    aliases: Keys,
}

#[derive(Default)]
struct Keys {
    numbers: HashMap<Box<str>, u32>,
    postings: Vec<(u32, u32)>,
}

impl Keys {
    fn add(&mut self, key: &str, record: u32) -> Option<()> {
        let number = match self.numbers.get(key) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.numbers.len()).ok()?;
                self.numbers.insert(key.into(), number);
                number
            }
        };
        self.postings.push((number, record));
        Some(())
    }
}

impl IndexBuilder {
    pub(super) fn add_block(&mut self, offset: u64, length: u32, plain_length: u32) {
        self.blocks.push((offset, length, plain_length));
    }

    /// Adds a record of the block being filled; `None` means that 32 bits do not suffice.
    pub(super) fn add_record(&mut self, start: usize, length: usize) -> Option<u32> {
        let block = u32::try_from(self.blocks.len()).ok()?;
        let number = u32::try_from(self.records.len()).ok()?;
        self.records.push((
            block,
            u32::try_from(start).ok()?,
            u32::try_from(length).ok()?,
        ));
        Some(number)
    }

    pub(super) fn add_package(
        &mut self,
        ecosystem: &str,
        package: &str,
        record: u32,
    ) -> Option<()> {
        self.packages.add(&package_key(ecosystem, package), record)
    }

    pub(super) fn add_alias(&mut self, id: &str, record: u32) -> Option<()> {
        self.aliases.add(id, record)
    }

    pub(super) fn record_count(&self) -> u64 {
        self.records.len() as u64
    }

    pub(super) fn package_count(&self) -> u64 {
        self.packages.numbers.len() as u64
    }

    /// Returns the ecosystems of all packages, sorted.
    pub(super) fn ecosystems(&self) -> Vec<String> {
        let names = self
            .packages
            .numbers
            .keys()
            .filter_map(|key| key.split('\n').next());
        let names: std::collections::BTreeSet<&str> = names.collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Lays the tables out; `None` means that 32 bits do not suffice.
    pub(super) fn into_bytes(mut self) -> Option<Vec<u8>> {
        let (mut postings, mut keys) = (Vec::new(), Vec::new());
        let packages = lay_out(&mut self.packages, &mut postings, &mut keys)?;
        let aliases = lay_out(&mut self.aliases, &mut postings, &mut keys)?;
        let counts = [
            self.blocks.len(),
            self.records.len(),
            packages.len() / 4,
            aliases.len() / 4,
            postings.len(),
        ];
        let mut bytes = Vec::new();
        for count in counts {
            bytes.extend(u32::try_from(count).ok()?.to_le_bytes());
        }
        for (offset, length, plain_length) in self.blocks {
            bytes.extend(offset.to_le_bytes());
            bytes.extend(length.to_le_bytes());
            bytes.extend(plain_length.to_le_bytes());
        }
        let records = self
            .records
            .iter()
            .flat_map(|(block, start, length)| [block, start, length]);
        for number in records.chain(&packages).chain(&aliases).chain(&postings) {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(keys);
        Some(bytes)
    }
}

/// Appends sorted keys and their postings; returns the table's words.
fn lay_out(keys: &mut Keys, postings: &mut Vec<u32>, arena: &mut Vec<u8>) -> Option<Vec<u32>> {
    keys.postings.sort_unstable();
    keys.postings.dedup();
    let mut names: Vec<(&str, u32)> = keys
        .numbers
        .iter()
        .map(|(name, number)| (&**name, *number))
        .collect();
    names.sort_unstable();
    let mut table = Vec::with_capacity(names.len() * 4);
    for (name, number) in names {
        let start = keys.postings.partition_point(|(key, _)| *key < number);
        let own = keys.postings[start..]
            .iter()
            .take_while(|(key, _)| *key == number);
        let (key_offset, first) = (arena.len(), postings.len());
        arena.extend(name.as_bytes());
        postings.extend(own.map(|(_, record)| record));
        for value in [key_offset, name.len(), first, postings.len() - first] {
            table.push(u32::try_from(value).ok()?);
        }
    }
    Some(table)
}
