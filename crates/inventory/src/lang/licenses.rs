//! SPDX identifiers of the names that languages' package managers use for licences.

/// Names in lower case, less `the`, `license`, `licence`, `software`, `version`, `v` and
/// punctuation; see [`words`].
static NAMES: &[(&str, &str)] = &[
    ("0bsd", "0BSD"),
    ("2 clause bsd", "BSD-2-Clause"),
    ("3 clause bsd", "BSD-3-Clause"),
    ("academic free 3 0", "AFL-3.0"),
    ("afl 3 0", "AFL-3.0"),
    ("agpl 3", "AGPL-3.0-only"),
    ("agpl 3 0", "AGPL-3.0-only"),
    ("apache", "Apache-2.0"),
    ("apache 2", "Apache-2.0"),
    ("apache 2 0", "Apache-2.0"),
    ("apache 2 0 apache 2 0", "Apache-2.0"),
    ("apache2", "Apache-2.0"),
    ("artistic 2 0", "Artistic-2.0"),
    ("asl 2 0", "Apache-2.0"),
    ("boost 1 0", "BSL-1.0"),
    ("boost 1 0 bsl 1 0", "BSL-1.0"),
    ("bsd 2", "BSD-2-Clause"),
    ("bsd 2 clause", "BSD-2-Clause"),
    ("bsd 3", "BSD-3-Clause"),
    ("bsd 3 clause", "BSD-3-Clause"),
    ("cc0", "CC0-1.0"),
    ("cc0 1 0 universal", "CC0-1.0"),
    (
        "cc0 1 0 universal cc0 1 0 public domain dedication",
        "CC0-1.0",
    ),
    ("expat", "MIT"),
    ("gnu affero general public 3", "AGPL-3.0-only"),
    (
        "gnu affero general public 3 or later agplv3+",
        "AGPL-3.0-or-later",
    ),
    ("gnu general public 2 gplv2", "GPL-2.0-only"),
    ("gnu general public 2 or later gplv2+", "GPL-2.0-or-later"),
    ("gnu general public 3 gplv3", "GPL-3.0-only"),
    ("gnu general public 3 or later gplv3+", "GPL-3.0-or-later"),
    (
        "gnu lesser general public 2 or later lgplv2+",
        "LGPL-2.0-or-later",
    ),
    ("gnu lesser general public 3 lgplv3", "LGPL-3.0-only"),
    (
        "gnu lesser general public 3 or later lgplv3+",
        "LGPL-3.0-or-later",
    ),
    ("gpl 2", "GPL-2.0-only"),
    ("gpl 2 0", "GPL-2.0-only"),
    ("gpl 2 0 or later", "GPL-2.0-or-later"),
    ("gpl 2 0+", "GPL-2.0-or-later"),
    ("gpl 3", "GPL-3.0-only"),
    ("gpl 3 0", "GPL-3.0-only"),
    ("gpl 3 0 or later", "GPL-3.0-or-later"),
    ("gpl 3 0+", "GPL-3.0-or-later"),
    ("gpl >= 2", "GPL-2.0-or-later"),
    ("gpl >= 2 0", "GPL-2.0-or-later"),
    ("gpl >= 3", "GPL-3.0-or-later"),
    ("gplv2", "GPL-2.0-only"),
    ("gplv2 or later", "GPL-2.0-or-later"),
    ("gplv2+", "GPL-2.0-or-later"),
    ("gplv3", "GPL-3.0-only"),
    ("gplv3 or later", "GPL-3.0-or-later"),
    ("gplv3+", "GPL-3.0-or-later"),
    ("isc", "ISC"),
    ("isc iscl", "ISC"),
    ("lgpl 2 1", "LGPL-2.1-only"),
    ("lgpl 2 1 or later", "LGPL-2.1-or-later"),
    ("lgpl 3", "LGPL-3.0-only"),
    ("lgpl 3 0", "LGPL-3.0-only"),
    ("lgpl >= 2 1", "LGPL-2.1-or-later"),
    ("lgpl >= 3", "LGPL-3.0-or-later"),
    ("lgplv3", "LGPL-3.0-only"),
    ("lgplv3+", "LGPL-3.0-or-later"),
    ("mit", "MIT"),
    ("mit + file", "MIT"),
    ("mit mit", "MIT"),
    ("mit no attribution mit 0", "MIT-0"),
    ("mit x11", "MIT"),
    ("modified bsd", "BSD-3-Clause"),
    ("mozilla public 1 1 mpl 1 1", "MPL-1.1"),
    ("mozilla public 2 0", "MPL-2.0"),
    ("mozilla public 2 0 mpl 2 0", "MPL-2.0"),
    ("mpl 2 0", "MPL-2.0"),
    ("mpl2", "MPL-2.0"),
    ("new bsd", "BSD-3-Clause"),
    ("psf", "PSF-2.0"),
    ("psf 2 0", "PSF-2.0"),
    ("python foundation", "PSF-2.0"),
    ("revised bsd", "BSD-3-Clause"),
    ("ruby", "Ruby"),
    ("simplified bsd", "BSD-2-Clause"),
    ("unlicense", "Unlicense"),
    ("unlicense unlicense", "Unlicense"),
    ("wtfpl", "WTFPL"),
    ("x11 mit", "MIT"),
    ("zlib", "Zlib"),
    ("zlib libpng", "Zlib"),
    ("zope public", "ZPL-2.1"),
    ("zpl 2 1", "ZPL-2.1"),
];
/// Longer texts are licences themselves, not their names.
const MAX_NAME: usize = 120;

