//! How the table writes the text that holds a version, and how the version is found by it.

/// Bytes of a version.
const VERSION_MOST: usize = 40;
/// Digits of one number; a build's time is none of a version.
const NUMBER_MOST: usize = 10;
/// Bytes that an identifier of a build has at least: its time, and the hash of its sources.
const IDENTIFIER: usize = 19;
/// Words that stand behind the numbers of what is no release yet.
static BEFORE_RELEASE: &[&str] = &["alpha", "beta", "dev", "pre", "preview", "rc"];

/// A pattern, taken apart. The text is as in the program, and the version is in braces: `{}` is
/// any, `{3.}` one that begins so; with `#`, a number, in it, as in `{3.#.#}`, it is exactly of
/// that form. `[]` is a zero byte; `~` in front means that the text is no part of a longer word,
/// and `^` with a byte, that it does not follow that. Behind the braces `#` is a number, too,
/// `@` is letters, and a space stands for any number of them.
pub(super) struct Pattern {
    /// What is searched for: what stands before the version, and how it begins.
    pub(super) needle: Vec<u8>,
    /// How many bytes of the needle are before the version.
    before: usize,
    front: Front,
    /// What follows the version's beginning; none if it is any.
    form: Vec<Piece>,
    /// What follows the version.
    after: Vec<Piece>,
}

/// What must not stand in front of the needle.
enum Front {
    Nothing,
    Word,
    Byte(u8),
}

#[derive(Debug, PartialEq)]
enum Piece {
    Byte(u8),
    Number,
    Letters,
    Spaces,
}

impl Pattern {
    pub(super) fn of(text: &str) -> Self {
        let text = text.replace("[]", "\0");
        let (front, text) = match text.as_bytes() {
            [b'~', ..] => (Front::Word, &text[1..]),
            [b'^', byte, ..] if byte.is_ascii() => (Front::Byte(*byte), &text[2..]),
            _ => (Front::Nothing, &*text),
        };
        let (before, rest) = text.split_once('{').unwrap_or((text, "}"));
        let (form, after) = rest.split_once('}').unwrap_or((rest, ""));
        let begins = form.find('#').unwrap_or(form.len());
        Self {
            needle: [before.as_bytes(), &form.as_bytes()[..begins]].concat(),
            before: before.len(),
            front,
            form: form[begins..].bytes().map(Piece::of).collect(),
            after: after.bytes().map(Piece::of).collect(),
        }
    }

    /// Calls with each place in `bytes` where the needle may begin.
    pub(super) fn places(&self, bytes: &[u8], found: &mut dyn FnMut(usize)) {
        if !self.needle.is_empty() {
            memchr::memmem::find_iter(bytes, &self.needle).for_each(found);
            return;
        }
        // A version of any numbers: what is before each point.
        for point in memchr::memchr_iter(b'.', bytes) {
            let digits = bytes[..point].iter().rev().take(NUMBER_MOST);
            let digits = digits.take_while(|byte| byte.is_ascii_digit()).count();
            if digits > 0 {
                found(point - digits);
            }
        }
    }

    /// Returns the version in `bytes`, in which the needle begins at `at`.
    pub(super) fn version<'b>(&self, bytes: &'b [u8], at: usize) -> Option<&'b str> {
        let front = || bytes.get(at.checked_sub(1)?);
        let stands = match self.front {
            Front::Nothing => true,
            Front::Word => front().is_some_and(|byte| !is_of_word(*byte)),
            Front::Byte(other) => front().is_some_and(|byte| *byte != other),
        };
        let rest = bytes.get(at + self.before..).filter(|_| stands)?;
        if self.form.is_empty() {
            let word = rest.iter().take(VERSION_MOST);
            let word = word.take_while(|byte| is_of_word(**byte)).count();
            // What follows may consist of a version's characters, too.
            let mut ends = (0..=word).rev();
            let end = ends.find(|end| fits(&self.after, &rest[*end..]).is_some())?;
            return cut(std::str::from_utf8(&rest[..end]).ok()?);
        }
        let begins = self.needle.len() - self.before;
        let end = begins + fits(&self.form, rest.get(begins..)?)?;
        fits(&self.after, &rest[end..])?;
        std::str::from_utf8(&rest[..end]).ok()
    }
}

