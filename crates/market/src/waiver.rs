//! Waivers: a certification check that a product need not pass for a time, and why.
//!
//! A waived check is never a passed one. When the waiver is over, the check stands again from
//! the next inspection on.

use chrono::{DateTime, Utc};

use crate::{Problem, is_reason};

/// Returns what is wrong with a reason for waiving a check, or for ending that.
pub fn waiver_reason(reason: &str) -> Option<Problem> {
    (!is_reason(reason)).then(|| Problem {
        field: "reason".to_owned(),
        message: "say why, in at most 2000 characters; the publisher reads it".to_owned(),
    })
}

/// Returns everything that is wrong with waiving a check for a reason until a time.
pub fn waived(reason: &str, until: DateTime<Utc>, now: DateTime<Utc>) -> Vec<Problem> {
    let mut problems: Vec<_> = waiver_reason(reason).into_iter().collect();
    if until <= now {
        problems.push(Problem {
            field: "until".to_owned(),
            message: "name a time to come".to_owned(),
        });
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
