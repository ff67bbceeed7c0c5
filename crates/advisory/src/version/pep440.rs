//! Python's order (PEP 440, "Summary of permitted suffixes and relative ordering"), and the
//! older one of setuptools for what PEP 440 does not allow, all of which sorts before the rest.
//!
//! ```text
//! version = ["v"] [epoch "!"] number *("." number) [pre] [post] [dev] ["+" local]
//! pre     = [sep] ("a" / "alpha" / "b" / "beta" / "c" / "rc" / "pre" / "preview") [[sep] number]
//! post    = "-" number / [sep] ("post" / "rev" / "r") [[sep] number]
//! dev     = [sep] "dev" [[sep] number]
//! sep     = "." / "-" / "_"
//! ```

use std::cmp::Ordering;

use super::number::{Number, take_while};
use super::pep440_legacy as legacy;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    match (Version::parse(&a), Version::parse(&b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (None, None) => legacy::compare(&a, &b),
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}

/// Fields stand in the order in which they are compared.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version<'a> {
    epoch: Number<'a>,
    release: Vec<Number<'a>>,
    pre: Pre<'a>,
    post: Option<Number<'a>>,
    dev: Dev<'a>,
    local: Option<Vec<Local<'a>>>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pre<'a> {
    /// A development release of the release itself sorts before its alphas.
    OnlyDev,
    Alpha(Number<'a>),
    Beta(Number<'a>),
    Candidate(Number<'a>),
    Nothing,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dev<'a> {
    Number(Number<'a>),
    Nothing,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Local<'a> {
    Text(&'a str),
    Number(Number<'a>),
}

impl<'a> Version<'a> {
    /// Reads lower-case text.
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, local) = match text.split_once('+') {
            Some((text, local)) => (text, Some(parse_local(local)?)),
            None => (text, None),
        };
        let (epoch, text) = match text.split_once('!') {
            Some((epoch, text)) => (Number::parse(epoch)?, text),
            None => (Number::ZERO, text),
        };
        let mut rest = text.as_bytes();
        let release = parse_release(&mut rest)?;
        let pre = parse_word(&mut rest, &PRE);
        let post = parse_post(&mut rest);
        let dev = parse_word(&mut rest, &["dev"]);
        rest.is_empty().then_some(())?;
        let pre = match (pre, &post, &dev) {
            (Some((word, number)), ..) => match word.as_bytes()[0] {
                b'a' => Pre::Alpha(number),
                b'b' => Pre::Beta(number),
                _ => Pre::Candidate(number),
            },
            (None, None, Some(_)) => Pre::OnlyDev,
            _ => Pre::Nothing,
        };
        let dev = dev.map_or(Dev::Nothing, |(_, number)| Dev::Number(number));
        Some(Self {
            epoch,
            release,
            pre,
            post,
            dev,
            local,
        })
    }
}

/// Longer words before those they begin with.
const PRE: [&str; 8] = ["alpha", "a", "beta", "b", "preview", "pre", "rc", "c"];

/// Takes the numbers; zeros at the end do not count.
fn parse_release<'a>(rest: &mut &'a [u8]) -> Option<Vec<Number<'a>>> {
    let mut release = vec![take_number(rest)?];
    while let [b'.', b'0'..=b'9', ..] = rest {
        *rest = &rest[1..];
        release.extend(take_number(rest));
    }
    while release.last().is_some_and(|number| number.is_zero()) {
        release.pop();
    }
    Some(release)
}

fn take_number<'a>(rest: &mut &'a [u8]) -> Option<Number<'a>> {
    match take_while(rest, u8::is_ascii_digit) {
        [] => None,
        digits => Some(Number::of(digits)),
    }
}

fn skip_separator(rest: &mut &[u8]) {
    if let [b'.' | b'-' | b'_', ..] = rest {
        *rest = &rest[1..];
    }
}

/// Takes one of the words with its number (0 where there is none), or nothing at all.
fn parse_word<'a>(
    rest: &mut &'a [u8],
    words: &[&'static str],
) -> Option<(&'static str, Number<'a>)> {
    let mut at = *rest;
    skip_separator(&mut at);
    let word = words.iter().find(|word| at.starts_with(word.as_bytes()))?;
    at = &at[word.len()..];
    let mut number_at = at;
    skip_separator(&mut number_at);
    let number = match take_number(&mut number_at) {
        Some(number) => {
            at = number_at;
            number
        }
        None => Number::ZERO,
    };
    *rest = at;
    Some((word, number))
}

fn parse_post<'a>(rest: &mut &'a [u8]) -> Option<Number<'a>> {
    if let [b'-', b'0'..=b'9', ..] = rest {
        *rest = &rest[1..];
        return take_number(rest);
    }
    parse_word(rest, &["post", "rev", "r"]).map(|(_, number)| number)
}

fn parse_local(text: &str) -> Option<Vec<Local<'_>>> {
    let parts = text.split(['.', '-', '_']).map(|part| {
        let is_word = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_word.then(|| Number::parse(part).map_or(Local::Text(part), Local::Number))
    });
    parts.collect()
}
