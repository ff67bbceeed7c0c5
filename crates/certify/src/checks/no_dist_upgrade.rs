//! Whether the build ran a distribution upgrade.

use crate::{Check, Level, Outcome, Subject, history};

pub(crate) static CHECK: Check = Check {
    id: "no-dist-upgrade",
    title: "It was not upgraded wholesale in the build",
    proves: "The packages come from the base, or were named in the build.",
    help: "`apt-get dist-upgrade` may replace or remove what the base is made of, and differs \
        from one build to the next (dockle DKL-DI-0003).",
    suggestion: "Rebuild on a current base instead, or name the packages to upgrade.",
    level: Level::Warning,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    if subject.config.history.is_empty() {
        return Outcome::NotApplicable("the image has no history".to_owned());
    }
    let evidence = history::steps(subject.config)
        .filter(|step| step.commands().iter().any(|words| upgrades(words)))
        .map(|step| step.evidence(subject, "a distribution upgrade in the build"))
        .collect();
    Outcome::from_evidence(evidence, "no distribution upgrade")
}

fn upgrades(words: &[&str]) -> bool {
    let program = words.iter().find(|word| **word != "sudo");
    matches!(program, Some(&("apt-get" | "apt" | "aptitude")))
        && words
            .iter()
            .any(|word| matches!(*word, "dist-upgrade" | "full-upgrade"))
}
