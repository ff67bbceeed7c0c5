//! Whether the base layer is recent, by the history.

use crate::{
    Check, Level, Outcome, Subject,
    age::{self, Age},
    history,
};

pub(crate) static CHECK: Check = Check {
    id: "base-age",
    title: "Its base is recent",
    proves: "The lowest layer was built less than 180 days ago.",
    help: "Rebuilding on a current base is how fixes of the distribution reach an image; the \
        programme asks for it (CIS Docker Benchmark 4.4).",
    suggestion: "Pull the base anew and rebuild: `docker build --pull --no-cache`.",
    level: Level::Warning,
    run,
};

const MOST_DAYS: i64 = 180;

fn run(subject: &Subject<'_>) -> Outcome {
    let unknown = |why: &str| Outcome::NotApplicable(format!("the base's date is unknown: {why}"));
    let base = subject
        .config
        .history
        .iter()
        .zip(history::steps(subject.config));
    let Some((base, step)) = base.into_iter().find(|(line, _)| !line.empty_layer) else {
        return unknown("there is no history");
    };
    match age::of(base.created.as_deref(), subject.now) {
        Age::Missing => unknown("the history has no dates"),
        Age::Unreadable(_) => unknown("the history has no readable date"),
        Age::Placeholder(_) => unknown("the build is reproducible and has a fixed date"),
        Age::Future(_) => unknown("it is in the future"),
        Age::Days(days, date) if days > MOST_DAYS => Outcome::Fail(vec![step.evidence(
            subject,
            format!("the base was built {date}, {days} days ago; the limit is {MOST_DAYS}"),
        )]),
        Age::Days(days, date) => Outcome::Pass(format!("built {date}, {days} days ago")),
    }
}
