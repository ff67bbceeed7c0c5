//! Whether the configuration holds a secret: in ENV, a label, a command, or the history.

use std::collections::HashSet;

use inventory::{secret_in_env, secret_in_text};

use crate::{
    Check, Evidence, Level, Outcome, Subject,
    history::{self, Step},
};

pub(crate) static CHECK: Check = Check {
    id: "secret-in-environment",
    title: "No secret is in its environment",
    proves: "No password or key can be read from the configuration, the history or the \
        annotations, which everybody who pulls the image has.",
    help: "Values of ENV and ARG, commands and labels stay in the image for ever, even where a \
        later instruction sets them anew (CIS Docker Benchmark 4.10, dockle CIS-DI-0010).",
    suggestion: "Withdraw the secret, then give it at run time (`--env-file`, secrets) or at build \
        time with `RUN --mount=type=secret`.",
    level: Level::Error,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let env = &subject.config.config.env;
    // The texts themselves would show the secret, so they are not given as evidence.
    let holds = |what: &str, rule: &str| Evidence::new(format!("{what} holds a secret ({rule})"));
    let mut evidence: Vec<_> = env
        .iter()
        .filter_map(|line| rule_of(line))
        .map(|(name, rule)| holds(&format!("ENV `{name}`"), rule))
        .collect();
    for (what, text) in texts(subject) {
        evidence.extend(secret_in_text(&text).map(|rule| holds(&what, rule)));
    }
    let in_force: HashSet<_> = env.iter().map(String::as_str).collect();
    let comments = subject
        .config
        .history
        .iter()
        .map(|it| it.comment.as_deref());
    for ((number, step), comment) in (1..).zip(history::steps(subject.config)).zip(comments) {
        let layer = step.layer.and_then(|index| subject.layer(index));
        let mut found: Vec<_> = assignments(&step)
            .filter_map(|text| Some((text, rule_of(text)?)))
            .collect();
        let is_named = !found.is_empty();
        // What is in force still was named above.
        found.retain(|(text, _)| !in_force.contains(text));
        for (_, (name, rule)) in found {
            let what = match step.instruction {
                "ENV" => format!("ENV `{name}` of step {number} of the history"),
                _ => format!("build argument `{name}`"),
            };
            evidence.push(holds(&what, rule).in_layer(layer));
        }
        let texts = [step.line, comment.unwrap_or_default()];
        let rule = texts.iter().find_map(|text| secret_in_text(text));
        if let Some(rule) = rule.filter(|_| !is_named) {
            let what = format!("step {number} of the history");
            evidence.push(holds(&what, rule).in_layer(layer));
        }
    }
    let (labels, steps) = (&subject.config.config.labels, &subject.config.history);
    let note = format!(
        "variables: {}, labels: {}, steps of the history: {}",
        env.len(),
        labels.len(),
        steps.len()
    );
    Outcome::from_evidence(evidence, note)
}

/// Returns the name and the rule that its value breaks; never the value.
fn rule_of(assignment: &str) -> Option<(&str, &str)> {
    let (name, value) = assignment.split_once('=')?;
    Some((name, secret_in_env(name, value)?))
}

/// What the configuration says beside ENV and the history, each with what it is.
fn texts<'a>(subject: &Subject<'a>) -> impl Iterator<Item = (String, String)> + use<'a> {
    let config = &subject.config.config;
    let check = config.healthcheck.as_ref().map(|check| &check.test);
    let commands = [
        ("ENTRYPOINT", Some(&config.entrypoint)),
        ("CMD", Some(&config.cmd)),
        ("HEALTHCHECK", check),
    ];
    let commands = commands
        .into_iter()
        .filter_map(|(name, words)| Some((name.to_owned(), words?.join(" "))));
    let labels = config.labels.iter();
    let labels = labels.map(|(name, text)| (format!("label `{name}`"), text.clone()));
    let annotations = subject.annotations.into_iter().flatten();
    let annotations =
        annotations.map(|(name, text)| (format!("annotation `{name}`"), text.clone()));
    commands.chain(labels).chain(annotations)
}

/// The values that a step shows: `ENV A=b`, `ARG A=b`, or `|2 A=b C=d /bin/sh -c …`.
fn assignments<'a>(step: &Step<'a>) -> impl Iterator<Item = &'a str> {
    let shown = match step.instruction {
        "ARG" | "ENV" => step.arguments,
        "RUN" if step.arguments.starts_with('|') => {
            let end = step.arguments.find(" /bin/sh -c").unwrap_or(0);
            &step.arguments[..end]
        }
        _ => "",
    };
    shown.split_whitespace()
}
