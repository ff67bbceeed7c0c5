//! `docs/cli.md`, made from the commands' own help.

use std::{fmt::Write as _, path::Path};

use clap::CommandFactory as _;

use crate::{cli::Cli, exit, image};

fn document() -> String {
    let mut root = Cli::command().term_width(100);
    root.build();
    let mut text = String::from(HEAD);
    let about = root.render_long_help().to_string();
    let _infallible = write!(text, "\n```text\n{}\n```\n", trimmed(&about));
    let _infallible = write!(
        text,
        "\n## Naming an image\n\n```text\n{}```\n",
        image::FORMS
    );
    text.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (code, what) in exit::TABLE {
        let _infallible = writeln!(text, "| {code} | {what} |");
    }
    text.push_str("\n## Commands\n");
    let commands: Vec<_> = root.get_subcommands_mut().collect();
    for command in commands {
        describe(&mut text, command);
    }
    text.push_str(include_str!("json.md"));
    text
}

fn describe(text: &mut String, command: &mut clap::Command) {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let _infallible = write!(text, "\n### `{name}`\n");
    let help = without_global_options(&command.render_long_help().to_string());
    let _infallible = write!(text, "\n```text\n{}\n```\n", trimmed(&help));
    for inner in command.get_subcommands_mut() {
        describe(text, inner);
    }
}

/// They stand at the top once.
fn without_global_options(help: &str) -> String {
    let Some((before, rest)) = help.split_once("\nGlobal options:\n") else {
        return help.to_owned();
    };
    let after = rest
        .lines()
        .skip_while(|line| line.is_empty() || line.starts_with(' '))
        .collect::<Vec<_>>()
        .join("\n");
    format!("{before}\n{after}")
}

fn trimmed(text: &str) -> String {
    let lines: Vec<_> = text.trim().lines().map(str::trim_end).collect();
    lines.join("\n")
}

const HEAD: &str = "# Command line

<!-- Made from the commands' own help; rewrite it with UPDATE_DOCS=1 cargo test -p plimsoll -->

Data goes to standard output, everything else to standard error.
`--format json` gives data to programs; the forms are described at the end and only ever grow.
";

#[test]
fn command_line_document_is_current() {
    check_document("cli.md", &document());
}

/// Fails unless a page below `docs` is what it is generated from; `UPDATE_DOCS` rewrites it.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch for whoever runs the test"
)]
pub(crate) fn check_document(name: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(&path, wanted).expect("the document can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/{name} is not what it is made from; run UPDATE_DOCS=1 cargo test -p plimsoll"
    );
}
