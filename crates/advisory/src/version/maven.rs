//! Maven's order (the POM reference's "Version Order Specification").
//!
//! A version is cut at dots, hyphens and changes between digits and letters; such a change
//! counts as a hyphen. "Null" pieces (0, nothing, `final`, `ga`, `release`) at the end, and
//! before each hyphen, are dropped. [`Piece`]'s own order is the rest of the rule; with the end
//! as one of its variants it is a total order by construction, which the original is not in
//! corners such as `1-sp` beside `1.0-0-alpha`.

use std::cmp::Ordering;

use super::number::{Number, lexicographic};

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    let (a, b) = (pieces(&a), pieces(&b));
    lexicographic(a.iter().copied(), b.iter().copied(), Piece::End)
}

/// One piece; variants stand in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    Alpha,
    Beta,
    Milestone,
    Candidate,
    Snapshot,
    End,
    ServicePack,
    Word(&'a str),
    /// After a hyphen.
    Hyphen(Number<'a>),
    /// After a dot.
    Dot(Number<'a>),
}

impl Piece<'_> {
    fn is_null(self) -> bool {
        match self {
            Self::End => true,
            Self::Dot(number) | Self::Hyphen(number) => number.is_zero(),
            _ => false,
        }
    }
}

fn pieces(version: &str) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    for (hyphen, token, before_digit) in tokens(version) {
        let piece = match Number::parse(token) {
            Some(number) if hyphen => Piece::Hyphen(number),
            Some(number) => Piece::Dot(number),
            None if token.is_empty() && hyphen => Piece::Hyphen(Number::ZERO),
            None if token.is_empty() => Piece::Dot(Number::ZERO),
            None => word(token, before_digit),
        };
        // A word counts as one after a hyphen, wherever it stands.
        if hyphen || !matches!(piece, Piece::Dot(_)) {
            trim(&mut pieces);
        }
        pieces.push(piece);
    }
    trim(&mut pieces);
    pieces
}

fn trim(pieces: &mut Vec<Piece<'_>>) {
    while pieces.last().is_some_and(|piece| piece.is_null()) {
        pieces.pop();
    }
}

fn word(token: &str, before_digit: bool) -> Piece<'_> {
    match token {
        "alpha" => Piece::Alpha,
        "beta" => Piece::Beta,
        "milestone" => Piece::Milestone,
        "a" if before_digit => Piece::Alpha,
        "b" if before_digit => Piece::Beta,
        "m" if before_digit => Piece::Milestone,
        "rc" | "cr" => Piece::Candidate,
        "snapshot" => Piece::Snapshot,
        "final" | "ga" | "release" => Piece::End,
        "sp" => Piece::ServicePack,
        _ => Piece::Word(token),
    }
}

/// Cuts a version into tokens: whether a hyphen (or a change) stands before it, its text, and
/// whether a digit follows it at once.
fn tokens(version: &str) -> Vec<(bool, &str, bool)> {
    let bytes = version.as_bytes();
    let mut tokens = Vec::new();
    let (mut start, mut hyphen) = (0, false);
    for at in 0..=bytes.len() {
        let byte = bytes.get(at).copied();
        let is_separator = matches!(byte, None | Some(b'.' | b'-'));
        let changes = at > start
            && byte.is_some_and(|byte| byte.is_ascii_digit() != bytes[at - 1].is_ascii_digit());
        if !is_separator && !changes {
            continue;
        }
        let before_digit = changes && byte.is_some_and(|byte| byte.is_ascii_digit());
        tokens.push((hyphen, version.get(start..at).unwrap_or(""), before_digit));
        hyphen = !is_separator || byte == Some(b'-');
        start = if is_separator { at + 1 } else { at };
    }
    tokens
}
