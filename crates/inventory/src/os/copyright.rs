//! Licence names from Debian's machine-readable copyright files (DEP 5).

use crate::{
    Found,
    analyser::{Analyser, Counts, Findings, Reading, Want},
    licenses,
};

/// Reads `usr/share/doc/PACKAGE/copyright`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "copyright",
    wants: &[Want::File(|file| {
        file.path.starts_with("usr/share/doc/")
            && file.path.ends_with("/copyright")
            && file.size <= MOST
    })],
    // The merge looks the file up by the package's name.
    counts: Counts::Asked,
    read: Reading::Whole {
        most: MOST,
        read: |_, bytes| {
            let mut names = parse(bytes);
            if names.is_empty() {
                names = prose(bytes);
            }
            let found = (!names.is_empty()).then_some(Found::Licenses(names));
            found.map(Findings::one).unwrap_or_default()
        },
    },
    ..Analyser::BASE
};

/// What is larger holds every licence's text and is of no use as a hint.
const MOST: u64 = 1 << 20;
/// Enough for the largest honest package; the file is only a hint.
const MAX_LICENSES: usize = 64;

/// Returns the distinct short names in order; none of a file in free prose.
pub(crate) fn parse(bytes: &[u8]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    if !bytes.starts_with(b"Format:") {
        return found;
    }
    for line in bytes.split(|b| *b == b'\n') {
        let Some(value) = line.strip_prefix(b"License:") else {
            continue;
        };
        let name = String::from_utf8_lossy(value.trim_ascii());
        let Some(name) = licenses::normalise(&name) else {
            continue;
        };
        if !found.contains(&name) && found.len() < MAX_LICENSES {
            found.push(name);
        }
    }
    found
}

/// Returns the licences whose texts a file in free prose holds, or says where they are: Debian
/// keeps those of common ones in one folder.
fn prose(bytes: &[u8]) -> Vec<String> {
    let mut found = licenses::file::recognise(bytes);
    let text = String::from_utf8_lossy(bytes);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut end_of_last = 0;
    for (at, _) in words.match_indices(COMMON) {
        // What stands before the reference is about it, since the one before.
        let later = words[end_of_last..at].contains("any later version");
        end_of_last = at + COMMON.len();
        let rest = &words[end_of_last..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.'));
        let name = rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', '-']);
        let is_gnu = name.starts_with("GPL-") || name.starts_with("LGPL-");
        let name = format!("{name}{}", if later && is_gnu { "+" } else { "" });
        let id = licenses::normalise(&name).filter(|id| licenses::spdx::is_id(id));
        found.extend(id.filter(|id| !found.contains(id)));
        found.truncate(MAX_LICENSES);
    }
    found.sort();
    found
}

const COMMON: &str = "/usr/share/common-licenses/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_short_names_once() {
        let text =
            b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n\
            Files: *\nLicense: GPL-2+\n\nFiles: a\nLicense: MIT\n text\n\nLicense: GPL-2+\n";
        assert_eq!(parse(text), ["GPL-2.0-or-later", "MIT"]);
        assert!(parse(b"This package was debianised\nLicense: GPL\n").is_empty());
    }

    #[test]
    fn reads_prose_for_what_it_refers_to() {
        let text = "This is free software; version 2 of the License, or (at your option) any\n\
            later version. See `/usr/share/common-licenses/GPL-2'.\n\
            Parts: /usr/share/common-licenses/Apache-2.0. /usr/share/common-licenses/GPL";
        assert_eq!(prose(text.as_bytes()), ["Apache-2.0", "GPL-2.0-or-later"]);
        let only = b"the terms of version 2; see /usr/share/common-licenses/GPL-2,";
        assert_eq!(prose(only), ["GPL-2.0-only"]);
        let both = b"any later version: /usr/share/common-licenses/LGPL-2.1. The rest: version 2, \
            /usr/share/common-licenses/GPL-2";
        assert_eq!(prose(both), ["GPL-2.0-only", "LGPL-2.1-or-later"]);
        assert!(prose(b"Nothing is said.").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(Format:)?(License:[ -~]{0,9}\n?){0,9}") {
            parse(text.as_bytes());
            prose(text.as_bytes());
        }
    }
}
