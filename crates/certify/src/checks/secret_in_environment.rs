//! Whether ENV, or a build argument in the history, holds a secret.

use inventory::secret_in_env;

use crate::{
    Check, Evidence, Level, Outcome, Subject,
    history::{self, Step},
};

pub(crate) static CHECK: Check = Check {
    id: "secret-in-environment",
    title: "No secret is in its environment",
    proves: "No password or key can be read from the configuration or the history, which \
        everybody who pulls the image has.",
    help: "ENV and ARG values stay in the image for ever (CIS Docker Benchmark 4.10, dockle \
        CIS-DI-0010).",
    suggestion: "Withdraw the secret, then give it at run time (`--env-file`, secrets) or at build \
        time with `RUN --mount=type=secret`.",
    level: Level::Error,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let env = &subject.config.config.env;
    let mut evidence: Vec<_> = env
        .iter()
        .filter_map(|line| rule_of(line))
        .map(|(name, rule)| Evidence::new(format!("ENV `{name}` holds a secret ({rule})")))
        .collect();
    for step in history::steps(subject.config) {
        // The line itself would show the secret, so it is not given as evidence.
        let layer = step.layer.and_then(|index| subject.layer(index));
        evidence.extend(arguments(&step).filter_map(rule_of).map(|(name, rule)| {
            Evidence::new(format!("build argument `{name}` holds a secret ({rule})"))
                .in_layer(layer)
        }));
    }
    Outcome::from_evidence(evidence, format!("{} variables looked at", env.len()))
}

/// Returns the name and the rule that its value breaks; never the value.
fn rule_of(assignment: &str) -> Option<(&str, &str)> {
    let (name, value) = assignment.split_once('=')?;
    Some((name, secret_in_env(name, value)?))
}

/// The build arguments that a step shows: `ARG A=b`, or `|2 A=b C=d /bin/sh -c …`.
fn arguments<'a>(step: &Step<'a>) -> impl Iterator<Item = &'a str> {
    let shown = match step.instruction {
        "ARG" => step.arguments,
        "RUN" if step.arguments.starts_with('|') => {
            let end = step.arguments.find(" /bin/sh -c").unwrap_or(0);
            &step.arguments[..end]
        }
        _ => "",
    };
    shown.split_whitespace()
}
