//! What the readers of lock files share.

use crate::{Claim, Kind, Package, Problem, analyser::Findings};

pub(super) use crate::folders::is_of_a_package;

/// Bytes of a lock file that are read; those of the largest projects have about 5 MiB.
pub(super) const MOST: u64 = 16 << 20;
/// Packages of one lock file that are kept.
const MAX_PACKAGES: usize = 20_000;

/// Makes a package that a lock file asks for.
pub(super) fn declared(kind: Kind, name: impl Into<String>, version: impl Into<String>) -> Package {
    Package {
        claim: Claim::Declared,
        ..Package::new(kind, name, version)
    }
}

/// Makes findings of a list that may name a package several times, sorted.
/// What has no name or version is left out.
pub(super) fn findings(mut packages: Vec<Package>) -> Findings {
    packages.retain(|package| is_sound(&package.name) && is_sound(&package.version));
    packages.sort_by(|a, b| a.key().cmp(&b.key()));
    packages.dedup_by(|a, b| a.key() == b.key());
    if packages.is_empty() {
        return Findings::default();
    }
    let more = packages.len().saturating_sub(MAX_PACKAGES);
    packages.truncate(MAX_PACKAGES);
    let problem = (more > 0).then(|| Problem::at(0, format!("{more} more packages are left out")));
    Findings::packages(packages).with(problem.into_iter().collect())
}

/// Returns whether something can be a name or a version: not empty, of ordinary length,
/// without blanks and control characters.
pub(super) fn is_sound(text: &str) -> bool {
    (1..=512).contains(&text.len()) && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Splits `@scope/name` or `name`.
pub(super) fn scope(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some((scope, name)) if scope.starts_with('@') => (scope, name),
        _ => ("", name),
    }
}

/// Splits `@scope/name@rest` or `name@rest`.
pub(super) fn at(text: &str) -> Option<(&str, &str)> {
    let start = usize::from(text.starts_with('@'));
    let at = text.get(start..)?.find('@')? + start;
    Some((&text[..at], &text[at + 1..]))
}

/// Makes a package of npm that a lock file asks for.
pub(super) fn of_npm(name: &str, version: &str) -> Package {
    let (namespace, name) = scope(name);
    Package {
        namespace: namespace.to_owned(),
        ..declared(Kind::Npm, name, version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_bounded() {
        let all = (0..MAX_PACKAGES + 5).map(|n| of_npm("a", &n.to_string()));
        let twice = all
            .clone()
            .chain(all)
            .chain([of_npm("", "1"), of_npm("a b", "1")]);
        let findings = findings(twice.collect());
        assert_eq!(findings.problems[0].text, "5 more packages are left out");
        assert_eq!(super::super::listed(&findings).len(), MAX_PACKAGES);
    }

    #[test]
    fn splits_names() {
        assert_eq!(at("@a/b@1@2"), Some(("@a/b", "1@2")));
        assert_eq!(at("b@1"), Some(("b", "1")));
        assert_eq!((at("@a/b"), at("é"), at("")), (None, None, None));
    }
}