impl Piece {
    fn of(byte: u8) -> Self {
        match byte {
            b'#' => Self::Number,
            b'@' => Self::Letters,
            b' ' => Self::Spaces,
            byte => Self::Byte(byte),
        }
    }

    /// Returns how many bytes it takes of those that begin so.
    fn length(&self, bytes: &[u8]) -> Option<usize> {
        let count = |of: fn(&u8) -> bool| {
            let bytes = bytes.iter().take(VERSION_MOST);
            Some(bytes.take_while(|byte| of(byte)).count()).filter(|count| *count > 0)
        };
        match self {
            Self::Byte(byte) => (bytes.first() == Some(byte)).then_some(1),
            Self::Number => count(u8::is_ascii_digit).filter(|digits| *digits <= NUMBER_MOST),
            Self::Letters => count(u8::is_ascii_alphabetic),
            Self::Spaces => count(|byte| *byte == b' '),
        }
    }
}

/// Returns how many bytes the pieces take, one after the other.
fn fits(pieces: &[Piece], bytes: &[u8]) -> Option<usize> {
    let mut end = 0;
    for piece in pieces {
        end += piece.length(bytes.get(end..)?)?;
    }
    Some(end)
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+' | b'_')
}

/// Returns the version at the beginning of a word, which may go on with what a distribution or a
/// builder appended: `2.6.12` of `2.6.12-1+deb12u4`. Letters belong to it that are few, as in
/// `1.1.1w`, or tell what comes before a release, as in `2.1.0-beta3`.
fn cut(word: &str) -> Option<&str> {
    let digits = |at: usize| {
        let rest = word.get(at..).unwrap_or_default();
        rest.bytes().take_while(u8::is_ascii_digit).count()
    };
    let mut end = digits(0);
    let mut numbers = 1;
    while end > 0 && word[end..].starts_with('.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
        numbers += 1;
    }
    if numbers < 2 {
        return None;
    }
    let rest = &word[end..];
    let hyphen = usize::from(rest.starts_with(['-', '.', '_']));
    let letters = rest[hyphen..].bytes();
    let letters = letters.take_while(u8::is_ascii_alphabetic).count();
    let suffix = rest[hyphen..hyphen + letters].to_ascii_lowercase();
    let belongs = BEFORE_RELEASE.contains(&&*suffix) || (hyphen == 0 && letters <= 2);
    if letters > 0 && belongs {
        end += hyphen + letters;
        let point = usize::from(word[end..].starts_with('.') && digits(end + 1) > 0);
        end += point + digits(end + point);
    }
    Some(&word[..end])
}

