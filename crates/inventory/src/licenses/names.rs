//! SPDX identifiers of the names that package managers use for licences, and of the
//! expressions that they make of them.

use super::spdx;

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
    ("agpl 3+", "AGPL-3.0-or-later"),
    ("agplv3", "AGPL-3.0-only"),
    ("agplv3+", "AGPL-3.0-or-later"),
    ("apache", "Apache-2.0"),
    ("apache 1 1", "Apache-1.1"),
    ("apache 2", "Apache-2.0"),
    ("apache 2 0", "Apache-2.0"),
    ("apache 2 0 apache 2 0", "Apache-2.0"),
    ("apache2", "Apache-2.0"),
    // As distributions say it of Perl and its modules.
    ("artistic", "Artistic-1.0-Perl"),
    ("artistic 2 0", "Artistic-2.0"),
    ("asl 1 1", "Apache-1.1"),
    ("asl 2 0", "Apache-2.0"),
    ("boost 1 0", "BSL-1.0"),
    ("boost 1 0 bsl 1 0", "BSL-1.0"),
    ("bsd 2", "BSD-2-Clause"),
    ("bsd 2 clause", "BSD-2-Clause"),
    ("bsd 3", "BSD-3-Clause"),
    ("bsd 3 clause", "BSD-3-Clause"),
    ("bsd 4 clause", "BSD-4-Clause"),
    ("cc0", "CC0-1.0"),
    ("cc0 1 0 universal", "CC0-1.0"),
    (
        "cc0 1 0 universal cc0 1 0 public domain dedication",
        "CC0-1.0",
    ),
    ("cddl 1 0", "CDDL-1.0"),
    ("common development and distribution 1 0", "CDDL-1.0"),
    ("eclipse distribution 1 0", "BSD-3-Clause"),
    ("eclipse public 1 0", "EPL-1.0"),
    ("eclipse public 2 0", "EPL-2.0"),
    ("edl 1 0", "BSD-3-Clause"),
    ("epl 1 0", "EPL-1.0"),
    ("epl 2 0", "EPL-2.0"),
    ("expat", "MIT"),
    ("gfdl 1 1+", "GFDL-1.1-or-later"),
    ("gfdl 1 2", "GFDL-1.2-only"),
    ("gfdl 1 2+", "GFDL-1.2-or-later"),
    ("gfdl 1 3", "GFDL-1.3-only"),
    ("gfdl 1 3+", "GFDL-1.3-or-later"),
    ("gnu affero general public 3", "AGPL-3.0-only"),
    (
        "gnu affero general public 3 or later agplv3+",
        "AGPL-3.0-or-later",
    ),
    ("gnu general public 2 gplv2", "GPL-2.0-only"),
    ("gnu general public 2 or later gplv2+", "GPL-2.0-or-later"),
    ("gnu general public 3 gplv3", "GPL-3.0-only"),
    ("gnu general public 3 or later gplv3+", "GPL-3.0-or-later"),
    ("gnu lesser general public 2 1", "LGPL-2.1-only"),
    (
        "gnu lesser general public 2 or later lgplv2+",
        "LGPL-2.0-or-later",
    ),
    ("gnu lesser general public 3", "LGPL-3.0-only"),
    ("gnu lesser general public 3 lgplv3", "LGPL-3.0-only"),
    (
        "gnu lesser general public 3 or later lgplv3+",
        "LGPL-3.0-or-later",
    ),
    ("gpl 1", "GPL-1.0-only"),
    ("gpl 1+", "GPL-1.0-or-later"),
    ("gpl 2", "GPL-2.0-only"),
    ("gpl 2 0", "GPL-2.0-only"),
    ("gpl 2 0 or later", "GPL-2.0-or-later"),
    ("gpl 2 0+", "GPL-2.0-or-later"),
    ("gpl 2+", "GPL-2.0-or-later"),
    ("gpl 3", "GPL-3.0-only"),
    ("gpl 3 0", "GPL-3.0-only"),
    ("gpl 3 0 or later", "GPL-3.0-or-later"),
    ("gpl 3 0+", "GPL-3.0-or-later"),
    ("gpl 3+", "GPL-3.0-or-later"),
    ("gpl >= 2", "GPL-2.0-or-later"),
    ("gpl >= 2 0", "GPL-2.0-or-later"),
    ("gpl >= 3", "GPL-3.0-or-later"),
    ("gpl+", "GPL-1.0-or-later"),
    ("gpl2", "GPL-2.0-only"),
    ("gpl2+", "GPL-2.0-or-later"),
    ("gpl3", "GPL-3.0-only"),
    ("gpl3+", "GPL-3.0-or-later"),
    ("gplv2", "GPL-2.0-only"),
    ("gplv2 or later", "GPL-2.0-or-later"),
    ("gplv2+", "GPL-2.0-or-later"),
    ("gplv3", "GPL-3.0-only"),
    ("gplv3 or later", "GPL-3.0-or-later"),
    ("gplv3+", "GPL-3.0-or-later"),
    ("isc", "ISC"),
    ("isc iscl", "ISC"),
    ("lgpl 2", "LGPL-2.0-only"),
    ("lgpl 2 0", "LGPL-2.0-only"),
    ("lgpl 2 0+", "LGPL-2.0-or-later"),
    ("lgpl 2 1", "LGPL-2.1-only"),
    ("lgpl 2 1 or later", "LGPL-2.1-or-later"),
    ("lgpl 2 1+", "LGPL-2.1-or-later"),
    ("lgpl 2+", "LGPL-2.0-or-later"),
    ("lgpl 3", "LGPL-3.0-only"),
    ("lgpl 3 0", "LGPL-3.0-only"),
    ("lgpl 3 0+", "LGPL-3.0-or-later"),
    ("lgpl 3+", "LGPL-3.0-or-later"),
    ("lgpl >= 2 1", "LGPL-2.1-or-later"),
    ("lgpl >= 3", "LGPL-3.0-or-later"),
    ("lgpl+", "LGPL-2.0-or-later"),
    ("lgpl2 1", "LGPL-2.1-only"),
    ("lgpl2 1+", "LGPL-2.1-or-later"),
    ("lgpl3", "LGPL-3.0-only"),
    ("lgplv2", "LGPL-2.0-only"),
    ("lgplv2 1", "LGPL-2.1-only"),
    ("lgplv2 1+", "LGPL-2.1-or-later"),
    ("lgplv2+", "LGPL-2.0-or-later"),
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
    ("mplv1 1", "MPL-1.1"),
    ("mplv2 0", "MPL-2.0"),
    ("new bsd", "BSD-3-Clause"),
    ("ofl", "OFL-1.1"),
    ("ofl 1 1", "OFL-1.1"),
    ("openldap", "OLDAP-2.8"),
    ("openssl", "OpenSSL"),
    ("psf", "PSF-2.0"),
    ("psf 2 0", "PSF-2.0"),
    ("psfv2", "PSF-2.0"),
    ("python foundation", "PSF-2.0"),
    ("revised bsd", "BSD-3-Clause"),
    ("ruby", "Ruby"),
    ("sil ofl 1 1", "OFL-1.1"),
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

