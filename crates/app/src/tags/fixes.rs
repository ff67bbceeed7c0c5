//! What would fix most: pure.

use std::{cmp::Ordering, collections::BTreeMap};

use inventory::Kind;
use market::Class;

use crate::findings::class_counts;

/// Something to update.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Update {
    /// The base image: all of its layers at once.
    Base,
    /// A package, by the source it is built from.
    Package {
        /// Which ecosystem.
        kind: Kind,
        /// The source package's name.
        name: String,
    },
}

/// A finding with a fix, as the choice of updates sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fixable {
    /// How grave it is.
    pub(super) class: Class,
    /// The package to update.
    pub(super) package: (Kind, String),
    /// The version from which on it is fixed.
    pub(super) fixed: String,
    /// Whether the base image brings it.
    pub(super) in_base: bool,
}

/// An update and what it closes that the ones before it do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What to update.
    pub update: Update,
    /// A package's first version that closes them all.
    pub version: Option<String>,
    /// Findings it closes by class, the worst class first.
    pub closes: Vec<(Class, i64)>,
}

impl Fix {
    /// Returns how many findings it closes.
    pub fn total(&self) -> i64 {
        self.closes.iter().map(|(_, findings)| findings).sum()
    }
}

/// Returns the updates in the order of what each closes beyond those before it: the most first,
/// of as many the graver.
///
/// A newer base image is taken to close what it brings and somebody has fixed. Each finding is
/// counted once, so together they close no more than there are. `compare` orders two versions
/// of an ecosystem.
pub(super) fn fixes(
    findings: &[Fixable],
    compare: impl Fn(Kind, &str, &str) -> Ordering,
) -> Vec<Fix> {
    let mut closed_by: BTreeMap<Update, Vec<&Fixable>> = BTreeMap::new();
    for finding in findings {
        for update in updates(finding) {
            closed_by.entry(update).or_default().push(finding);
        }
    }
    let mut chosen = Vec::new();
    // Of equals, `max_by_key` returns the last; reversed, the first.
    while let Some((update, closed)) = closed_by.iter().rev().max_by_key(|(_, all)| rank(all)) {
        let update = update.clone();
        chosen.push(Fix {
            version: highest(&update, closed, &compare),
            closes: counts(closed),
            update: update.clone(),
        });
        closed_by.remove(&update);
        closed_by.retain(|_, all| {
            all.retain(|finding| updates(finding).all(|other| other != update));
            !all.is_empty()
        });
    }
    chosen
}

fn updates(finding: &Fixable) -> impl Iterator<Item = Update> {
    let (kind, name) = finding.package.clone();
    let base = finding.in_base.then_some(Update::Base);
    base.into_iter().chain([Update::Package { kind, name }])
}

fn rank(findings: &[&Fixable]) -> (usize, [usize; 3]) {
    let of = |class| findings.iter().filter(|it| it.class == class).count();
    (
        findings.len(),
        [Class::Critical, Class::Major, Class::Minor].map(of),
    )
}

fn counts(findings: &[&Fixable]) -> Vec<(Class, i64)> {
    class_counts(findings.iter().map(|finding| (finding.class, 1)))
}

fn highest(
    update: &Update,
    findings: &[&Fixable],
    compare: impl Fn(Kind, &str, &str) -> Ordering,
) -> Option<String> {
    let Update::Package { kind, .. } = update else {
        return None;
    };
    let versions = findings.iter().map(|finding| finding.fixed.as_str());
    let highest = versions.max_by(|a, b| compare(*kind, a, b));
    highest.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finding(class: Class, name: &str, fixed: &str, in_base: bool) -> Fixable {
        Fixable {
            class,
            package: (Kind::Deb, name.to_owned()),
            fixed: fixed.to_owned(),
            in_base,
        }
    }

    fn told(findings: &[Fixable]) -> Vec<String> {
        let fixes = fixes(findings, |_, a, b| a.cmp(b));
        let line = |fix: &Fix| {
            let closes: Vec<_> = fix.closes.iter().map(|(_, count)| *count).collect();
            match &fix.update {
                Update::Base => format!("base {closes:?}"),
                Update::Package { name, .. } => {
                    format!(
                        "{name} {} {closes:?}",
                        fix.version.as_deref().unwrap_or("-")
                    )
                }
            }
        };
        fixes.iter().map(line).collect()
    }

    #[test]
    fn the_base_closes_what_it_brings_at_once() {
        let findings = [
            finding(Class::Minor, "zlib", "1", true),
            finding(Class::Major, "openssl", "3.1", true),
            finding(Class::Critical, "openssl", "3.2", false),
            finding(Class::Critical, "openssl", "3.1", false),
            finding(Class::Unscored, "curl", "8", true),
        ];
        // The base and openssl close three each; graver ones come first.
        assert_eq!(
            told(&findings),
            ["openssl 3.2 [2, 1, 0, 0]", "base [0, 0, 1, 1]"]
        );
        assert_eq!(
            told(&findings[..2]),
            ["base [0, 1, 1, 0]"],
            "nothing is closed twice"
        );
    }

    #[test]
    fn of_equals_the_first_by_name() {
        let findings = ["b", "a"].map(|name| finding(Class::Minor, name, "1", false));
        assert_eq!(told(&findings), ["a 1 [0, 0, 1, 0]", "b 1 [0, 0, 1, 0]"]);
        assert_eq!(told(&[]), [""; 0]);
    }

    prop_compose! {
        fn any_finding()(class in 1..5_usize, name in "[a-e]", fixed in "[0-9]", in_base: bool) -> Fixable {
            finding(Class::ALL[class], &name, &fixed, in_base)
        }
    }

    proptest! {
        #[test]
        fn each_closes_the_most_of_what_is_left(findings in prop::collection::vec(any_finding(), 0..40)) {
            let fixes = fixes(&findings, |_, a, b| a.cmp(b));
            let sum: i64 = fixes.iter().map(Fix::total).sum();
            prop_assert_eq!(sum, findings.len() as i64);
            prop_assert!(fixes.windows(2).all(|pair| pair[0].total() >= pair[1].total()));
            let mut open: Vec<&Fixable> = findings.iter().collect();
            for fix in &fixes {
                let closes = |update: &Update| open.iter().filter(|it| updates(it).any(|one| one == *update)).count() as i64;
                prop_assert_eq!(fix.total(), closes(&fix.update));
                let most = open.iter().flat_map(|it| updates(it)).map(|update| closes(&update)).max();
                prop_assert_eq!(most, Some(fix.total()));
                for it in open.iter().filter(|it| updates(it).any(|one| one == fix.update)) {
                    prop_assert!(fix.version.as_ref().is_none_or(|version| *version >= it.fixed));
                }
                open.retain(|it| updates(it).all(|one| one != fix.update));
            }
            prop_assert!(open.is_empty());
        }
    }
}
