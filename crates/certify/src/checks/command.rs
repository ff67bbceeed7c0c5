//! Whether the image says what to run.

use crate::{Check, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "command",
    title: "It has a command to run",
    proves: "A container can be started without naming a program.",
    help: "Without ENTRYPOINT and CMD `docker run IMAGE` fails, so consumers cannot \
        start it.",
    suggestion: "Set ENTRYPOINT or CMD in the Dockerfile.",
    level: Level::Error,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let config = &subject.config.config;
    let words: Vec<_> = config.entrypoint.iter().chain(&config.cmd).collect();
    match words.first() {
        Some(program) => Outcome::Pass(format!("starts `{program}`")),
        None => Outcome::fail("neither ENTRYPOINT nor CMD is set"),
    }
}
