//! Debian's order (Debian Policy 5.6.12): `[epoch:]upstream[-revision]`.

use std::cmp::Ordering;

use super::VersionError;
use super::number::{Number, take_while};

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (Parts::parse(a)?, Parts::parse(b)?);
    Ok(a.epoch
        .cmp(&b.epoch)
        .then_with(|| compare_part(a.upstream.as_bytes(), b.upstream.as_bytes()))
        .then_with(|| compare_part(a.revision.as_bytes(), b.revision.as_bytes())))
}

struct Parts<'a> {
    epoch: u32,
    upstream: &'a str,
    revision: &'a str,
}

impl<'a> Parts<'a> {
    fn parse(version: &'a str) -> Result<Self, VersionError> {
        let invalid = |c: char| !(c.is_ascii_alphanumeric() || ".+-:~_".contains(c));
        if let Some(character) = version.chars().find(|c| invalid(*c)) {
            return Err(VersionError::Character {
                version: version.to_owned(),
                character,
            });
        }
        let (epoch, rest) = match version.split_once(':') {
            None => (0, version),
            Some((epoch, rest)) => {
                let epoch = epoch.parse::<u32>();
                let error = |_| VersionError::Epoch {
                    version: version.to_owned(),
                };
                (epoch.map_err(error)?, rest)
            }
        };
        // "absence of a debian_revision is equivalent to a debian_revision of 0"; the empty
        // part compares equal to "0" below.
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        if upstream.is_empty() {
            return Err(VersionError::NoUpstream {
                version: version.to_owned(),
            });
        }
        Ok(Self {
            epoch,
            upstream,
            revision,
        })
    }
}

/// Alternates between the longest prefix of non-digits and the longest prefix of digits.
fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        loop {
            let (left, right) = (weight(a.first()), weight(b.first()));
            match left.cmp(&right) {
                Ordering::Equal if left == 0 => break,
                Ordering::Equal => (a, b) = (&a[1..], &b[1..]),
                unequal => return unequal,
            }
        }
        let left = Number::of(take_while(&mut a, u8::is_ascii_digit));
        let right = Number::of(take_while(&mut b, u8::is_ascii_digit));
        match left.cmp(&right) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
    Ordering::Equal
}

/// "the letters sort earlier than all the non-letters and a tilde sorts before anything, even
/// the end of a part"; digits end the non-digit prefix and count like the end.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None | Some(b'0'..=b'9') => 0,
        Some(b'~') => -1,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(*letter),
        Some(other) => i32::from(*other) + 256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_example_sorts_tilde_before_the_end() {
        let ordered = ["1~~", "1~~a", "1~", "1", "1a", "1+", "1.0", "1:0.9"];
        for pair in ordered.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ok(Ordering::Less), "{pair:?}");
        }
    }

    #[test]
    fn rejects_bad_epoch_and_missing_upstream() {
        assert!(matches!(
            compare("a:1", "1"),
            Err(VersionError::Epoch { .. })
        ));
        assert!(matches!(
            compare("1:-1", "1"),
            Err(VersionError::NoUpstream { .. })
        ));
        assert!(matches!(
            compare("1/2", "1"),
            Err(VersionError::Character { character: '/', .. })
        ));
    }
}