/// Bytes of an expression.
const MAX_EXPRESSION: usize = 2_000;

/// Parts of an expression; more are a list of everything, and are left as they are.
const MAX_PARTS: usize = 64;

/// Returns the SPDX identifier for a name, an SPDX expression for several joined by `and` and
/// `or`, or the text itself; nothing for a text that is no name.
pub(crate) fn normalise(name: &str) -> Option<String> {
    let name = name.trim();
    let lower = name.to_lowercase();
    let is_none = ["", "unknown", "none", "noassertion"].contains(&&*lower);
    // npm's form for a licence that has no name.
    let is_elsewhere = lower.starts_with("see license");
    let is_short = name.len() <= MAX_NAME || is_expression(name);
    if is_none || is_elsewhere || !is_short || name.contains(char::is_control) {
        return None;
    }
    let known = known(name).map(str::to_owned);
    let known = known.or_else(|| expression(name));
    Some(known.unwrap_or_else(|| name.to_owned()))
}

/// Returns whether a text is an SPDX expression that is not longer than any honest one.
pub(super) fn is_expression(text: &str) -> bool {
    text.len() <= MAX_EXPRESSION && spdx::is_expression(text)
}

/// Returns whether a text is a single licence's name or address.
pub(crate) fn is_known(name: &str) -> bool {
    known(name).is_some()
}

/// Returns the identifier of a single licence's name or address.
fn known(name: &str) -> Option<&'static str> {
    let name = name.strip_prefix("custom:").unwrap_or(name);
    if let Some((_, address)) = name.split_once("://") {
        return of_address(address);
    }
    let words = words(name);
    let known = NAMES.binary_search_by(|(known, _)| (*known).cmp(&words));
    known.map(|at| NAMES[at].1).ok().or_else(|| spdx::id(name))
}

/// Where licences are published.
fn of_address(address: &str) -> Option<&'static str> {
    let address = address.to_lowercase();
    let address = address.strip_prefix("www.").unwrap_or(&address);
    let address = address.trim_end_matches(['/', '"']);
    let stem = ["-license.php", ".html", ".php", ".txt", ".htm"]
        .into_iter()
        .find_map(|end| address.strip_suffix(end))
        .unwrap_or(address);
    let listed = [
        "opensource.org/licenses/",
        "opensource.org/license/",
        "spdx.org/licenses/",
    ];
    if let Some(id) = listed
        .into_iter()
        .find_map(|start| stem.strip_prefix(start))
    {
        return known(id);
    }
    Some(match stem {
        "apache.org/licenses/license-2.0" => "Apache-2.0",
        "apache.org/licenses/license-1.1" => "Apache-1.1",
        "eclipse.org/legal/epl-v10" | "eclipse.org/org/documents/epl-v10" => "EPL-1.0",
        "eclipse.org/legal/epl-2.0" | "eclipse.org/legal/epl-v20" => "EPL-2.0",
        "eclipse.org/org/documents/epl-2.0/epl-2.0" => "EPL-2.0",
        "eclipse.org/org/documents/edl-v10" => "BSD-3-Clause",
        "gnu.org/licenses/gpl-2.0" | "gnu.org/licenses/old-licenses/gpl-2.0" => "GPL-2.0-only",
        "gnu.org/licenses/gpl-3.0" => "GPL-3.0-only",
        "gnu.org/licenses/lgpl-2.1" | "gnu.org/licenses/old-licenses/lgpl-2.1" => "LGPL-2.1-only",
        "gnu.org/licenses/lgpl-3.0" => "LGPL-3.0-only",
        "mozilla.org/mpl/2.0" | "mozilla.org/en-us/mpl/2.0" => "MPL-2.0",
        "mozilla.org/mpl/mpl-1.1" => "MPL-1.1",
        "creativecommons.org/publicdomain/zero/1.0" => "CC0-1.0",
        _ => return None,
    })
}

