//! Which declared licences are SPDX expressions, and how others are named.

/// Identifiers common in distributions (SPDX licence list); others are referred to by name.
static KNOWN: &[&str] = &[
    "0BSD",
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-1.1",
    "Apache-2.0",
    "Artistic-1.0-Perl",
    "Artistic-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSD-4-Clause",
    "BSL-1.0",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC-BY-SA-3.0",
    "CC-BY-SA-4.0",
    "CC0-1.0",
    "CDDL-1.0",
    "EPL-1.0",
    "EPL-2.0",
    "FTL",
    "GFDL-1.2-or-later",
    "GFDL-1.3-or-later",
    "GPL-1.0-or-later",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "HPND",
    "ICU",
    "IJG",
    "ISC",
    "LGPL-2.0-only",
    "LGPL-2.0-or-later",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "MIT",
    "MIT-0",
    "MPL-1.1",
    "MPL-2.0",
    "NCSA",
    "OFL-1.1",
    "OpenSSL",
    "PHP-3.01",
    "PostgreSQL",
    "PSF-2.0",
    "Python-2.0",
    "Ruby",
    "Sleepycat",
    "TCL",
    "Unicode-DFS-2016",
    "Unlicense",
    "Vim",
    "W3C",
    "WTFPL",
    "X11",
    "Zlib",
    "ZPL-2.1",
    "bzip2-1.0.6",
    "curl",
    "zlib-acknowledgement",
];
/// Exceptions after `WITH`.
static EXCEPTIONS: &[&str] = &[
    "Autoconf-exception-3.0",
    "Bison-exception-2.2",
    "Classpath-exception-2.0",
    "GCC-exception-3.1",
    "LLVM-exception",
    "Linux-syscall-note",
    "OpenSSL-exception",
    "openvpn-openssl-exception",
];

/// Returns whether `text` is an expression of known identifiers joined by `AND`, `OR`, `WITH`.
pub(super) fn is_expression(text: &str) -> bool {
    let words: Vec<_> = text.split_whitespace().collect();
    let alternate = words
        .iter()
        .enumerate()
        .all(|(index, word)| match index % 2 {
            0 if index > 0 && words[index - 1] == "WITH" => EXCEPTIONS.contains(word),
            0 => KNOWN.contains(word),
            _ => matches!(*word, "AND" | "OR" | "WITH"),
        });
    alternate && words.len() % 2 == 1
}

/// Returns an identifier of SPDX's form `LicenseRef-…` for any text, another one for each.
pub(super) fn reference(text: &str) -> String {
    let legal = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '-'
        }
    };
    let name: String = text.chars().map(legal).collect();
    let digest = oci::Digest::of(text.as_bytes());
    let name = name.trim_matches('-').chars().take(48).collect::<String>();
    // Two texts may differ only in characters that are not legal.
    format!("LicenseRef-{name}-{}", &digest.hex()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_expressions() {
        assert!(is_expression("MIT"));
        assert!(is_expression(
            "GPL-2.0-or-later WITH Bison-exception-2.2 AND MIT"
        ));
        for other in [
            "",
            "GPL-2+",
            "MIT AND",
            "MIT BSD",
            "MIT WITH MIT",
            "GPL2 LGPL2",
        ] {
            assert!(!is_expression(other), "{other}");
        }
        assert!(reference("GPL-2+ and more").starts_with("LicenseRef-GPL-2--and-more-"));
    }
}
