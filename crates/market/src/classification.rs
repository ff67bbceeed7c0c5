//! Classes by hand: what the certification team says of a vulnerability, whatever its score
//! (programme and policies, "Classification of Issues": the team classifies what nobody scored).
//!
//! One is about a vulnerability in one product or in every product; that about the one product
//! counts before that about all. It counts until it is taken back.

use crate::{Class, Problem};

/// The classes that something can be given: everything but the lack of one.
pub const CLASSES_BY_HAND: [Class; 4] = [Class::Critical, Class::Major, Class::Minor, Class::None];

/// Characters of a reason.
pub const MOST_REASON: usize = 2_000;

/// Returns whether a text can be the reason that a decision needs.
pub fn is_reason(text: &str) -> bool {
    (1..=MOST_REASON).contains(&text.trim().chars().count())
}
/// Characters of a vulnerability's name.
const MOST_NAME: usize = 200;

/// Returns everything that is wrong with giving a vulnerability of this name a class for a reason.
pub fn classified(vulnerability: &str, class: Class, reason: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |field: &str, message: &str| {
        problems.push(Problem {
            field: field.to_owned(),
            message: message.to_owned(),
        });
    };
    let is_name = !vulnerability.is_empty() && vulnerability.bytes().all(|b| b.is_ascii_graphic());
    if !is_name || vulnerability.len() > MOST_NAME {
        wrong("vulnerability", "write its name, such as CVE-2022-0778");
    }
    if !CLASSES_BY_HAND.contains(&class) {
        wrong("class", "choose critical, major, minor or none");
    }
    let length = reason.trim().chars().count();
    if length == 0 {
        wrong("reason", "say why; the publisher reads it");
    } else if length > MOST_REASON {
        wrong("reason", "write at most 2000 characters");
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_needs_a_name_and_a_reason() {
        let check = |name: &str, class, reason: &str, fields: &[&str]| {
            let problems = classified(name, class, reason);
            let found: Vec<_> = problems.iter().map(|it| it.field.as_str()).collect();
            assert_eq!(found, fields);
        };
        check("CVE-1", Class::Minor, "Not reachable.", &[]);
        check("CVE-1", Class::None, "Disputed.", &[]);
        check(
            "",
            Class::Unscored,
            " ",
            &["vulnerability", "class", "reason"],
        );
        check(
            "CVE 1",
            Class::Major,
            &"x".repeat(2_001),
            &["vulnerability", "reason"],
        );
    }
}