/// Returns the SPDX identifier for a name, or the name itself; nothing for a text that
/// is no name.
pub(super) fn normalise(name: &str) -> Option<String> {
    let name = name.trim();
    let lower = name.to_lowercase();
    let is_none = ["", "unknown", "none", "noassertion"].contains(&&*lower);
    // npm's form for a licence that has no name.
    let is_elsewhere = lower.starts_with("see license");
    if is_none || is_elsewhere || name.len() > MAX_NAME || name.contains(char::is_control) {
        return None;
    }
    let words = words(name);
    let known = NAMES.binary_search_by(|(known, _)| (*known).cmp(&words));
    Some(known.map_or_else(|_| name.to_owned(), |at| NAMES[at].1.to_owned()))
}

fn words(name: &str) -> String {
    let name = name.to_lowercase();
    let parts = name
        .split(|c: char| !c.is_alphanumeric() && !matches!(c, '+' | '>' | '='))
        .map(|word| match word.strip_prefix('v') {
            Some(number) if number.starts_with(|c: char| c.is_ascii_digit()) => number,
            _ => word,
        });
    let noise = ["", "the", "license", "licence", "software", "version", "v"];
    let parts = parts.filter(|word| !noise.contains(word));
    parts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_as_looked_up() {
        for pair in NAMES.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{pair:?}");
        }
        for (name, _) in NAMES {
            assert_eq!(words(name), *name);
        }
    }

    #[test]
    fn knows_names() {
        let is = |name: &str| normalise(name).unwrap_or_default();
        assert_eq!(is("MIT License"), "MIT");
        assert_eq!(is("The MIT License (MIT)"), "MIT");
        assert_eq!(is("Apache Software License"), "Apache-2.0");
        assert_eq!(is("Apache License, Version 2.0"), "Apache-2.0");
        assert_eq!(is("GPL (>= 2)"), "GPL-2.0-or-later");
        assert_eq!(is("MIT + file LICENSE"), "MIT");
        assert_eq!(is("BSD"), "BSD");
        assert_eq!(is("Apache-2.0 OR MIT"), "Apache-2.0 OR MIT");
        assert_eq!(is("UNKNOWN"), "");
        assert_eq!(is(&"x".repeat(500)), "");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(name in ".{0,200}") {
            normalise(&name);
        }
    }
}
