//! Whether `/licenses` holds a file that is not empty.

use crate::{Check, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "licence-file",
    title: "It brings its licence",
    proves: "Who has the image has the terms under which it may be used.",
    help: "The licence must come with the image, as a file below `/licenses` (preflight \
        HasLicense); the link on the listing may vanish.",
    suggestion: "Add `COPY LICENSE /licenses/` to the Dockerfile.",
    level: Level::Warning,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let files: Vec<_> = subject
        .inventory
        .facts
        .licenses
        .iter()
        .map(|file| file.path.as_str())
        .filter(|path| path.starts_with("licenses/"))
        .collect();
    if files.is_empty() {
        Outcome::fail("there is no file that is not empty below /licenses")
    } else {
        Outcome::Pass(files.join(", "))
    }
}
