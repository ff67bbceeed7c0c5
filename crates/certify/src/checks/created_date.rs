//! Whether the configuration has a plausible date.

use crate::{
    Check, Level, Outcome, Subject,
    age::{self, Age},
};

pub(crate) static CHECK: Check = Check {
    id: "created-date",
    title: "It says when it was made",
    proves: "The age of the image can be told.",
    help: "Without a date nobody sees that an image is years old, and its base cannot be \
        judged.",
    suggestion: "Let the builder write `created`; for reproducible builds set SOURCE_DATE_EPOCH to \
        the time of the last commit.",
    level: Level::Info,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    match age::of(subject.config.created.as_deref(), subject.now) {
        Age::Missing => Outcome::fail("the configuration has no date"),
        Age::Unreadable(text) => Outcome::fail(format!("`{text}` is no date")),
        Age::Placeholder(date) => Outcome::fail(format!("the date is the placeholder {date}")),
        Age::Future(date) => Outcome::fail(format!("the date {date} is in the future")),
        Age::Days(days, date) => Outcome::Pass(format!("made {date}, {days} days ago")),
    }
}
