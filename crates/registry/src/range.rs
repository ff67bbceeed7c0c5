//! Ranges of bytes: of a blob that is pulled, and of a chunk that is pushed.

use std::ops::Range;

use axum::http::{HeaderMap, header};
use oci::ErrorCode;

use crate::{error::Failure, header::text};

/// Which part of a blob to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes; never empty, never past the end.
    Part(Range<u64>),
    /// None of the bytes asked for exist.
    Nothing,
}

/// Reads `Range` for content of `size` bytes (RFC 9110, section 14.2).
///
/// Several ranges at once and units other than bytes are not served; the whole is sent, as
/// the standard allows.
pub(crate) fn wanted(headers: &HeaderMap, size: u64, digest: &str) -> Result<Wanted, Failure> {
    let Some(ranges) = text(headers, &header::RANGE)?.and_then(|text| text.strip_prefix("bytes="))
    else {
        return Ok(Wanted::Whole);
    };
    let unchanged = text(headers, &header::IF_RANGE)?
        .is_none_or(|condition| condition.trim_matches('"') == digest);
    if ranges.contains(',') || !unchanged {
        return Ok(Wanted::Whole);
    }
    let range = parse(ranges.trim(), size).ok_or_else(|| {
        crate::query::bad(format!(
            "`Range: bytes={ranges}` is no range: send bytes=FIRST-LAST, bytes=FIRST- or bytes=-COUNT"
        ))
    })?;
    let range = range.start..range.end.min(size);
    Ok(if range.is_empty() {
        Wanted::Nothing
    } else {
        Wanted::Part(range)
    })
}

fn parse(text: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = text.split_once('-')?;
    match (first, last) {
        ("", count) => Some(size.saturating_sub(number(count)?)..size),
        (first, "") => Some(number(first)?..size),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| first..last.saturating_add(1))
        }
    }
}

/// Only digits: Rust's own parser also takes a `+`.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit are a place past every end.
    (digits && !text.is_empty()).then(|| text.parse().unwrap_or(u64::MAX))
}

/// Where a chunk lies in its blob, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Its first byte.
    pub(crate) first: u64,
    /// How many bytes it has.
    pub(crate) len: u64,
}

impl Chunk {
    /// Reads `Content-Range`, where there is one (`^[0-9]+-[0-9]+$`; the form with unit and
    /// total is taken as well).
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, Failure> {
        let Some(given) = text(headers, &header::CONTENT_RANGE)? else {
            return Ok(None);
        };
        let range = given.strip_prefix("bytes").unwrap_or(given).trim();
        let range = range.split('/').next().unwrap_or(range);
        let chunk = range.split_once('-').and_then(|(first, last)| {
            let (first, last) = (number(first)?, number(last)?);
            let len = last.checked_sub(first)?.checked_add(1)?;
            Some(Self { first, len })
        });
        let refuse = || {
            let message =
                format!("`Content-Range: {given}` is no range: send FIRST-LAST, both included");
            Failure::new(ErrorCode::BlobUploadInvalid, message)
        };
        chunk.map(Some).ok_or_else(refuse)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::header::value;

    fn range(text: &str, size: u64) -> Result<Wanted, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, value(text));
        wanted(&headers, size, "sha256:a")
    }

    #[test]
    fn reads_the_ranges_of_the_standard() {
        let check = |text, wanted| assert_eq!(range(text, 10).unwrap(), wanted, "{text}");
        check("bytes=0-0", Wanted::Part(0..1));
        check("bytes=3-5", Wanted::Part(3..6));
        check("bytes=3-", Wanted::Part(3..10));
        check("bytes=-3", Wanted::Part(7..10));
        check("bytes=-30", Wanted::Part(0..10));
        check("bytes=5-30", Wanted::Part(5..10));
        check("bytes=5-99999999999999999999", Wanted::Part(5..10));
        check("bytes=10-", Wanted::Nothing);
        check("bytes=-0", Wanted::Nothing);
        check("bytes=0-1,4-5", Wanted::Whole);
        check("lines=1-2", Wanted::Whole);
        for broken in [
            "bytes=",
            "bytes=a-b",
            "bytes=5-3",
            "bytes=+1-3",
            "bytes=--1",
        ] {
            assert!(range(broken, 10).is_err(), "{broken}");
        }
        assert_eq!(range("bytes=0-", 0).unwrap(), Wanted::Nothing);
    }

    #[test]
    fn reads_where_a_chunk_lies() {
        let chunk = |text| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_RANGE, value(text));
            Chunk::of(&headers)
        };
        let expected = Some(Chunk { first: 3, len: 4 });
        assert_eq!(chunk("3-6").unwrap(), expected);
        assert_eq!(chunk("bytes 3-6/*").unwrap(), expected);
        for broken in ["", "3", "6-3", "a-b", "-4", "0-18446744073709551615"] {
            assert!(chunk(broken).is_err(), "{broken}");
        }
        assert_eq!(Chunk::of(&HeaderMap::new()).unwrap(), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in "(bytes[= ])?[0-9,/*-]{0,45}", size: u64) {
            let _wanted = range(&text, size);
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_RANGE, value(&text));
            let _chunk = Chunk::of(&headers);
        }
    }
}
