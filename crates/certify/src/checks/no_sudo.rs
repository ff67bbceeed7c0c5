//! Whether sudo is installed, or was used in the build.

use crate::{Check, Evidence, Level, Outcome, Subject, history};

pub(crate) static CHECK: Check = Check {
    id: "no-sudo",
    title: "It does not use sudo",
    proves: "No program in the image can be given root rights by sudo.",
    help: "In a build everything runs as root already, and in a container sudo undoes what USER \
        is for (dockle DKL-DI-0001, hadolint DL3004).",
    suggestion: "Remove sudo; change users with the USER instruction, or at start with `setpriv` or \
        `gosu`.",
    level: Level::Warning,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let components = subject.inventory.components.iter();
    let mut evidence: Vec<_> = components
        .filter(|component| component.name == "sudo")
        .map(|component| {
            Evidence::new(format!("sudo {} is installed", component.version))
                .at(&component.path)
                .in_layer(Some(&component.layer))
        })
        .collect();
    for step in history::steps(subject.config) {
        let uses = step.commands().iter().any(|words| words[0] == "sudo");
        if uses {
            evidence.push(step.evidence(subject, "the build runs sudo"));
        }
    }
    Outcome::from_evidence(evidence, "sudo is neither installed nor used")
}
