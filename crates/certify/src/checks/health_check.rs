//! Whether a health-check is declared.

use crate::{Check, Level, Outcome, Subject, history::shown};

pub(crate) static CHECK: Check = Check {
    id: "health-check",
    title: "It has a health-check",
    proves: "The engine can tell a working container from one that merely runs.",
    help: "The programme asks certified images for a working health-check (CIS Docker Benchmark \
        4.6). This check looks for its presence; nothing is run.",
    suggestion: "Add `HEALTHCHECK CMD …` to the Dockerfile, and build with `--format docker` where \
        the builder drops it from OCI images.",
    level: Level::Warning,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let test = subject.config.config.healthcheck.as_ref().map(|h| &h.test);
    match test.map(Vec::as_slice) {
        None | Some([]) => Outcome::fail("no HEALTHCHECK is declared"),
        Some([first, ..]) if first == "NONE" => {
            Outcome::fail("HEALTHCHECK is NONE, which switches off the base image's")
        }
        Some([first]) if first == "CMD" || first == "CMD-SHELL" => {
            Outcome::fail("HEALTHCHECK names no command")
        }
        Some(words) => Outcome::Pass(format!("runs `{}`", shown(&words[1..].join(" ")))),
    }
}
