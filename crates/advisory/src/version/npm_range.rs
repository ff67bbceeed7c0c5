//! npm's own way to write ranges (`node-semver`), which older feeds have instead of events.
//!
//! ```text
//! ranges     = set *("||" set)
//! set        = partial " - " partial / *comparator
//! comparator = [">=" / "<=" / ">" / "<" / "=" / "^" / "~"] partial
//! partial    = number / "x" / "X" / "*", up to three with dots, and a pre-release
//! ```

use crate::record::{Event, Range, RangeKind};

use super::VersionError;

/// Returns the events of ranges such as `>=1.7.0 <1.7.16 || ^2.0.8`, one range for each set.
///
/// # Errors
/// A part is no version.
pub fn npm_ranges(text: &str) -> Result<Vec<Range>, VersionError> {
    text.split("||").map(set).collect()
}

/// Bounds: from here, up to there, with or without it.
#[derive(Default)]
struct Bounds {
    from: Option<String>,
    before: Option<String>,
    last: Option<String>,
}

fn set(text: &str) -> Result<Range, VersionError> {
    let mut bounds = Bounds::default();
    match text.split_once(" - ") {
        Some((from, to)) => {
            bounds.add(">=", from.trim())?;
            bounds.add("<=", to.trim())?;
        }
        None => {
            // A sign may stand apart from its version.
            let mut sign = "";
            for word in text.split_whitespace() {
                let end = word
                    .find(|c: char| !"<>=^~".contains(c))
                    .unwrap_or(word.len());
                let (own, partial) = word.split_at(end);
                sign = if own.is_empty() { sign } else { own };
                if !partial.is_empty() {
                    bounds.add(sign, partial)?;
                    sign = "";
                }
            }
        }
    }
    let mut events = vec![Event::Introduced(
        bounds.from.unwrap_or_else(|| "0".to_owned()),
    )];
    events.extend(bounds.last.map(Event::LastAffected));
    events.extend(bounds.before.map(Event::Fixed));
    Ok(Range {
        kind: RangeKind::Semver,
        events,
    })
}

impl Bounds {
    fn add(&mut self, sign: &str, text: &str) -> Result<(), VersionError> {
        let partial = Partial::parse(text)?;
        let (first, next) = (partial.first(), partial.next(partial.known));
        match sign {
            ">=" => self.from = Some(first),
            // Nothing lies between a version and the smallest pre-release of the next one.
            ">" if partial.known == 3 => self.from = Some(partial.after()),
            ">" => self.from = next,
            "<=" if partial.known == 3 => self.last = Some(first),
            "<=" => self.before = next,
            "<" => self.before = Some(first),
            "^" => {
                self.from = Some(first);
                self.before = partial.next(partial.significant());
            }
            "~" | "~>" => {
                self.from = Some(first);
                self.before = partial.next(partial.known.min(2));
            }
            "" | "=" if partial.known == 3 => {
                self.from = Some(first.clone());
                self.last = Some(first);
            }
            "" | "=" => {
                self.from = (partial.known > 0).then_some(first);
                self.before = next;
            }
            _ => return Err(error(text)),
        }
        Ok(())
    }
}

struct Partial<'a> {
    numbers: [u64; 3],
    /// How many of them are written.
    known: usize,
    pre: &'a str,
}

impl<'a> Partial<'a> {
    fn parse(text: &'a str) -> Result<Self, VersionError> {
        let bare = text.trim_start_matches(['v', '=']);
        let bare = bare.split('+').next().unwrap_or(bare);
        let (release, pre) = bare.split_once('-').unwrap_or((bare, ""));
        let mut partial = Self {
            numbers: [0; 3],
            known: 0,
            pre,
        };
        for (place, part) in release.split('.').enumerate() {
            if matches!(part, "x" | "X" | "*") {
                break;
            }
            let number = part.parse().map_err(|_| error(text))?;
            *partial.numbers.get_mut(place).ok_or_else(|| error(text))? = number;
            partial.known = place + 1;
        }
        Ok(partial)
    }

    fn first(&self) -> String {
        let [major, minor, patch] = self.numbers;
        match self.pre {
            "" => format!("{major}.{minor}.{patch}"),
            pre => format!("{major}.{minor}.{patch}-{pre}"),
        }
    }

    /// Returns the smallest version after this one.
    fn after(&self) -> String {
        let [major, minor, patch] = self.numbers;
        match self.pre {
            "" => format!("{major}.{minor}.{}-0", patch.saturating_add(1)),
            pre => format!("{major}.{minor}.{patch}-{pre}.0"),
        }
    }

    /// Returns the first version with a greater number at the place, counted from 1; pre-releases
    /// of it do not belong to what comes before. Nothing is after everything.
    fn next(&self, place: usize) -> Option<String> {
        let mut numbers = [0; 3];
        let last = place.checked_sub(1)?;
        numbers[..=last].copy_from_slice(&self.numbers[..=last]);
        numbers[last] = numbers[last].saturating_add(1);
        let [major, minor, patch] = numbers;
        Some(format!("{major}.{minor}.{patch}-0"))
    }

    /// Returns the place of the first number that is not 0, which `^` keeps.
    fn significant(&self) -> usize {
        let first = self.numbers.iter().position(|number| *number > 0);
        first.map_or(self.known, |place| place + 1).min(self.known)
    }
}

fn error(text: &str) -> VersionError {
    VersionError::Form {
        version: text.to_owned(),
        expected: "up to three numbers, the last of which may be `x`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> String {
        let ranges = npm_ranges(text).expect("ranges");
        let words = ranges.iter().map(|range| {
            let events = range.events.iter().map(|event| match event {
                Event::Introduced(version) => format!("[{version}"),
                Event::Fixed(version) => format!("{version})"),
                Event::LastAffected(version) | Event::Limit(version) => format!("{version}]"),
            });
            events.collect::<Vec<_>>().join(" ")
        });
        words.collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn every_form_has_its_events() {
        let cases = [
            ("<=1.5.1", "[0 1.5.1]"),
            (">= 2.0.1 <3.0.2", "[2.0.1 3.0.2)"),
            ("<1.6.5 || < 2.1.7 > 2.0.0", "[0 1.6.5) | [2.0.1-0 2.1.7)"),
            ("~1.6.5 || >=1.7.2", "[1.6.5 1.7.0-0) | [1.7.2"),
            ("^1.2.9", "[1.2.9 2.0.0-0)"),
            ("^0.2.1-beta", "[0.2.1-beta 0.3.0-0)"),
            ("^0.0.2", "[0.0.2 0.0.3-0)"),
            ("5.0.0 - 7.2.3", "[5.0.0 7.2.3]"),
            ("2.0.x", "[2.0.0 2.1.0-0)"),
            (">= 2.2.x", "[2.2.0"),
            (">= 4 <4.5", "[4.0.0 4.5.0)"),
            ("=3.0.0-rc.1", "[3.0.0-rc.1 3.0.0-rc.1]"),
            ("<=v2.0.0-alpha7", "[0 2.0.0-alpha7]"),
            ("*", "[0"),
        ];
        for (text, expected) in cases {
            assert_eq!(events(text), expected, "{text}");
        }
        assert!(npm_ranges("latest").is_err() && npm_ranges("1.2.3.4").is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[<>=^~ |0-9.xv*-]{0,24}") {
            drop(npm_ranges(&text));
        }
    }
}
