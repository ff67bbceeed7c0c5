//! Whether a build step only updates package lists.

use crate::{Check, Level, Outcome, Subject, history};

pub(crate) static CHECK: Check = Check {
    id: "no-update-alone",
    title: "Package lists were not updated alone",
    proves: "Packages were installed from lists of the same build step.",
    help: "A RUN instruction that only updates the lists is cached; later builds install from \
        the old lists and miss fixes (CIS Docker Benchmark 4.7).",
    suggestion: "Write it in one instruction: `RUN apt-get update && apt-get install -y …`.",
    level: Level::Warning,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    if subject.config.history.is_empty() {
        return Outcome::NotApplicable("the image has no history".to_owned());
    }
    let evidence = history::steps(subject.config)
        .filter(|step| {
            let commands = step.commands();
            let updates = commands.iter().any(|words| has_verb(words, &["update"]));
            updates && !commands.iter().any(|words| has_verb(words, &INSTALLS))
        })
        .map(|step| step.evidence(subject, "updates package lists and installs nothing"))
        .collect();
    Outcome::from_evidence(evidence, "no update without an installation")
}

const INSTALLS: [&str; 7] = [
    "install",
    "add",
    "upgrade",
    "dist-upgrade",
    "full-upgrade",
    "build-dep",
    "source",
];

fn has_verb(words: &[&str], verbs: &[&str]) -> bool {
    let program = words.iter().find(|word| **word != "sudo");
    matches!(program, Some(&("apt-get" | "apt" | "aptitude" | "apk")))
        && words.iter().any(|word| verbs.contains(word))
}
