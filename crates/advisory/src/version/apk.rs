//! Alpine's order, as apk-tools 3 computes it (`version.c`).
//!
//! ```text
//! version  = number *("." number) [letter] *("_" suffix [number]) ["~" hash] ["-r" number]
//! suffix   = alpha / beta / pre / rc                 ; sort before no suffix
//!          / cvs / svn / git / hg / p                ; sort after no suffix
//! ```
//!
//! Both strings are cut into tokens; the first differing pair decides. [`Token`]'s own order is
//! the whole rule, which makes the comparison a total order by construction. As in apk-tools,
//! text that fits no rule is one token that sorts before the end and equals any other such text.

use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (Tokens::new(a), Tokens::new(b));
    loop {
        let (left, right) = (a.next(), b.next());
        match left.cmp(&right) {
            Ordering::Equal if matches!(left, Token::End | Token::Junk) => return Ordering::Equal,
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
}

/// One token; variants stand in ascending order of what a version continuing with it is worth.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    /// Index in [`PRE_SUFFIXES`].
    PreSuffix(usize),
    Junk,
    /// A dot without digits; like junk, but what follows still counts.
    EmptyNumber,
    End,
    Revision(Number<'a>),
    Hash(&'a [u8]),
    SuffixNumber(Number<'a>),
    /// Index in [`POST_SUFFIXES`].
    PostSuffix(usize),
    Letter(u8),
    Component(Number<'a>),
}

/// Digits; a component written with a leading zero sorts as text and before those without.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Number<'a> {
    Padded(&'a [u8]),
    /// Count of digits first, so that the derived order is the numeric one.
    Plain(usize, &'a [u8]),
}

impl<'a> Number<'a> {
    fn numeric(digits: &'a [u8]) -> Self {
        let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
        Self::Plain(digits.len() - zeros, &digits[zeros..])
    }

    fn component(digits: &'a [u8]) -> Self {
        if digits.starts_with(b"0") {
            Self::Padded(digits)
        } else {
            Self::numeric(digits)
        }
    }
}

const PRE_SUFFIXES: [&[u8]; 4] = [b"alpha", b"beta", b"pre", b"rc"];
const POST_SUFFIXES: [&[u8]; 5] = [b"cvs", b"svn", b"git", b"hg", b"p"];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Start,
    Number,
    Letter,
    Suffix,
    SuffixNumber,
    Hash,
    Revision,
}

struct Tokens<'a> {
    rest: &'a [u8],
    place: Place,
}

impl<'a> Tokens<'a> {
    fn new(version: &'a str) -> Self {
        Self {
            rest: version.as_bytes(),
            place: Place::Start,
        }
    }

    fn next(&mut self) -> Token<'a> {
        let Some(first) = self.rest.first().copied() else {
            return Token::End;
        };
        match (self.place, first) {
            (Place::Start, _) => self.number(Number::numeric),
            (Place::Number, b'a'..=b'z') => {
                self.rest = &self.rest[1..];
                self.place = Place::Letter;
                Token::Letter(first)
            }
            (Place::Number, b'.') => {
                self.rest = &self.rest[1..];
                self.number(Number::component)
            }
            // `6.6.2p1`, which old packages have.
            (Place::Letter, b'0'..=b'9') => self.number(Number::numeric),
            (Place::Suffix, b'0'..=b'9') => {
                self.place = Place::SuffixNumber;
                Token::SuffixNumber(Number::numeric(self.digits()))
            }
            (place, b'_') if place < Place::Hash => self.suffix(),
            (place, b'~') if place < Place::Hash => self.hash(),
            (place, b'-') if place < Place::Revision => self.revision(),
            _ => Token::Junk,
        }
    }

    fn digits(&mut self) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !byte.is_ascii_digit());
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        digits
    }

    fn number(&mut self, make: fn(&'a [u8]) -> Number<'a>) -> Token<'a> {
        self.place = Place::Number;
        match self.digits() {
            [] => Token::EmptyNumber,
            digits => Token::Component(make(digits)),
        }
    }

    fn suffix(&mut self) -> Token<'a> {
        let name = &self.rest[1..];
        let end = name
            .iter()
            .position(|byte| !byte.is_ascii_lowercase())
            .unwrap_or(name.len());
        let (name, rest) = name.split_at(end);
        self.rest = rest;
        self.place = Place::Suffix;
        let index = |names: &[&[u8]]| names.iter().position(|known| *known == name);
        match (index(&PRE_SUFFIXES), index(&POST_SUFFIXES)) {
            (Some(pre), _) => Token::PreSuffix(pre),
            (_, Some(post)) => Token::PostSuffix(post),
            _ => Token::Junk,
        }
    }

    fn hash(&mut self) -> Token<'a> {
        let hash = &self.rest[1..];
        let end = hash
            .iter()
            .position(|byte| !byte.is_ascii_hexdigit())
            .unwrap_or(hash.len());
        let (hash, rest) = hash.split_at(end);
        self.rest = rest;
        self.place = Place::Hash;
        if hash.is_empty() {
            Token::Junk
        } else {
            Token::Hash(hash)
        }
    }

    fn revision(&mut self) -> Token<'a> {
        let Some(rest) = self.rest.strip_prefix(b"-r") else {
            return Token::Junk;
        };
        self.rest = rest;
        self.place = Place::Revision;
        let digits = self.digits();
        // `1-r` and `1-r-1` read as revision 0; a word that begins with `r` does not.
        match (digits, self.rest.first()) {
            ([], Some(other)) if *other != b'-' => Token::Junk,
            _ => Token::Revision(Number::numeric(digits)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_suffixes_letters_hashes_and_revisions() {
        let ordered = [
            "1.2_alpha",
            "1.2_alpha1",
            "1.2_beta",
            "1.2_pre2",
            "1.2_rc1",
            "1.2",
            "1.2-r1",
            "1.2~0a1b-r0",
            "1.2_cvs1",
            "1.2_svn",
            "1.2_git20240101",
            "1.2_hg",
            "1.2_p1",
            "1.2a",
            "1.2.00",
            "1.2.01",
            "1.2.1",
            "1.2.10",
            "1.10",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
    }
}
