//! The order of Python versions from before PEP 440 (setuptools' `parse_version`).

use std::borrow::Cow;
use std::cmp::Ordering;

use super::number::take_while;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    pieces(a).cmp(&pieces(b))
}

/// Returns the pieces whose textual order is the order: numbers filled up with zeros to eight
/// digits, words with a star before them, `*final` at the end.
fn pieces(version: &str) -> Vec<Cow<'_, str>> {
    let mut pieces: Vec<Cow<'_, str>> = Vec::new();
    let mut rest = version.as_bytes();
    let mut at = 0;
    while !rest.is_empty() {
        take_piece(&mut rest);
        let end = version.len() - rest.len();
        push(&mut pieces, version.get(at..end).unwrap_or(""));
        at = end;
    }
    push(&mut pieces, "final");
    pieces
}

fn take_piece(rest: &mut &[u8]) {
    match rest.first() {
        Some(byte) if byte.is_ascii_digit() => drop(take_while(rest, u8::is_ascii_digit)),
        Some(byte) if byte.is_ascii_lowercase() => drop(take_while(rest, u8::is_ascii_lowercase)),
        Some(b'.' | b'-') => *rest = &rest[1..],
        _ => drop(take_while(rest, |byte| {
            !byte.is_ascii_digit() && !byte.is_ascii_lowercase() && *byte != b'.' && *byte != b'-'
        })),
    }
}

fn push<'a>(pieces: &mut Vec<Cow<'a, str>>, text: &'a str) {
    let piece: Cow<'a, str> = match text {
        "." | "" => return,
        "pre" | "preview" | "rc" => "*c".into(),
        "-" => "*final-".into(),
        "dev" => "*@".into(),
        _ if text.starts_with(|c: char| c.is_ascii_digit()) => format!("{text:0>8}").into(),
        _ => format!("*{text}").into(),
    };
    if piece.starts_with('*') {
        let mut drop_last = |what: &str| {
            while pieces.last().is_some_and(|last| last == what) {
                pieces.pop();
            }
        };
        if *piece < *"*final" {
            drop_last("*final-");
        }
        drop_last("00000000");
    }
    pieces.push(piece);
}