/// Returns what the words of distributions (`GPL-2+ or Artistic`, `MIT/Apache-2.0`) are in
/// SPDX's, if every licence among them is known.
fn expression(text: &str) -> Option<String> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let spaced = spaced.replace(['/', '|'], " or ").replace('&', " and ");
    let (mut out, mut name) = (Vec::<&str>::new(), String::new());
    let mut commas = false;
    for word in spaced.split_whitespace().chain(["and"]) {
        commas |= word.ends_with(',');
        let word = word.trim_end_matches(',');
        let lower = word.to_ascii_lowercase();
        let is_operator = matches!(&*lower, "and" | "or" | "with" | "(" | ")");
        if !is_operator {
            name = format!("{name} {word}");
            continue;
        }
        if !name.is_empty() {
            let is_exception = out.last() == Some(&"WITH");
            let one = name.trim();
            out.push(match is_exception {
                true => spdx::exception(one)?,
                false => known(one)?,
            });
            name.clear();
        }
        out.push(match &*lower {
            "and" => "AND",
            "or" => "OR",
            "with" => "WITH",
            "(" => "(",
            _ => ")",
        });
        if out.len() > MAX_PARTS {
            return None;
        }
    }
    // The last one is of this reader.
    out.pop();
    let mixed = out.contains(&"AND") && out.contains(&"OR");
    // Debian's comma changes which of them binds first.
    if commas && mixed {
        return None;
    }
    let text = out.join(" ").replace("( ", "(").replace(" )", ")");
    spdx::is_expression(&text).then_some(text)
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
        assert_eq!(is(&format!("MIT{}", " OR MIT".repeat(1_000))), "");
        assert_eq!(is("Apache-2.0 OR MIT"), "Apache-2.0 OR MIT");
        assert_eq!(is("bsd-3-clause"), "BSD-3-Clause");
        assert_eq!(
            is("https://www.apache.org/licenses/LICENSE-2.0.txt"),
            "Apache-2.0"
        );
        assert_eq!(is("http://opensource.org/licenses/mit-license.php"), "MIT");
        assert_eq!(is("https://example.com/ours"), "https://example.com/ours");
        assert_eq!(is("UNKNOWN"), "");
        assert_eq!(is(&"x".repeat(500)), "");
    }

    #[test]
    fn knows_the_words_of_distributions() {
        let is = |name: &str| normalise(name).unwrap_or_default();
        for (text, expected) in [
            ("GPL-2+", "GPL-2.0-or-later"),
            ("Expat", "MIT"),
            ("BSD-3-clause", "BSD-3-Clause"),
            (
                "GPL-2+ or Artistic",
                "GPL-2.0-or-later OR Artistic-1.0-Perl",
            ),
            (
                "GPL-1+, or Artistic-2.0",
                "GPL-1.0-or-later OR Artistic-2.0",
            ),
            (
                "GPLv2+ and LGPLv2+ and BSD-2-Clause",
                "GPL-2.0-or-later AND LGPL-2.0-or-later AND BSD-2-Clause",
            ),
            ("ASL 2.0", "Apache-2.0"),
            (
                "(MPLv1.1 or GPLv2+) and MIT",
                "(MPL-1.1 OR GPL-2.0-or-later) AND MIT",
            ),
            ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
            (
                "GPL-3.0-or-later WITH GCC-exception-3.1",
                "GPL-3.0-or-later WITH GCC-exception-3.1",
            ),
            ("custom:BSD-2-Clause", "BSD-2-Clause"),
            // What is not all known, or could be meant in two ways, is left.
            (
                "GPL-2+ with OpenSSL exception",
                "GPL-2+ with OpenSSL exception",
            ),
            ("GPL-2+ or MIT, and Expat", "GPL-2+ or MIT, and Expat"),
            ("public-domain", "public-domain"),
            ("GPL2 MPL2", "GPL2 MPL2"),
            ("BSD or and", "BSD or and"),
        ] {
            assert_eq!(is(text), expected, "{text}");
            assert_eq!(is(expected), expected, "stays");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(name in ".{0,200}", words in "((GPL-2\\+|MIT|and|or|with|[(),/]) ?){0,12}") {
            normalise(&name);
            normalise(&words);
            of_address(&name);
        }
    }
}
