//! Whether a lower layer holds a secret that an upper one hides.

use crate::{Check, Evidence, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "hidden-secret",
    title: "No deleted secret can still be read",
    proves: "No lower layer holds a password or key that an upper layer hides.",
    help: "A file that a later instruction deletes or replaces is still in its layer, and the \
        layer is pulled with the image.",
    suggestion: "Withdraw the secret, and never copy it in: use `RUN --mount=type=secret`, or a build \
        stage that is not shipped.",
    level: Level::Error,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let evidence = subject
        .inventory
        .facts
        .secrets
        .iter()
        .filter(|secret| secret.hidden)
        .map(|secret| {
            Evidence::new(format!(
                "line {}: {}, deleted by an upper layer but still readable",
                secret.line, secret.rule
            ))
            .at(&secret.path)
            .in_layer(Some(&secret.layer))
        })
        .collect();
    Outcome::from_evidence(evidence, "nothing found below the top")
}
