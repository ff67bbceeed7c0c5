//! Whether a shell stands between the engine and the program.

use crate::{Check, Evidence, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "exec-form-command",
    title: "Its command is in exec form",
    proves: "The program itself is process 1 and receives the signal that asks it to stop.",
    help: "The shell form puts `/bin/sh -c` in front: the shell receives SIGTERM and does not \
        pass it on, so the container is killed after the stop timeout (hadolint DL3025).",
    suggestion: "Write ENTRYPOINT and CMD as JSON arrays, or start the script with `exec`.",
    level: Level::Warning,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let config = &subject.config.config;
    if config.entrypoint.is_empty() && config.cmd.is_empty() {
        return Outcome::NotApplicable("the image has no command".to_owned());
    }
    let forms = [("ENTRYPOINT", &config.entrypoint), ("CMD", &config.cmd)];
    let evidence = forms
        .into_iter()
        .filter(|(_, words)| is_shell_form(words))
        .map(|(name, words)| Evidence::new(format!("{name} runs through `{} -c`", words[0])))
        .collect();
    Outcome::from_evidence(evidence, "no shell in front of the program")
}

fn is_shell_form(words: &[String]) -> bool {
    const SHELLS: [&str; 5] = ["sh", "bash", "ash", "dash", "zsh"];
    let [shell, flag, script] = words else {
        return false;
    };
    let name = shell.rsplit('/').next().unwrap_or(shell);
    SHELLS.contains(&name) && flag == "-c" && !script.trim_start().starts_with("exec ")
}
