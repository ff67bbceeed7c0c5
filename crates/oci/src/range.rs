//! Ranges of bytes: of a blob that is pulled, and of a chunk that is pushed.

use std::{ops::Range, str::FromStr};

/// Which part of a blob is asked for (RFC 9110, section 14.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByteRange {
    /// All of it.
    Whole,
    /// These bytes; never empty, never past the end.
    Part(Range<u64>),
    /// None of the bytes asked for exist.
    Nothing,
}

/// What is wrong with a range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// `Range` breaks the grammar.
    #[error("`Range: {0}` is no range: send bytes=FIRST-LAST, bytes=FIRST- or bytes=-COUNT")]
    Bytes(String),
    /// `Content-Range` breaks the grammar.
    #[error("`Content-Range: {0}` is no range: send FIRST-LAST, both included")]
    Chunk(String),
}

impl ByteRange {
    /// Reads `Range` for content of `size` bytes.
    ///
    /// Several ranges at once and units other than bytes are not served; they are the whole, as
    /// the standard allows.
    ///
    /// # Errors
    /// The text breaks the grammar.
    pub fn parse(text: &str, size: u64) -> Result<Self, RangeError> {
        let Some(ranges) = text.strip_prefix("bytes=") else {
            return Ok(Self::Whole);
        };
        if ranges.contains(',') {
            return Ok(Self::Whole);
        }
        let range = one(ranges.trim(), size).ok_or_else(|| RangeError::Bytes(shorten(text)))?;
        let range = range.start..range.end.min(size);
        Ok(if range.is_empty() {
            Self::Nothing
        } else {
            Self::Part(range)
        })
    }
}

fn one(text: &str, size: u64) -> Option<Range<u64>> {
    match text.split_once('-')? {
        ("", count) => Some(size.saturating_sub(number(count)?)..size),
        (first, "") => Some(number(first)?..size),
        // Backwards it holds no byte, which has an answer of its own.
        (first, last) => Some(number(first)?..number(last)?.saturating_add(1)),
    }
}

/// Only digits: Rust's own parser also takes a `+`.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit are a place past every end.
    (digits && !text.is_empty()).then(|| text.parse().unwrap_or(u64::MAX))
}

fn shorten(text: &str) -> String {
    text.chars().take(100).collect()
}

/// Where a chunk lies in its blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRange {
    /// Its first byte.
    pub first: u64,
    /// How many bytes it has, at least one.
    pub len: u64,
}

impl FromStr for ChunkRange {
    type Err = RangeError;

    /// Reads `Content-Range` (distribution-spec, "Pushing a blob in chunks":
    /// `^[0-9]+-[0-9]+$`, both included; the form with unit and total is taken as well).
    fn from_str(text: &str) -> Result<Self, RangeError> {
        let range = text.strip_prefix("bytes").unwrap_or(text).trim();
        let range = range.split('/').next().unwrap_or(range);
        let chunk = range.split_once('-').and_then(|(first, last)| {
            let (first, last) = (number(first)?, number(last)?);
            let len = last.checked_sub(first)?.checked_add(1)?;
            Some(Self { first, len })
        });
        chunk.ok_or_else(|| RangeError::Chunk(shorten(text)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_ranges_of_the_standard() {
        let check = |text, wanted| assert_eq!(ByteRange::parse(text, 10), Ok(wanted), "{text}");
        check("bytes=0-0", ByteRange::Part(0..1));
        check("bytes=3-5", ByteRange::Part(3..6));
        check("bytes=3-", ByteRange::Part(3..10));
        check("bytes=-3", ByteRange::Part(7..10));
        check("bytes=-30", ByteRange::Part(0..10));
        check("bytes=5-30", ByteRange::Part(5..10));
        check("bytes=5-99999999999999999999", ByteRange::Part(5..10));
        check("bytes=10-", ByteRange::Nothing);
        check("bytes=-0", ByteRange::Nothing);
        check("bytes=5-3", ByteRange::Nothing);
        check("bytes=0-1,4-5", ByteRange::Whole);
        check("lines=1-2", ByteRange::Whole);
        for broken in ["bytes=", "bytes=a-b", "bytes=+1-3", "bytes=--1"] {
            assert!(ByteRange::parse(broken, 10).is_err(), "{broken}");
        }
        assert_eq!(ByteRange::parse("bytes=0-", 0), Ok(ByteRange::Nothing));
    }

    #[test]
    fn reads_where_a_chunk_lies() {
        let expected = Ok(ChunkRange { first: 3, len: 4 });
        assert_eq!("3-6".parse(), expected);
        assert_eq!("bytes 3-6/*".parse(), expected);
        for broken in ["", "3", "6-3", "a-b", "-4", "0-18446744073709551615"] {
            assert!(broken.parse::<ChunkRange>().is_err(), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_within(text in "(bytes[= ])?[0-9,/*-]{0,45}", size: u64) {
            if let Ok(ByteRange::Part(part)) = ByteRange::parse(&text, size) {
                prop_assert!(part.start < part.end && part.end <= size);
            }
            if let Ok(chunk) = text.parse::<ChunkRange>() {
                prop_assert!(chunk.len > 0 && chunk.first.checked_add(chunk.len - 1).is_some());
            }
        }
    }
}
