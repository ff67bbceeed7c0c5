//! `plimsoll advisories update`: download what changed, then compile.

use std::path::{Path, PathBuf};

use advisory::health::{self, SourceHealth};
use clap::Args;

use super::{
    Context,
    download::{self, Got},
    import::{compile, lock, report},
};
use crate::{
    advisory_file::{place, timestamp},
    cli::DataArgs,
    config::value::Source,
    exit::Exit,
    failure::{Failure, OrFail},
    progress::Bar,
};

/// Download the configured sources and compile them
///
/// Sources are `advisories.sources` of the configuration. What has not changed is not
/// downloaded again, what broke off is continued, and mirrors are tried in turn. A source that
/// cannot be had or read keeps its last good data, with a warning; the database is replaced as a
/// whole. `plimsoll advisories status` tells how each source fares.
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
    let _lock = lock(&output)?;
    let sources = config.sources();
    if sources.is_empty() {
        return Err(Failure::usage("no advisory sources are configured")
            .hint("set `advisories.sources`, or compile files with `plimsoll advisories import`"));
    }
    let mut update = Update {
        context,
        folder: output.with_file_name("sources"),
        now: timestamp(context.now()),
        before: health::load(&output),
        files: Vec::new(),
        health: Vec::new(),
    };
    for source in &sources {
        update.take(source);
    }
    let Update {
        files, health, now, ..
    } = update;
    health::save(&output, &health).or_fail(format!(
        "cannot write `{}`",
        health::file_of(&output).display()
    ))?;
    if health.iter().all(|source| source.error.is_some()) {
        return Err(Failure::failed(
            "none of the advisory sources could be updated; the database is as it was",
        ));
    }
    let meta = compile(&output, &files, true, &now)?;
    report(&meta, &output, printer)?;
    Ok(Exit::Success)
}

struct Update<'a> {
    context: &'a Context<'a>,
    folder: PathBuf,
    now: String,
    before: Vec<SourceHealth>,
    files: Vec<(String, PathBuf)>,
    health: Vec<SourceHealth>,
}

impl Update<'_> {
    /// Gets one source, or keeps what there is of it.
    fn take(&mut self, source: &Source) {
        let printer = self.context.printer;
        let bar = Bar::new(printer, &source.name);
        let got = download::fetch(source, &self.folder, &|done, total| {
            bar.set(done, total, "");
        });
        drop(bar);
        let before = self.before.iter().find(|known| known.name == source.name);
        let mut health = before.cloned().unwrap_or_default();
        health.name.clone_from(&source.name);
        health.place.clone_from(&source.place);
        health.last_attempt.clone_from(&self.now);
        match got {
            Ok(got) => {
                let word = if got.is_new {
                    "downloaded"
                } else {
                    "unchanged"
                };
                printer.note(&format!("{}: {word}", source.name));
                succeeded(&mut health, &got, &self.now);
                self.files.push((source.name.clone(), got.file));
            }
            Err(failure) => {
                let last = download::last_good(source, &self.folder);
                self.warn(source, &failure, last.as_deref());
                health.failures += 1;
                health.error = Some(failure.line());
                self.files
                    .extend(last.map(|file| (source.name.clone(), file)));
            }
        }
        self.health.push(health);
    }

    fn warn(&self, source: &Source, failure: &Failure, last: Option<&Path>) {
        let kept = match last {
            Some(_) => "its last good data stays in use",
            None => "nothing of it is in use",
        };
        let line = failure.line();
        let printer = self.context.printer;
        printer.warn(&format!("{}: {line}; {kept}", source.name));
    }
}

fn succeeded(health: &mut SourceHealth, got: &Got, now: &str) {
    health.last_success = Some(now.to_owned());
    health.error = None;
    health.failures = 0;
    if let Some(summary) = &got.summary {
        health.records = summary.records;
        health.malformed = summary.malformed;
    }
}
