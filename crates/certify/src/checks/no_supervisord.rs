//! Whether the command is a process supervisor.

use crate::{Check, Evidence, Level, Outcome, Subject, history::shown};

pub(crate) static CHECK: Check = Check {
    id: "no-supervisord",
    title: "It does not run under supervisord",
    proves: "The engine sees the program itself: when it dies, the container ends and is \
        restarted.",
    help: "supervisord hides crashes from the engine and mixes several programs in one \
        container; the inspection tool of Docker's programme refused it too.",
    suggestion: "Run one program per container, and let the engine or orchestrator restart it.",
    level: Level::Error,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let config = &subject.config.config;
    let forms = [("ENTRYPOINT", &config.entrypoint), ("CMD", &config.cmd)];
    let evidence = forms
        .into_iter()
        .filter(|(_, words)| words.iter().any(|word| names_supervisord(word)))
        .map(|(name, words)| Evidence::new(format!("{name} is `{}`", shown(&words.join(" ")))))
        .collect();
    Outcome::from_evidence(evidence, "supervisord is in neither ENTRYPOINT nor CMD")
}

fn names_supervisord(word: &str) -> bool {
    word.split_whitespace()
        .any(|part| part.rsplit('/').next() == Some("supervisord"))
}
