//! rpm's order (rpm `rpmio/rpmvercmp.c`, `rpmvercmp` of epoch, version, release).
//!
//! `~` sorts before the end, `^` after it but before anything else; every other character that
//! is neither digit nor letter only parts. A missing epoch is 0; a missing release sorts before
//! every release, as between two versions of which one has none nothing better is known.

use std::cmp::Ordering;

use super::number::{Number, is_digits, lexicographic, take_while};

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (Parts::of(a), Parts::of(b));
    a.epoch
        .cmp(&b.epoch)
        .then_with(|| segments(a.version, b.version))
        .then_with(|| match (a.release, b.release) {
            (Some(a), Some(b)) => segments(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        })
}

struct Parts<'a> {
    epoch: Number<'a>,
    version: &'a str,
    release: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// Only digits before the first colon are an epoch; any other colon belongs to the version.
    fn of(text: &'a str) -> Self {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if is_digits(epoch) => (Number::of(epoch.as_bytes()), rest),
            _ => (Number::ZERO, text),
        };
        let (version, release) = match rest.rsplit_once('-') {
            Some((version, release)) => (version, Some(release)),
            None => (rest, None),
        };
        Self {
            epoch,
            version,
            release,
        }
    }
}

/// What a version continues with, in ascending order of what that is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a> {
    Tilde,
    End,
    Caret,
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
    take_while(rest, |byte| {
        !byte.is_ascii_alphanumeric() && *byte != b'~' && *byte != b'^'
    });
    match rest.first() {
        None => Segment::End,
        Some(b'~') => {
            *rest = &rest[1..];
            Segment::Tilde
        }
        Some(b'^') => {
            *rest = &rest[1..];
            Segment::Caret
        }
        Some(byte) if byte.is_ascii_digit() => {
            Segment::Number(Number::of(take_while(rest, u8::is_ascii_digit)))
        }
        Some(_) => Segment::Letters(take_while(rest, u8::is_ascii_alphabetic)),
    }
}
