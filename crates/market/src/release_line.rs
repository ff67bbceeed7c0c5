//! Lines of releases. A release mends what an earlier one of its line promised, and takes its
//! place; 1.9.1 mends nothing of 2.0, nor an image for another base what this one has.

/// A number of so many digits is a day or counts builds: no version begins with it.
const SERIAL_DIGITS: usize = 5;
/// So many hexadecimal digits with letters among them name a commit.
const COMMIT: std::ops::RangeInclusive<usize> = 7..=64;

/// Returns whether an image under one tag takes the place of one under the other, if it is
/// released later: both have the same words, in any case, and begin with the same number.
pub fn is_same_line(one: &str, other: &str) -> bool {
    line(one) == line(other)
}

/// Returns the words of a tag, and its first number.
fn line(tag: &str) -> (Vec<String>, Option<&str>) {
    if is_commit(tag) {
        return (Vec::new(), None);
    }
    let words = tag
        .split(|character: char| !character.is_ascii_alphabetic())
        .filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case("v"));
    let first = tag
        .split(|character: char| !character.is_ascii_digit())
        .find(|number| !number.is_empty())
        .filter(|number| number.len() < SERIAL_DIGITS);
    (words.map(str::to_ascii_lowercase).collect(), first)
}

fn is_commit(tag: &str) -> bool {
    COMMIT.contains(&tag.len())
        && tag.bytes().all(|byte| byte.is_ascii_hexdigit())
        && tag.bytes().any(|byte| byte.is_ascii_digit())
        && tag.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_first_number_and_words() {
        for (one, other) in [
            ("1.0", "1.0"),
            ("1.0", "1.0.1"),
            ("1.9", "v1.10.3"),
            ("2.0-alpine3.18", "2.1-alpine3.19"),
            ("latest", "latest"),
            ("20260401", "20261128"),
            ("build-10001", "build-10002"),
            ("9f3c2a1", "0d41b7e"),
        ] {
            assert!(is_same_line(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("2.0", "1.9.1"),
            ("2.0", "2.0-alpine"),
            ("2.0", "latest"),
            ("16", "15"),
            ("16-bookworm", "16-bullseye"),
            ("1.0-rc1", "1.0"),
            ("stable", "latest"),
            ("2.0", "9f3c2a1"),
        ] {
            assert!(!is_same_line(one, other), "{one} {other}");
        }
    }
}
