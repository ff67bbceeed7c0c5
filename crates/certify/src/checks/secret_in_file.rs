//! Whether a file holds a secret.

use crate::{Check, Evidence, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "secret-in-file",
    title: "No secret is in its files",
    proves: "No file of the running container holds a password or key that the publisher did not \
        mean to give away.",
    help: "Everybody who pulls the image can read every file of it (CIS Docker Benchmark 4.10). \
        Only the place and the kind are reported, never the secret.",
    suggestion: "Withdraw the secret, remove the file from the build context (`.dockerignore`) and \
        build anew.",
    level: Level::Error,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let facts = &subject.inventory.facts;
    let evidence = facts
        .secrets
        .iter()
        .filter(|secret| !secret.hidden)
        .map(|secret| {
            Evidence::new(format!("line {}: {}", secret.line, secret.rule))
                .at(&secret.path)
                .in_layer(Some(&secret.layer))
        })
        .collect();
    Outcome::from_evidence(evidence, format!("{} files looked at", facts.files))
}
