//! Licence names from Debian's machine-readable copyright files (DEP 5).

use crate::{
    Found,
    analyser::{Analyser, Counts, Findings, Reading, Want},
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
            let licenses = parse(bytes);
            let found = (!licenses.is_empty()).then_some(Found::Licenses(licenses));
            found.map(Findings::one).unwrap_or_default()
        },
    },
};

/// What is larger holds every licence's text and is of no use as a hint.
const MOST: u64 = 1 << 20;
/// Enough for the largest honest package; the file is only a hint.
const MAX_LICENSES: usize = 64;

/// Returns the distinct short names in order; none of a file in free prose.
pub(crate) fn parse(bytes: &[u8]) -> Vec<String> {
    let mut licenses: Vec<String> = Vec::new();
    if !bytes.starts_with(b"Format:") {
        return licenses;
    }
    for line in bytes.split(|b| *b == b'\n') {
        let Some(value) = line.strip_prefix(b"License:") else {
            continue;
        };
        let name = String::from_utf8_lossy(value.trim_ascii());
        let known = name.is_empty() || licenses.iter().any(|other| *other == name);
        if !known && licenses.len() < MAX_LICENSES {
            licenses.push(name.chars().take(200).collect());
        }
    }
    licenses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_short_names_once() {
        let text =
            b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n\
            Files: *\nLicense: GPL-2+\n\nFiles: a\nLicense: MIT\n text\n\nLicense: GPL-2+\n";
        assert_eq!(parse(text), ["GPL-2+", "MIT"]);
        assert!(parse(b"This package was debianised\nLicense: GPL\n").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(Format:)?(License:[ -~]{0,9}\n?){0,9}") {
            parse(text.as_bytes());
        }
    }
}
