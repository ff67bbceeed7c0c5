//! RubyGems' order (`Gem::Version`).
//!
//! A version is cut into numbers and words; a word makes it a pre-release and sorts before any
//! number. A hyphen reads as `.pre.`. Missing pieces are 0, zeros before the first word and at
//! the end do not count.

use std::cmp::Ordering;

use super::VersionError;
use super::number::{Number, Runs, lexicographic};

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (segments(a)?, segments(b)?);
    let zero = Segment::Number(Number::ZERO);
    Ok(lexicographic(a.iter().copied(), b.iter().copied(), zero))
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a> {
    Word(&'a [u8]),
    Number(Number<'a>),
}

fn segments(version: &str) -> Result<Vec<Segment<'_>>, VersionError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    if !version.starts_with(|c: char| c.is_ascii_digit()) || !version.chars().all(allowed) {
        return Err(VersionError::Form {
            version: version.to_owned(),
            expected: "a number, then numbers and words with dots between them",
        });
    }
    let mut segments = Vec::new();
    for (place, part) in version.split('-').enumerate() {
        if place > 0 {
            segments.push(Segment::Word(b"pre"));
        }
        segments.extend(Runs(part.as_bytes()).map(|run| match run.first() {
            Some(byte) if byte.is_ascii_digit() => Segment::Number(Number::of(run)),
            _ => Segment::Word(run),
        }));
    }
    let is_zero = |segment: &Segment<'_>| *segment == Segment::Number(Number::ZERO);
    let is_word = |segment: &Segment<'_>| matches!(segment, Segment::Word(_));
    let word = segments.iter().position(is_word).unwrap_or(segments.len());
    let zeros = segments[..word].iter().rev().take_while(|it| is_zero(it));
    let zeros = zeros.count();
    segments.drain(word - zeros..word);
    Ok(segments)
}
