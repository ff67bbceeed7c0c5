//! Whether ADD was used beyond the base.

use crate::{Check, Level, Outcome, Subject, history};

pub(crate) static CHECK: Check = Check {
    id: "copy-not-add",
    title: "It was built with COPY, not ADD",
    proves: "What came into the image lay in the build context.",
    help: "ADD fetches from the network without a check and unpacks archives unasked (CIS \
        Docker Benchmark 4.9, hadolint DL3020). The first ADD, which is how base images \
        begin, is ignored.",
    suggestion: "Use COPY; fetch with `RUN curl` and check the digest, or use `ADD --checksum`.",
    level: Level::Warning,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    if subject.config.history.is_empty() {
        return Outcome::NotApplicable("the image has no history".to_owned());
    }
    let evidence = history::steps(subject.config)
        .filter(|step| step.instruction == "ADD" && !step.arguments.contains("--checksum="))
        .skip(1)
        .map(|step| step.evidence(subject, "ADD where COPY would do"))
        .collect();
    Outcome::from_evidence(evidence, "no ADD beyond the base")
}
