//! PHP's order (`version_compare`), which Composer compares with.
//!
//! A version is cut at every change between digits and letters and at every other character.
//! Words are known by how they begin: `dev` < `alpha` < `beta` < `rc` < nothing < a number <
//! `p`; any other word sorts before them all.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::VersionError;
use super::number::{Number, Runs, lexicographic};

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (pieces(a)?, pieces(b)?);
    Ok(lexicographic(a, b, Piece::End))
}

/// Returns the form with four numbers and lower-case words that Composer's `VersionParser` makes
/// of every version before it compares: to it, 1.0 and 1.0.0 are the same, to PHP they are not.
pub(super) fn normal(version: &str) -> Cow<'_, str> {
    let text = version.trim_start_matches(['v', 'V']).to_ascii_lowercase();
    let text = text.strip_suffix("-stable").unwrap_or(&text);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (numbers, rest) = text.split_at(end.unwrap_or(text.len()));
    let numbers = numbers.trim_end_matches('.');
    if numbers.is_empty() {
        return Cow::Borrowed(version);
    }
    let missing = 4_usize.saturating_sub(numbers.split('.').count());
    Cow::Owned(format!("{numbers}{}{rest}", ".0".repeat(missing)))
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    Unknown,
    Dev,
    Alpha,
    Beta,
    Candidate,
    End,
    Number(Number<'a>),
    Patch,
}

fn pieces(version: &str) -> Result<impl Iterator<Item = Piece<'_>>, VersionError> {
    let text = version.trim_start_matches(['v', 'V']);
    let text = text.split('@').next().unwrap_or(text);
    if Runs(text.as_bytes()).next().is_none() {
        return Err(VersionError::Form {
            version: version.to_owned(),
            expected: "a number or a word",
        });
    }
    Ok(Runs(text.as_bytes()).map(|run| match run.first() {
        Some(byte) if byte.is_ascii_digit() => Piece::Number(Number::of(run)),
        _ => word(run),
    }))
}

/// The order of the tests is PHP's, so that `a` does not take `alpha`'s place; so is the case.
fn word(run: &[u8]) -> Piece<'static> {
    match run {
        _ if run.starts_with(b"dev") => Piece::Dev,
        [b'a', ..] => Piece::Alpha,
        [b'b', ..] => Piece::Beta,
        _ if run.starts_with(b"RC") || run.starts_with(b"rc") => Piece::Candidate,
        [b'p', ..] => Piece::Patch,
        _ => Piece::Unknown,
    }
}
