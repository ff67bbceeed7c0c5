//! Arch Linux's order (pacman's `vercmp`): `[epoch:]version[-release]`.
//!
//! It is rpm's older order with two differences: more separators between two pieces are the
//! newer version (`1.0.a` > `1.0`), and letters at the end are older than nothing (`1.0rc` <
//! `1.0`). Where one of two versions has no release, releases do not count; every package has one.

use std::cmp::Ordering;

use super::number::{Number, is_digits, lexicographic, take_while};

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let ((epoch_a, version_a, release_a), (epoch_b, version_b, release_b)) = (parts(a), parts(b));
    epoch_a
        .cmp(&epoch_b)
        .then_with(|| segments(version_a, version_b))
        .then_with(|| match (release_a, release_b) {
            (Some(a), Some(b)) => segments(a, b),
            _ => Ordering::Equal,
        })
}

fn parts(text: &str) -> (Number<'_>, &str, Option<&str>) {
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) if is_digits(epoch) || epoch.is_empty() => {
            (Number::of(epoch.as_bytes()), rest)
        }
        _ => (Number::ZERO, text),
    };
    match rest.rsplit_once('-') {
        Some((version, release)) => (epoch, version, Some(release)),
        None => (epoch, rest, None),
    }
}

/// What a version continues with, in ascending order of what that is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a> {
    /// Letters that follow a digit at once.
    Attached(&'a [u8]),
    End,
    /// So many separators, then letters, a number, or nothing more.
    After(usize, Piece<'a>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    Nothing,
    Letters(&'a [u8]),
    Number(Number<'a>),
}

fn segments(a: &str, b: &str) -> Ordering {
    lexicographic(each(a), each(b), Segment::End)
}

fn each(version: &str) -> impl Iterator<Item = Segment<'_>> {
    let mut rest = version.as_bytes();
    std::iter::from_fn(move || Some(next(&mut rest)).filter(|it| *it != Segment::End))
}

fn next<'a>(rest: &mut &'a [u8]) -> Segment<'a> {
    let separators = take_while(rest, |byte| !byte.is_ascii_alphanumeric()).len();
    match rest.first() {
        None if separators == 0 => Segment::End,
        None => Segment::After(separators, Piece::Nothing),
        Some(byte) if byte.is_ascii_digit() => {
            let number = Number::of(take_while(rest, u8::is_ascii_digit));
            Segment::After(separators, Piece::Number(number))
        }
        Some(_) => {
            let letters = take_while(rest, u8::is_ascii_alphabetic);
            match separators {
                0 => Segment::Attached(letters),
                _ => Segment::After(separators, Piece::Letters(letters)),
            }
        }
    }
}
