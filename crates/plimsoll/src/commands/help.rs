//! `plimsoll help`: topics, and the long help of a command.

use clap::{Args, CommandFactory as _};

use super::Context;
use crate::{cli::Cli, exit, exit::Exit, failure::Failure, image};

/// Explain a command, `images` or `exit-codes`
#[derive(Debug, Args)]
pub(crate) struct HelpArgs {
    /// A command with its subcommands, `images` or `exit-codes`
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

pub(super) fn run(args: &HelpArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let words: Vec<_> = args.topic.iter().map(String::as_str).collect();
    let text = match words.as_slice() {
        ["images"] => image::FORMS.to_owned(),
        ["exit-codes"] => format!("Exit codes:\n\n{}", exit::text()),
        words => of_command(words)?,
    };
    context.printer.out(&text)?;
    Ok(Exit::Success)
}

fn of_command(words: &[&str]) -> Result<String, Failure> {
    let mut root = Cli::command();
    root.build();
    let mut command = &mut root;
    for word in words {
        command = command.find_subcommand_mut(word).ok_or_else(|| {
            Failure::usage(format!("there is no help on `{}`", words.join(" "))).hint(
                "`plimsoll --help` lists the commands; other topics are images and exit-codes",
            )
        })?;
    }
    Ok(command.render_long_help().to_string())
}
