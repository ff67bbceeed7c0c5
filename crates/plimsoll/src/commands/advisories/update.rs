//! `plimsoll advisories update`: download what changed, then compile.

use std::path::PathBuf;

use clap::Args;

use super::{
    Context,
    download::{self, Outcome},
    import::{compile, report},
};
use crate::{
    advisory_file::{place, timestamp},
    cli::DataArgs,
    exit::Exit,
    failure::Failure,
    progress::Bar,
};

/// Download the configured sources and compile them
///
/// Sources are `advisories.sources` of the configuration. What has not changed is not
/// downloaded again. A source that cannot be had or read keeps its last good data, with a
/// warning; the database is replaced as a whole.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll advisories update
  plimsoll advisories update --data /var/lib/plimsoll")]
pub(crate) struct UpdateArgs {
    /// Where to put the compiled database; downloads are kept beside it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &UpdateArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let config = context.config(args.data.flags())?;
    let printer = context.printer;
    let output = place(args.output.as_deref(), &config)?;
    let folder = output.with_file_name("sources");
    let sources = config.sources();
    if sources.is_empty() {
        return Err(Failure::usage("no advisory sources are configured")
            .hint("set `advisories.sources`, or compile files with `plimsoll advisories import`"));
    }
    let mut files = Vec::new();
    let mut problems = 0;
    for source in &sources {
        let bar = Bar::new(printer, &source.name);
        let got = download::fetch(source, &folder, &|done, total| bar.set(done, total, ""));
        drop(bar);
        match got {
            Ok((file, outcome)) => {
                let word = match outcome {
                    Outcome::New => "downloaded",
                    Outcome::Unchanged => "unchanged",
                };
                printer.note(&format!("{}: {word}", source.name));
                files.push((source.name.clone(), file));
            }
            Err(failure) => {
                problems += 1;
                let last = download::last_good(source, &folder);
                let kept = match &last {
                    Some(_) => "its last good data stays in use",
                    None => "nothing of it is in use",
                };
                let causes = failure.causes.join(": ");
                printer.warn(&format!(
                    "{}: {}{}{causes}; {kept}",
                    source.name,
                    failure.message,
                    if causes.is_empty() { "" } else { ": " },
                ));
                files.extend(last.map(|file| (source.name.clone(), file)));
            }
        }
    }
    if problems == sources.len() {
        return Err(Failure::failed(
            "none of the advisory sources could be updated; the database is as it was",
        ));
    }
    let meta = compile(&output, &files, true, &timestamp(context.now()))?;
    report(&meta, &output, printer)?;
    Ok(Exit::Success)
}
