//! `os-release` (freedesktop, os-release(5)): which distribution this is.

use serde::{Deserialize, Serialize};

use crate::{
    Found, Problem,
    analyser::{Analyser, Counts, Findings, Problems, Reading, Want},
};

/// Reads `os-release` wherever it lies; the well-known places count.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "os-release",
    // `/etc/os-release` may be a link to, say, `…-os-release` in a package store.
    wants: &[Want::Tail("os-release")],
    counts: Counts::At(&["etc/os-release", "usr/lib/os-release"]),
    read: Reading::Whole {
        most: 64 << 10,
        read: |_, bytes| {
            let (distribution, problems) = parse(bytes);
            Findings {
                found: distribution.map(Found::Distribution).into_iter().collect(),
                problems,
            }
        },
    },
    ..Analyser::BASE
};

/// A distribution and its release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// `ID`, such as `debian`.
    pub id: String,
    /// `VERSION_ID`, such as `11`.
    pub version_id: Option<String>,
    /// `VERSION_CODENAME`, such as `bullseye`.
    pub version_codename: Option<String>,
    /// `PRETTY_NAME`, or `NAME`.
    pub name: String,
    /// `ID_LIKE`, nearest relative first.
    #[serde(default)]
    pub id_like: Vec<String>,
}

impl Distribution {
    /// Returns `id-version`, as package URLs write it, or the id alone.
    pub fn label(&self) -> Option<String> {
        let version = self
            .version_id
            .as_deref()
            .or(self.version_codename.as_deref());
        match (self.id.as_str(), version) {
            ("", _) => None,
            (id, Some(version)) => Some(format!("{id}-{version}")),
            (id, None) => Some(id.to_owned()),
        }
    }
}

/// Returns the distribution, and the lines that are no assignments.
pub(crate) fn parse(bytes: &[u8]) -> (Option<Distribution>, Vec<Problem>) {
    let text = String::from_utf8_lossy(bytes);
    let mut problems = Problems::default();
    let mut found = Distribution::default();
    let mut name = String::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            problems.at(number + 1, "not of the form NAME=value");
            continue;
        };
        let value = unquote(value);
        match key {
            "ID" => found.id = value.to_lowercase(),
            "ID_LIKE" => found.id_like = value.split_whitespace().map(str::to_owned).collect(),
            "VERSION_ID" => found.version_id = Some(value).filter(|v| !v.is_empty()),
            "VERSION_CODENAME" => found.version_codename = Some(value).filter(|v| !v.is_empty()),
            "PRETTY_NAME" => found.name = value,
            "NAME" => name = value,
            _ => {}
        }
    }
    if found.name.is_empty() {
        found.name = name;
    }
    if found.id.is_empty() && found.name.is_empty() {
        return (None, problems.into_vec());
    }
    if found.id.is_empty() {
        // os-release(5): "If not set, a default of ID=linux may be used."
        found.id = "linux".to_owned();
    }
    (Some(found), problems.into_vec())
}

/// Undoes shell quoting as far as os-release(5) allows it.
fn unquote(value: &str) -> String {
    let value = value.trim();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let inner = quote
        .and_then(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value);
    if quote == Some('\'') {
        return inner.to_owned();
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' {
            chars.next().unwrap_or(c)
        } else {
            c
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_debian_and_quotes() {
        let text = b"PRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"\nNAME='x'\nVERSION_ID=\"11\"\n\
            VERSION_CODENAME=bullseye\nID=debian\nID_LIKE=\"a b\"\n# note\nnonsense\n";
        let (found, problems) = parse(text);
        let found = found.expect("a distribution");
        assert_eq!(found.label().as_deref(), Some("debian-11"));
        assert_eq!(found.name, "Debian GNU/Linux 11 (bullseye)");
        assert_eq!(found.version_codename.as_deref(), Some("bullseye"));
        assert_eq!(found.id_like, ["a", "b"]);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].line, 8);
    }

    #[test]
    fn rolling_and_empty() {
        let (found, _) = parse(b"ID=arch\n");
        assert_eq!(found.and_then(|d| d.label()).as_deref(), Some("arch"));
        assert_eq!(parse(b"").0, None);
        assert_eq!(parse(b"NAME=Foo\n").0.expect("named").id, "linux");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            parse(&bytes);
        }

        #[test]
        fn never_panics_on_lines(text in "(ID|NAME|VERSION_ID)=[\"'\\\\ -~]{0,12}\n?") {
            parse(text.as_bytes());
        }
    }
}
