//! Names of files as text, and paths within a layer. Linux lets a name be any bytes, and two
//! names must stay two: if both became `\u{fffd}`, one file would hide the other.

use std::fmt::Write as _;

/// Stands before the two digits of a byte that is not UTF-8.
const ESCAPE: char = char::REPLACEMENT_CHARACTER;

/// Appends a name, each byte that is not UTF-8 escaped, and the sign for that as well.
pub(crate) fn append(out: &mut String, name: &[u8]) {
    let escape = |out: &mut String, bytes: &[u8]| {
        for byte in bytes {
            write!(out, "{ESCAPE}{byte:02x}").expect("writing to a text does not fail");
        }
    };
    for chunk in name.utf8_chunks() {
        let mut parts = chunk.valid().split(ESCAPE);
        out.push_str(parts.next().unwrap_or_default());
        for part in parts {
            escape(out, ESCAPE.encode_utf8(&mut [0; 4]).as_bytes());
            out.push_str(part);
        }
        escape(out, chunk.invalid());
    }
}

/// Returns a name as text; no two names have the same.
pub(crate) fn text(name: &[u8]) -> String {
    let mut out = String::with_capacity(name.len());
    append(&mut out, name);
    out
}

/// Returns the path without leading slash, `.`, `..` and doubled slashes;
/// nothing if it climbs out of the root.
pub(crate) fn normalise(path: &str) -> Option<String> {
    let mut out = String::with_capacity(path.len());
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if out.is_empty() => return None,
            ".." => out.truncate(out.rfind('/').unwrap_or(0)),
            part => {
                if !out.is_empty() {
                    out.push('/');
                }
                out.push_str(part);
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_apart() {
        assert_eq!(text("usr/ä\\x2d".as_bytes()), "usr/ä\\x2d");
        assert_eq!(text(b"a\xffb\xc3"), "a\u{fffd}ffb\u{fffd}c3");
        let sign = "\u{fffd}".as_bytes();
        assert_eq!(text(sign), "\u{fffd}ef\u{fffd}bf\u{fffd}bd");
        assert_eq!(text(&[sign, b"ff"].concat()), text(sign) + "ff");
    }

    #[test]
    fn normalises_and_refuses_to_climb() {
        assert_eq!(normalise("./usr//lib/./x/").as_deref(), Some("usr/lib/x"));
        assert_eq!(normalise("/a/b/../c").as_deref(), Some("a/c"));
        assert_eq!(normalise("a/../b").as_deref(), Some("b"));
        assert_eq!(normalise("./").as_deref(), Some(""));
        assert_eq!(normalise("a/../../etc/passwd"), None);
    }

    proptest::proptest! {
        #[test]
        fn each_name_can_be_had_back(name in proptest::collection::vec(proptest::num::u8::ANY, 0..40)) {
            let text = text(&name);
            let mut parts = text.split(ESCAPE);
            let mut back = parts.next().unwrap_or_default().as_bytes().to_vec();
            for part in parts {
                back.push(u8::from_str_radix(&part[..2], 16).expect("two digits"));
                back.extend(&part.as_bytes()[2..]);
            }
            proptest::prop_assert_eq!(back, name);
        }
    }
}
