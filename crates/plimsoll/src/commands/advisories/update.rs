//! `plimsoll advisories update`: download what changed, then compile.

use std::path::PathBuf;

use advisory::health::{self, SourceHealth};
use clap::Args;

use super::{
    Context,
    download::{self, Fitness, Got},
    import::{Compiler, lock, report},
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
/// cannot be had, cannot be read or has far less than before keeps its last good data, with a
/// warning and exit code 3 at the end; the database is replaced as a whole. `plimsoll advisories
/// status` tells how each source fares.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll advisories update
  plimsoll advisories update --data /var/lib/plimsoll")]
pub(crate) struct UpdateArgs {
    /// Where to put the compiled database; downloads are kept beside it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Take what can be read of sources that are broken, or far smaller than before
    #[arg(long)]
    accept_partial: bool,
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
        accept_partial: args.accept_partial,
        before: health::load(&output),
        compiler: Compiler::new(&output)?,
        health: Vec::new(),
    };
    for source in &sources {
        update.take(source)?;
    }
    let Update {
        compiler,
        health,
        now,
        ..
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
    let meta = compiler.finish(true, &now)?;
    report(&meta, &output, printer)?;
    let failed = health.iter().filter(|source| source.error.is_some());
    let failed: Vec<_> = failed.map(|source| source.name.as_str()).collect();
    match failed.is_empty() {
        true => Ok(Exit::Success),
        false => Err(Failure::failed(format!(
            "the database is new, but not what it has of {}",
            failed.join(", ")
        ))),
    }
}

struct Update<'a> {
    context: &'a Context<'a>,
    folder: PathBuf,
    now: String,
    accept_partial: bool,
    before: Vec<SourceHealth>,
    compiler: Compiler<'a>,
    health: Vec<SourceHealth>,
}

impl Update<'_> {
    /// Gets one source, or keeps what there is of it.
    fn take(&mut self, source: &Source) -> Result<(), Failure> {
        let printer = self.context.printer;
        let bar = Bar::new(printer, &source.name);
        let before = self.before.iter().find(|known| known.name == source.name);
        let same = before.filter(|known| known.place == source.place);
        let fitness = Fitness {
            before: same.map(|known| known.records),
            accept_partial: self.accept_partial,
        };
        let got = download::fetch(source, &self.folder, fitness, &|done, total| {
            bar.set(done, total, "");
        });
        drop(bar);
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
                self.compiler.add(&source.name, &got.file)?;
            }
            Err(failure) => {
                let kept = match download::last_good(source, &self.folder) {
                    Some(file) => self.compiler.add(&source.name, &file).map(|_| true)?,
                    None => self.compiler.keep(&source.name)?,
                };
                self.warn(source, &failure, kept);
                health.failures += 1;
                health.error = Some(failure.line());
            }
        }
        self.health.push(health);
        Ok(())
    }

    fn warn(&self, source: &Source, failure: &Failure, kept: bool) {
        let kept = match kept {
            true => "its last good data stays in use",
            false => "nothing of it is in use",
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