/// Returns whether `bytes` hold what a program with this version holds, too: a text in which `{}`
/// is the version, `{12}` its first two numbers without the point, and `%` at the end, that an
/// identifier of a build goes on with it.
pub(super) fn holds(bytes: &[u8], with: &str, version: &str) -> bool {
    let two: String = version.split('.').take(2).collect();
    let (text, identifier) = match with.strip_suffix('%') {
        Some(text) => (text, IDENTIFIER),
        None => (with, 0),
    };
    let text = text.replace("{}", version).replace("{12}", &two);
    let mut hits = memchr::memmem::find_iter(bytes, &text);
    hits.any(|at| {
        let front = at.checked_sub(1).and_then(|at| bytes.get(at));
        let whole = |byte: Option<&u8>, ends: bool| {
            !ends || !byte.is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.')
        };
        let rest = &bytes[at + text.len()..];
        let word = rest
            .iter()
            .take_while(|byte| is_of_word(**byte))
            .take(IDENTIFIER);
        whole(front, with.starts_with('{'))
            && whole(rest.first(), with.ends_with('}'))
            && word.count() >= identifier
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'b>(pattern: &str, text: &'b str) -> Vec<&'b str> {
        let pattern = Pattern::of(pattern);
        let mut found = Vec::new();
        pattern.places(text.as_bytes(), &mut |at| {
            found.extend(pattern.version(text.as_bytes(), at));
        });
        found
    }

    #[test]
    fn versions_are_of_their_form() {
        assert_eq!(
            found("a {}", "a 1.2.3-0+deb12u1 a 1.2 a 1 a 2.weeks.ago"),
            ["1.2.3", "1.2"]
        );
        assert_eq!(
            found("~{3.}\0", "\x003.11.7\0/3.2\0Python 3.14.\0x3.1\0\x003.x\0"),
            ["3.11.7", "3.2", "3.14"]
        );
        assert_eq!(
            found("~{#.#.#}\0", "\x001.2.3\0 12.3.4\0 1.2\0 1.2.3.4\0v1.2.3\0"),
            ["1.2.3", "12.3.4"]
        );
        assert_eq!(
            found("SSH_{#.#p#}", "SSH_9.2\0SSH_9.2p1 SSH_7.0*"),
            ["9.2p1"]
        );
        assert_eq!(
            found("L {} # @ #", "L 3.0 legacy, L 1.1.1w  11 Sep 2023"),
            ["1.1.1w"]
        );
        assert_eq!(
            found("^-D/{#.#.#}", "-D/0.8.2g f01D/2.9.8D/2.9.8+f"),
            ["2.9.8", "2.9.8"]
        );
        assert_eq!(found("({}+", "(17.0.15+6)"), ["17.0.15"]);
    }

    #[test]
    fn what_builders_append_is_no_version() {
        for (word, version) in [
            ("2.6.12-1+deb12u4", "2.6.12"),
            ("6.0-static", "6.0"),
            ("3.0.3+quic", "3.0.3"),
            ("1.0.2k-fips", "1.0.2k"),
            ("9.2p1", "9.2p1"),
            ("3.0-dev13-86e043a", "3.0-dev13"),
            ("2.1.0-beta3", "2.1.0-beta3"),
            ("8.4.0RC1", "8.4.0RC1"),
            ("3.4.0preview1", "3.4.0preview1"),
            ("1.22.0-rc.1", "1.22.0-rc.1"),
            ("0.82.0grpc-timeout", "0.82.0"),
            ("3.12.", "3.12"),
        ] {
            assert_eq!(cut(word), Some(version), "{word}");
        }
        assert_eq!(
            (cut("2.weeks.ago"), cut("2"), cut(""), cut("x1.2")),
            (None, None, None, None)
        );
    }

    #[test]
    fn other_texts_tell_which_version_it_is() {
        let id = b"\0valkey8.1.11792855166000000000\0";
        assert!(holds(id, "{}%", "8.1.1"));
        assert!(!holds(id, "{}%", "8.1.0") && !holds(id, "{}%", "1.1"));
        assert!(!holds(b"\x008.1.1\0", "{}%", "8.1.1"));
        assert!(holds(b"cpython-311-x", "cpython-{12}", "3.11.2"));
        assert!(!holds(b"cpython-320-x", "cpython-{12}", "3.2.0"));
        assert!(holds(b"not in gzip format", "not in gzip", "1.12"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(
            pattern in "[~^]?\\PC{0,3}[a-z\\[\\]]{0,3}(\\{[0-9.#p]{0,5}\\})?[ #@a-z\\PC]{0,5}",
            text in "[0-9a-z. +-]{0,50}\\PC{0,4}",
            with in "\\PC{0,3}(\\{\\}|\\{12\\})?%?",
        ) {
            found(&pattern, &text);
            cut(&text);
            holds(text.as_bytes(), &with, &text);
        }
    }
}
