//! Whether remains of the build were shipped.

use crate::{Check, Evidence, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "needless-file",
    title: "No file of the build is left behind",
    proves: "The image holds no remains of the build or of an editor.",
    help: "Version control folders, editors' settings and Dockerfiles tell more than needed and \
        take space (dockle DKL-LI-0003).",
    suggestion: "List them in `.dockerignore`.",
    level: Level::Info,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let evidence = subject
        .inventory
        .facts
        .leftovers
        .iter()
        .filter(|leftover| leftover.rule != "credential-file")
        .map(|leftover| {
            Evidence::new("not needed to run the image")
                .at(&leftover.path)
                .in_layer(Some(&leftover.layer))
        })
        .collect();
    Outcome::from_evidence(evidence, "no such file")
}
