//! Numbers of any length, and the pieces versions are cut into.

use std::cmp::Ordering;

/// Digits without leading zeros; the derived order would be the textual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number<'a>(&'a [u8]);

impl<'a> Number<'a> {
    pub(super) const ZERO: Number<'static> = Number(b"");

    /// Takes digits; what they are is the caller's care.
    pub(super) fn of(digits: &'a [u8]) -> Self {
        let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
        Self(&digits[zeros..])
    }

    /// Reads text that is nothing but digits.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        is_digits(text).then(|| Self::of(text.as_bytes()))
    }

    pub(super) fn is_zero(self) -> bool {
        self.0.is_empty()
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then(self.0.cmp(other.0))
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Takes the longest beginning of bytes that `wanted` accepts off `rest`.
pub(super) fn take_while<'a>(rest: &mut &'a [u8], wanted: impl Fn(&u8) -> bool) -> &'a [u8] {
    let end = rest.iter().position(|byte| !wanted(byte));
    let (taken, left) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = left;
    taken
}

/// Runs of digits and runs of letters (by `u8::is_ascii_alphabetic`); all else parts them.
pub(super) struct Runs<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Runs<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        take_while(&mut self.0, |byte| !byte.is_ascii_alphanumeric());
        let run = match self.0.first()? {
            byte if byte.is_ascii_digit() => take_while(&mut self.0, u8::is_ascii_digit),
            _ => take_while(&mut self.0, u8::is_ascii_alphabetic),
        };
        Some(run)
    }
}

/// Orders two sequences by their first difference; `end` stands for what follows the shorter.
pub(super) fn lexicographic<T: Ord + Copy>(
    mut a: impl Iterator<Item = T>,
    mut b: impl Iterator<Item = T>,
    end: T,
) -> Ordering {
    loop {
        let (left, right) = (a.next(), b.next());
        if left.is_none() && right.is_none() {
            return Ordering::Equal;
        }
        match left.unwrap_or(end).cmp(&right.unwrap_or(end)) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
}
