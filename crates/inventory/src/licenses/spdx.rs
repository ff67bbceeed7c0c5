//! Which declared licences are SPDX expressions, and how others are named.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

/// Identifiers of the SPDX licence list, in order; others are referred to by name.
static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("ids.txt").lines().collect());
/// Exceptions after `WITH`.
static EXCEPTIONS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("exceptions.txt").lines().collect());

/// Identifiers by their lower case: SPDX compares them without regard to it.
static BY_LOWER: LazyLock<HashMap<String, &str>> = LazyLock::new(|| {
    let lower = |id: &&'static str| (id.to_ascii_lowercase(), *id);
    KNOWN.iter().map(lower).collect()
});

/// Returns whether `text` is an identifier of the list.
pub(crate) fn is_id(text: &str) -> bool {
    KNOWN.contains(text)
}

/// Returns the identifier that is written so, in any case.
pub(super) fn id(text: &str) -> Option<&'static str> {
    BY_LOWER.get(&text.to_ascii_lowercase()).copied()
}

/// Returns the exception that is written so, in any case.
pub(super) fn exception(text: &str) -> Option<&'static str> {
    let same = |known: &&&str| known.eq_ignore_ascii_case(text);
    EXCEPTIONS.iter().find(same).copied()
}

/// Returns whether `text` is an expression of known identifiers joined by `AND`, `OR`, `WITH`,
/// in parentheses perhaps.
pub(crate) fn is_expression(text: &str) -> bool {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let (mut depth, mut wants_name, mut last) = (0_u32, true, "");
    for word in spaced.split_whitespace() {
        let fits = match word {
            "(" if wants_name && last != "WITH" => {
                depth += 1;
                true
            }
            ")" if !wants_name && depth > 0 => {
                depth -= 1;
                true
            }
            "AND" | "OR" if !wants_name => {
                wants_name = true;
                true
            }
            "WITH" if !wants_name && KNOWN.contains(last.strip_suffix('+').unwrap_or(last)) => {
                wants_name = true;
                true
            }
            name if wants_name && last == "WITH" => {
                wants_name = false;
                EXCEPTIONS.contains(name)
            }
            name if wants_name => {
                wants_name = false;
                KNOWN.contains(name.strip_suffix('+').unwrap_or(name))
            }
            _ => false,
        };
        if !fits {
            return false;
        }
        last = word;
    }
    !wants_name && depth == 0
}

/// Returns one expression of several that all hold.
pub(crate) fn all_of(texts: &[String]) -> String {
    let part = |text: &String| match texts.len() > 1 && text.contains(' ') {
        true => format!("({text})"),
        false => text.clone(),
    };
    texts.iter().map(part).collect::<Vec<_>>().join(" AND ")
}

/// Returns an identifier of SPDX's form `LicenseRef-…` for any text, another one for each.
pub(crate) fn reference(text: &str) -> String {
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
        assert!(is_expression("(MIT OR (Apache-2.0 AND BSD-3-Clause))"));
        assert!(is_expression(
            "GPL-2.0-or-later WITH Bison-exception-2.2 AND MIT"
        ));
        assert!(is_expression("GPL-2.0+ WITH Classpath-exception-2.0"));
        for other in [
            "",
            "GPL-2+",
            "MIT AND",
            "MIT BSD",
            "MIT WITH MIT",
            "GPL2 LGPL2",
            "(MIT",
            "MIT)",
            "()",
            "MIT OR",
            "MIT WITH GCC-exception-3.1 WITH GCC-exception-3.1",
        ] {
            assert!(!is_expression(other), "{other}");
        }
        assert!(reference("GPL-2+ and more").starts_with("LicenseRef-GPL-2--and-more-"));
    }
}
