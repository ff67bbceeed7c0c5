//! Advisories of the certification team's own: a vulnerability that no feed knows, or not yet.
//! It is matched like any advisory, and counts until it is withdrawn.

use crate::{Class, Problem, is_reason};

/// Characters of one line, and of names and versions.
const MOST_LINE: usize = 200;

/// A vulnerability of a package, as the certification team writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAdvisory {
    /// A CVE, or another name; nothing for one of the market's own.
    pub name: Option<String>,
    /// The ecosystem as OSV names it: `Debian:11`, `npm`.
    pub ecosystem: String,
    /// The package as its ecosystem names it; a source package on Debian and its relatives.
    pub package: String,
    /// The first affected version; the beginning if there is nothing.
    pub introduced: Option<String>,
    /// The first version no longer affected.
    pub fixed: Option<String>,
    /// The last affected version, where no version is fixed.
    pub last_affected: Option<String>,
    /// What it is, in one line.
    pub title: String,
    /// A CVSS vector, from which the class follows.
    pub vector: Option<String>,
    /// The class, where there is no vector.
    pub class: Option<Class>,
    /// Why it is added.
    pub reason: String,
}

impl OwnAdvisory {
    /// Returns everything that is wrong with it in itself; versions, ecosystem and vector are
    /// for who knows them.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |field: &str, message: &str| {
            problems.push(Problem {
                field: field.to_owned(),
                message: message.to_owned(),
            });
        };
        let is_name = |text: &str| {
            (1..=MOST_LINE).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if self.name.as_deref().is_some_and(|name| !is_name(name)) {
            wrong(
                "name",
                "write a name such as CVE-2022-0778, or leave it out",
            );
        }
        if !is_name(&self.package) {
            wrong("package", "write the package's name in its ecosystem");
        }
        let title = self.title.trim();
        if title.is_empty() || title.chars().count() > MOST_LINE || title.contains('\n') {
            wrong(
                "title",
                "say in one line what it is, in at most 200 characters",
            );
        }
        match (&self.vector, self.class) {
            (Some(_), Some(_)) => {
                wrong("class", "the class follows from the vector: leave one out");
            }
            (None, None) => wrong("class", "give a class or a CVSS vector"),
            (None, Some(Class::Unscored | Class::None)) => {
                wrong("class", "choose critical, major or minor");
            }
            _ => {}
        }
        for (field, version) in [
            ("introduced", &self.introduced),
            ("fixed", &self.fixed),
            ("last_affected", &self.last_affected),
        ] {
            let length = |version: &String| version.chars().count();
            if version
                .as_ref()
                .map(length)
                .is_some_and(|length| length > MOST_LINE)
            {
                wrong(field, "a version has at most 200 characters");
            }
        }
        if self.fixed.is_some() && self.last_affected.is_some() {
            wrong(
                "last_affected",
                "name the fixed version or the last affected one, not both",
            );
        }
        if !is_reason(&self.reason) {
            wrong("reason", "say why you add it, in at most 2000 characters");
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advisory() -> OwnAdvisory {
        OwnAdvisory {
            name: None,
            ecosystem: "Debian:11".to_owned(),
            package: "bash".to_owned(),
            introduced: None,
            fixed: Some("5.1-3".to_owned()),
            last_affected: None,
            title: "It runs what it reads".to_owned(),
            vector: None,
            class: Some(Class::Critical),
            reason: "Reported to us.".to_owned(),
        }
    }

    #[test]
    fn it_says_what_how_bad_and_why() {
        assert_eq!(advisory().problems(), []);
        let empty = OwnAdvisory {
            name: Some("a b".to_owned()),
            package: String::new(),
            title: "a\nb".to_owned(),
            class: None,
            last_affected: Some("1".to_owned()),
            reason: String::new(),
            ..advisory()
        };
        let fields: Vec<_> = empty.problems().into_iter().map(|it| it.field).collect();
        assert_eq!(
            fields,
            [
                "name",
                "package",
                "title",
                "class",
                "last_affected",
                "reason"
            ]
        );
        let twice = OwnAdvisory {
            vector: Some("CVSS:3.1/…".to_owned()),
            ..advisory()
        };
        assert_eq!(twice.problems()[0].field, "class");
    }
}
