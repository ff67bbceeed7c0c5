//! Sparse files: those of whose content the archive has only what is not zeros, and a map that
//! says where it belongs (GNU tar manual, "Storing Sparse Files"). It is written in four forms:
//! in the header and blocks behind it, in pax records one by one or all in one, and in front
//! of the content.

use crate::{ScanError, body::Body, header::number};

/// Pieces of one file; those of databases have some hundred.
const MOST_PIECES: usize = 1 << 16;
/// Bytes of a number in a header.
const FIELD: usize = 12;

/// Numbers of a map as they come: where a piece belongs and its length, in turn.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    numbers: Vec<u64>,
    is_broken: bool,
}

impl Numbers {
    /// Adds a number, or what should be one.
    pub(crate) fn push(&mut self, number: Option<u64>) {
        match number {
            Some(number) if self.numbers.len() < 2 * MOST_PIECES => self.numbers.push(number),
            _ => self.is_broken = true,
        }
    }

    /// Adds those of a header, or of a block behind it.
    pub(crate) fn push_fields(&mut self, fields: &[u8]) {
        fields
            .chunks_exact(FIELD)
            .for_each(|field| self.push(number(field)));
    }

    /// Returns the map of a file of `size` bytes, of which the archive has `stored`, if it
    /// makes sense.
    pub(crate) fn map(self, size: u64, stored: u64) -> Option<Map> {
        let (pairs, rest) = self.numbers.as_chunks::<2>();
        if self.is_broken || !rest.is_empty() {
            return None;
        }
        let (mut end, mut left) = (0, stored);
        let mut pieces = Vec::new();
        // Some writers end with a piece of nothing, and headers have room for more than there are.
        for [start, length] in pairs.iter().filter(|[_, length]| *length > 0) {
            if *start < end {
                return None;
            }
            end = start.checked_add(*length).filter(|end| *end <= size)?;
            left = left.checked_sub(*length)?;
            pieces.push((*start, *length));
        }
        (left == 0).then_some(Map { size, pieces })
    }
}

/// Reads the map in front of the content: how many pieces there are, and their numbers, each
/// on a line of its own.
#[derive(Default)]
pub(crate) struct Lines {
    numbers: Numbers,
    count: Option<usize>,
    number: Option<u64>,
}

impl Lines {
    /// Reads a block; returns whether there is more to read.
    pub(crate) fn push(&mut self, block: &[u8]) -> bool {
        for byte in block {
            match (byte, self.number) {
                (b'0'..=b'9', number) => {
                    let value = number.unwrap_or(0).checked_mul(10);
                    self.number = value.and_then(|n| n.checked_add(u64::from(byte - b'0')));
                    if self.number.is_none() {
                        self.numbers.is_broken = true;
                    }
                }
                (b'\n', Some(number)) => {
                    self.number = None;
                    match self.count {
                        None => self.count = usize::try_from(number).ok(),
                        Some(_) => self.numbers.push(Some(number)),
                    }
                    if self.count.is_none_or(|count| count > MOST_PIECES) {
                        self.numbers.is_broken = true;
                    }
                }
                _ => self.numbers.is_broken = true,
            }
            if self.is_done() {
                return false;
            }
        }
        true
    }

    fn is_done(&self) -> bool {
        let count = self.count.map(|count| count.saturating_mul(2));
        self.numbers.is_broken || count == Some(self.numbers.numbers.len())
    }

    /// Returns what was read.
    pub(crate) fn into_numbers(mut self) -> Numbers {
        self.numbers.is_broken |= !self.is_done();
        self.numbers
    }
}

/// Where the pieces of a file belong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Map {
    /// Bytes of the file.
    size: u64,
    /// Where each begins, and its length; in order.
    pieces: Vec<(u64, u64)>,
}

impl Map {
    /// Returns how many bytes the file and the content in the archive have in common at their
    /// beginning.
    pub(crate) fn common(&self) -> u64 {
        match self.pieces.first() {
            Some((0, length)) => *length,
            _ => 0,
        }
    }

    /// Fills `out`: with zeros, and with what `copy` appends of the archive's next bytes.
    pub(crate) fn expand(
        &self,
        out: &mut Body,
        copy: &mut dyn FnMut(u64, &mut Body) -> Result<(), ScanError>,
    ) -> Result<(), ScanError> {
        let fill = |out: &mut Body, end: u64| {
            let zeros = end.saturating_sub(out.size());
            out.push_zeros(zeros).map_err(ScanError::Spool)
        };
        for (start, length) in &self.pieces {
            fill(out, *start)?;
            copy(*length, out)?;
        }
        fill(out, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(numbers: &[u64], size: u64, stored: u64) -> Option<Vec<(u64, u64)>> {
        let mut all = Numbers::default();
        numbers.iter().for_each(|number| all.push(Some(*number)));
        all.map(size, stored).map(|map| map.pieces)
    }

    #[test]
    fn maps_make_sense_or_are_none() {
        assert_eq!(map(&[], 9, 0), Some(Vec::new()));
        let two = Some(vec![(0, 2), (5, 1)]);
        assert_eq!(map(&[0, 2, 5, 1, 9, 0, 0, 0], 9, 3), two);
        for (numbers, size, stored) in [
            (&[0, 2, 5][..], 9, 2),
            (&[0, 2][..], 9, 3),
            (&[0, 2][..], 9, 1),
            (&[5, 5][..], 9, 5),
            (&[2, 2, 3, 1][..], 9, 3),
            (&[u64::MAX, 2][..], u64::MAX, 2),
        ] {
            assert_eq!(map(numbers, size, stored), None, "{numbers:?}");
        }
    }

    fn lines(text: &str) -> Option<usize> {
        let mut lines = Lines::default();
        let mut blocks = text.as_bytes().chunks(4);
        while blocks.next().is_some_and(|block| lines.push(block)) {}
        let numbers = lines.into_numbers();
        (!numbers.is_broken).then_some(numbers.numbers.len())
    }

    #[test]
    fn maps_in_front_of_the_content() {
        assert_eq!(lines("0\n\0\0"), Some(0));
        assert_eq!(lines("2\n0\n10\n1000000\n5\n\0\0"), Some(4));
        let long = "9".repeat(30);
        for text in ["", "2\n0\n10\n", "\n", "-1\n", "1\n\n", "99999999\n", &long] {
            assert_eq!(lines(text), None, "{text}");
        }
    }
}
