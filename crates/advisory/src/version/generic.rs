//! The order of versions of which nothing is known but that people wrote them: what programs
//! say of themselves, and what stands in CPE names.
//!
//! Numbers are compared as numbers; words that everybody uses for what comes before a release
//! (`dev`, `alpha`, `beta`, `pre`, `rc`) sort before its end, any other after it (OpenSSL's
//! `1.0.2k`, OpenSSH's `9.3p1`), and a further number after those. Zeros at the end do not count.

use std::cmp::Ordering;

use super::VersionError;
use super::number::{Number, Runs, lexicographic};

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (lower_a, lower_b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    let (a, b) = (pieces(&lower_a)?, pieces(&lower_b)?);
    Ok(lexicographic(
        a.iter().copied(),
        b.iter().copied(),
        Piece::End,
    ))
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    /// Its place in [`EARLIER`].
    Earlier(usize),
    End,
    Word(&'a [u8]),
    Number(Number<'a>),
}

const EARLIER: [&[&[u8]]; 5] = [
    &[b"dev", b"snapshot", b"nightly"],
    &[b"alpha"],
    &[b"beta"],
    &[b"pre", b"preview", b"milestone"],
    &[b"rc", b"cr", b"candidate"],
];

fn pieces(version: &str) -> Result<Vec<Piece<'_>>, VersionError> {
    let text = version.strip_prefix('v').unwrap_or(version);
    let piece = |run: &'_ [u8]| {
        let earlier = EARLIER.iter().position(|words| words.contains(&run));
        earlier.map(Piece::Earlier)
    };
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    for run in Runs(text.as_bytes()) {
        let next = match run.first() {
            Some(byte) if byte.is_ascii_digit() => Piece::Number(Number::of(run)),
            _ => piece(run).unwrap_or(Piece::Word(run)),
        };
        if !matches!(next, Piece::Number(_)) {
            trim(&mut pieces);
        }
        pieces.push(next);
    }
    if pieces.is_empty() {
        return Err(VersionError::Form {
            version: version.to_owned(),
            expected: "a number or a word",
        });
    }
    trim(&mut pieces);
    Ok(pieces)
}

fn trim(pieces: &mut Vec<Piece<'_>>) {
    while pieces.last() == Some(&Piece::Number(Number::ZERO)) {
        pieces.pop();
    }
}
