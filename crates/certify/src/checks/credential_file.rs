//! Whether a file's name says that it holds credentials.

use crate::{Check, Evidence, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "credential-file",
    title: "No file has the name of a credential",
    proves: "No file is left whose name says that it holds credentials.",
    help: "Files such as `id_rsa`, `.netrc` or `.env` are seldom meant to be shipped, even \
        where no known form of secret is found in them (dockle CIS-DI-0010).",
    suggestion: "Remove the file from the build context, or give it a name that says what it is.",
    level: Level::Warning,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let evidence = subject
        .inventory
        .facts
        .leftovers
        .iter()
        .filter(|leftover| leftover.rule == "credential-file")
        .map(|leftover| {
            Evidence::new("the name says that it holds credentials")
                .at(&leftover.path)
                .in_layer(Some(&leftover.layer))
        })
        .collect();
    Outcome::from_evidence(evidence, "no such name")
}
