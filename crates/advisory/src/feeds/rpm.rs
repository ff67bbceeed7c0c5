//! What the feeds about rpm packages share.

use std::collections::BTreeMap;

use crate::record::{Affected, Qualifiers, Range};

/// Writes epoch, version and release as they are compared; epoch 0 is left out.
pub(super) fn evr(epoch: &str, version: &str, release: &str) -> String {
    match epoch.trim() {
        "" | "0" | "None" | "(none)" => format!("{version}-{release}"),
        epoch => format!("{epoch}:{version}-{release}"),
    }
}

/// Returns name and stream of a module, from `nodejs:18` or
/// `nodejs:18:8090020230627084142:b46abd14`.
pub(super) fn module(text: &str) -> String {
    let text = text.replace("%3A", ":");
    let mut fields = text.split(':');
    match (fields.next(), fields.next()) {
        (Some(name), Some(stream)) => format!("{name}:{stream}"),
        _ => text,
    }
}

/// Returns the major release after a mark of a package's release: `9` for `el` in `3.el9_4.5`.
pub(super) fn release_after<'a>(release: &'a str, mark: &str) -> Option<&'a str> {
    let mut rest = release;
    while let Some((before, after)) = rest.split_once(mark) {
        let end = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        let is_start = before.is_empty() || before.ends_with(['.', '+', '_', '-']);
        if end > 0 && is_start {
            return after.get(..end);
        }
        rest = after;
    }
    None
}

/// One package of an erratum.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fix {
    pub(super) ecosystem: String,
    pub(super) name: String,
    pub(super) evr: String,
    pub(super) module: Option<String>,
    pub(super) repository: Option<String>,
}

/// Packages of an erratum, with the architectures that each was built for.
#[derive(Debug, Default)]
pub(super) struct Fixes(BTreeMap<Fix, Vec<String>>);

impl Fixes {
    /// Adds a package of an architecture; sources and `noarch` set no limit.
    pub(super) fn add(&mut self, fix: Fix, architecture: &str) {
        let known = self.0.entry(fix).or_default();
        let architecture = match architecture {
            "src" | "nosrc" => return,
            other => other.to_owned(),
        };
        if !known.contains(&architecture) {
            known.push(architecture);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns one entry for each package and fixed version.
    pub(super) fn into_affected(self) -> Vec<Affected> {
        let entries = self.0.into_iter();
        entries
            .map(|(fix, mut architectures)| {
                if architectures
                    .iter()
                    .any(|it| it == "noarch" || it.is_empty())
                {
                    architectures.clear();
                }
                architectures.sort();
                Affected {
                    ecosystem: fix.ecosystem,
                    package: fix.name,
                    ranges: vec![Range::before(Some(&fix.evr))],
                    qualifiers: Qualifiers {
                        module: fix.module,
                        architectures,
                        repositories: fix.repository.into_iter().collect(),
                        ..Qualifiers::default()
                    },
                    ..Affected::default()
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_epochs_modules_and_releases_apart() {
        assert_eq!(evr("0", "1.2", "3.el9"), "1.2-3.el9");
        assert_eq!(evr("2", "1.2", "3.el9"), "2:1.2-3.el9");
        assert_eq!(module("ruby:2.5:8090020230627084142:b46abd14"), "ruby:2.5");
        assert_eq!(release_after("3.el9_4.5", "el"), Some("9"));
        assert_eq!(release_after("1.module_el8.6.0+2867+7", "el"), Some("8"));
        assert_eq!(release_after("1.module+el8.9.0+19193", "el"), Some("8"));
        assert_eq!(release_after("1.fc40", "el"), None);
    }
}
