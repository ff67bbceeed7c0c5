//! Waivers: a certification check that a product need not pass for a time, and why.
//!
//! A waived check is never a passed one. When the waiver is over, the check stands again from
//! the next inspection on.

use chrono::{DateTime, Utc};

use crate::{Problem, classification::MOST_REASON};

/// Returns everything that is wrong with waiving a check for a reason until a time.
pub fn waived(reason: &str, until: DateTime<Utc>, now: DateTime<Utc>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |field: &str, message: &str| {
        problems.push(Problem {
            field: field.to_owned(),
            message: message.to_owned(),
        });
    };
    let length = reason.trim().chars().count();
    if length == 0 || length > MOST_REASON {
        wrong(
            "reason",
            "say why, in at most 2000 characters; the publisher reads it",
        );
    }
    if until <= now {
        wrong("until", "name a time to come");
    }
    problems
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_waiver_has_a_reason_and_an_end_to_come() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(waived("Runs alone.", now + TimeDelta::days(1), now), []);
        let fields: Vec<_> = waived(" ", now, now)
            .into_iter()
            .map(|it| it.field)
            .collect();
        assert_eq!(fields, ["reason", "until"]);
    }
}
