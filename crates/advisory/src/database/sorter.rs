//! Sorting more pairs than memory holds: full buffers are sorted and put aside in files, which
//! are merged in the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::format::{put_bytes, take_bytes};

/// Read-ahead of each file while merging.
const READ_AHEAD: usize = 32 << 10;
/// Files merged at once; more are merged into one first.
const FAN_IN: usize = 128;

/// Takes pairs of key and value in any order and gives them back sorted.
pub(super) struct Sorter {
    folder: PathBuf,
    /// Bytes kept in memory before they are put aside.
    budget: usize,
    /// Pairs, each a length and a key, a length and a value.
    arena: Vec<u8>,
    starts: Vec<usize>,
    runs: Vec<File>,
}

impl Sorter {
    pub(super) fn new(folder: &Path, budget: usize) -> Self {
        Self {
            folder: folder.to_owned(),
            budget,
            arena: Vec::new(),
            starts: Vec::new(),
            runs: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        self.starts.push(self.arena.len());
        put_bytes(&mut self.arena, key);
        put_bytes(&mut self.arena, value);
        if self.arena.len() + self.starts.len() * size_of::<usize>() >= self.budget {
            self.put_aside()?;
        }
        Ok(())
    }

    fn sort(&mut self) {
        let arena = &self.arena;
        self.starts
            .sort_unstable_by_key(|start| pair(arena, *start));
    }

    fn put_aside(&mut self) -> io::Result<()> {
        self.sort();
        let mut file = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
        for start in &self.starts {
            let (key, value) = pair(&self.arena, *start);
            write_pair(&mut file, key, value)?;
        }
        self.runs.push(finished(file)?);
        self.arena.clear();
        self.starts.clear();
        if self.runs.len() >= FAN_IN {
            self.merge_runs()?;
        }
        Ok(())
    }

    /// Makes one file of all.
    fn merge_runs(&mut self) -> io::Result<()> {
        let runs = std::mem::take(&mut self.runs);
        let mut file = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
        let mut sorted = Sorted::of(runs)?;
        while let Some((key, value)) = sorted.next()? {
            write_pair(&mut file, &key, &value)?;
        }
        self.runs.push(finished(file)?);
        Ok(())
    }

    /// Returns all pairs, sorted by key, then by value.
    pub(super) fn sorted(mut self) -> io::Result<Sorted> {
        if !self.starts.is_empty() {
            self.put_aside()?;
        }
        self.arena = Vec::new();
        Sorted::of(std::mem::take(&mut self.runs))
    }
}

fn pair(arena: &[u8], start: usize) -> (&[u8], &[u8]) {
    let mut rest = &arena[start..];
    let key = take_bytes(&mut rest).unwrap_or_default();
    (key, take_bytes(&mut rest).unwrap_or_default())
}

fn write_pair(file: &mut impl Write, key: &[u8], value: &[u8]) -> io::Result<()> {
    for part in [key, value] {
        let length = u32::try_from(part.len()).map_err(io::Error::other)?;
        file.write_all(&length.to_le_bytes())?;
        file.write_all(part)?;
    }
    Ok(())
}

fn finished(file: BufWriter<File>) -> io::Result<File> {
    let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

type Pair = (Vec<u8>, Vec<u8>);

/// The pairs of several sorted files in one order.
pub(super) struct Sorted {
    files: Vec<BufReader<File>>,
    heads: BinaryHeap<Reverse<(Pair, usize)>>,
}

impl Sorted {
    fn of(runs: Vec<File>) -> io::Result<Self> {
        let files = runs
            .into_iter()
            .map(|file| BufReader::with_capacity(READ_AHEAD, file));
        let mut sorted = Self {
            files: files.collect(),
            heads: BinaryHeap::new(),
        };
        for number in 0..sorted.files.len() {
            sorted.refill(number)?;
        }
        Ok(sorted)
    }

    fn refill(&mut self, number: usize) -> io::Result<()> {
        let file = &mut self.files[number];
        if let Some(key) = read_part(file)? {
            let value = read_part(file)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            self.heads.push(Reverse(((key, value), number)));
        }
        Ok(())
    }

    /// Returns the next pair without taking it.
    pub(super) fn peek(&self) -> Option<&Pair> {
        self.heads.peek().map(|Reverse((pair, _))| pair)
    }

    /// Takes the next pair.
    pub(super) fn next(&mut self) -> io::Result<Option<Pair>> {
        let Some(Reverse((pair, number))) = self.heads.pop() else {
            return Ok(None);
        };
        self.refill(number)?;
        Ok(Some(pair))
    }

    /// Takes every pair of a key that is next; pairs of smaller keys are passed over.
    pub(super) fn next_of(
        &mut self,
        key: &[u8],
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        while self.peek().is_some_and(|(next, _)| next.as_slice() <= key) {
            if let Some((found, value)) = self.next()?
                && found == key
            {
                take(&value)?;
            }
        }
        Ok(())
    }
}

fn read_part(file: &mut BufReader<File>) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match file.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut part = vec![0; u32::from_le_bytes(length) as usize];
    file.read_exact(&mut part)?;
    Ok(Some(part))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_the_budget_all_pairs_come_back_in_order(
            mut pairs in prop::collection::vec((any::<Vec<u8>>(), any::<Vec<u8>>()), 0..200),
            budget in 1..4000_usize,
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let mut sorter = Sorter::new(folder.path(), budget);
            for (key, value) in &pairs {
                sorter.add(key, value).expect("written");
            }
            let mut sorted = sorter.sorted().expect("sorted");
            let mut found = Vec::new();
            while let Some(pair) = sorted.next().expect("readable") {
                found.push(pair);
            }
            pairs.sort();
            prop_assert_eq!(found, pairs);
        }
    }
}
