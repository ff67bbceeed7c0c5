//! `plimsoll advisories import`: feeds that lie here, into one database.

use std::path::{Path, PathBuf};

use advisory::{
    database::{BuildError, Builder, Database, Meta, UpdateLock},
    feeds::{FeedError, Summary},
};
use clap::Args;
use serde_json::json;

use super::{Context, bundle, download::Fitness};
use crate::{
    advisory_file::{place, timestamp},
    cli::DataArgs,
    exit::Exit,
    failure::{Failure, OrFail},
    printer::{Printer, count, plain},
};

/// Compile files that are here already, or take over a compiled database
///
/// Reads OSV (JSON, JSON lines, zip), CSAF and VEX, OpenVEX, NVD, CVE, KEV, EPSS, OVAL,
/// updateinfo.xml, and the own JSON of Debian, Alpine, Wolfi, Alma, Arch and Photon; plain, as
/// .gz, .zst or .bz2, in zip and tar archives and in folders, recognised by their content. The
/// database is replaced as a whole, and only when every file can be read to its end and is in a
/// schema that is known.
///
/// A file that `plimsoll advisories export` wrote is taken over as it is, if the signature
/// beside it is by the key that --key names; a delta is applied to the database that is there.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll advisories import osv-debian.zip secdb-v3.20.json
  plimsoll advisories import --output a.db debian=tracker.json alpine=main.json alpine=community.json
  plimsoll advisories import --key release.pub advisories-2026-11-20.db
  plimsoll advisories import --key release.pub since-2026-11-20.delta")]
pub(crate) struct ImportArgs {
    /// Feeds; NAME=FILE gives the source a name, several files may bear the same
    #[arg(value_name = "[NAME=]FILE", required = true)]
    files: Vec<String>,
    /// Where to put the compiled database
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Leave out the built-in starter set
    #[arg(long)]
    without_starter: bool,
    /// Take what can be read of files that are broken or in a schema that seems changed
    #[arg(long)]
    accept_partial: bool,
    /// Public key (PEM) that must have signed a compiled database
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Take a compiled database over without looking at its signature
    #[arg(long, conflicts_with = "key")]
    unsigned: bool,
}

pub(super) fn run(args: &ImportArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let config = context.config(args.data.flags())?;
    let output = place(args.output.as_deref(), &config)?;
    let _lock = lock(&output)?;
    if let [file] = args.files.as_slice()
        && bundle::is_compiled(Path::new(file))
    {
        return adopt(args, Path::new(file), &output, context);
    }
    let inputs: Vec<_> = args.files.iter().map(|text| named(text)).collect();
    let fitness = Fitness {
        before: None,
        accept_partial: args.accept_partial,
    };
    let mut compiler = Compiler::new(&output)?;
    for (name, file) in &inputs {
        let summary = compiler.add(name, file)?;
        fitness.judge(&summary).map_err(|unfit| {
            Failure::failed(format!("`{}`: {unfit}", file.display()))
                .hint("the database is as it was; --accept-partial takes what can be read")
        })?;
    }
    let compiled = compiler.finish(!args.without_starter, &timestamp(context.now()))?;
    report(&compiled, &output, context.printer)?;
    Ok(Exit::Success)
}

fn adopt(
    args: &ImportArgs,
    file: &Path,
    output: &Path,
    context: &Context<'_>,
) -> Result<Exit, Failure> {
    if args.key.is_none() && !args.unsigned {
        return Err(
            Failure::usage(format!("`{}` was compiled elsewhere", file.display())).hint(
                "name the key that must have signed it with --key, or take it as it is with --unsigned",
            ),
        );
    }
    let meta = bundle::adopt(file, output, args.key.as_deref())?;
    report(&meta, output, context.printer)?;
    Ok(Exit::Success)
}

/// Keeps two updates of one database apart.
pub(super) fn lock(output: &Path) -> Result<UpdateLock, Failure> {
    if let Some(folder) = output.parent().filter(|path| !path.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .or_fail(format!("cannot make the folder `{}`", folder.display()))?;
    }
    UpdateLock::take(output).map_err(|error| Failure::from_error(Exit::Failed, &error))
}

/// Splits `NAME=FILE`; a file's own name up to the first dot is its source's otherwise.
fn named(text: &str) -> (String, PathBuf) {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !name.contains('/') => {
            (name.to_owned(), PathBuf::from(file))
        }
        _ => {
            let path = PathBuf::from(text);
            let name = path.file_name().unwrap_or(path.as_os_str());
            let name = name.to_string_lossy();
            let name = name.split('.').next().unwrap_or(&name).to_owned();
            (name, path)
        }
    }
}

/// Compiles a database in the place of the one that is there.
pub(super) struct Compiler<'a> {
    output: &'a Path,
    builder: Builder,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(output: &'a Path) -> Result<Self, Failure> {
        let builder = Builder::new(output).map_err(|error| failure(&error))?;
        Ok(Self { output, builder })
    }

    pub(super) fn add(&mut self, name: &str, file: &Path) -> Result<Summary, Failure> {
        let added = self.builder.add_source(name, file);
        added.map_err(|error| failure(&error))
    }

    /// Takes over what the database that is there has of a source; gives whether it has any.
    pub(super) fn keep(&mut self, name: &str) -> Result<bool, Failure> {
        let Ok(old) = Database::open(self.output) else {
            return Ok(false);
        };
        let kept = self.builder.keep_source(name, &old);
        kept.map_err(|error| failure(&error))?;
        Ok(old.meta().sources.iter().any(|source| source.name == name))
    }

    pub(super) fn finish(mut self, starter: bool, created_at: &str) -> Result<Meta, Failure> {
        if starter {
            self.builder
                .add_starter()
                .map_err(|error| failure(&error))?;
        }
        let finished = self.builder.finish(created_at);
        finished.map_err(|error| failure(&error))
    }
}

fn failure(error: &BuildError) -> Failure {
    let failure = Failure::from_error(Exit::Failed, error);
    match error {
        BuildError::Write { .. } | BuildError::Feed(FeedError::Sink { .. }) => failure.hint(
            "the database that was there stays; make room on its disk, some three times its size",
        ),
        _ => failure,
    }
}

/// Tells what was compiled.
pub(super) fn report(meta: &Meta, output: &Path, printer: &Printer) -> Result<(), Failure> {
    for source in &meta.sources {
        if source.malformed > 0 {
            let first = source.problems.first();
            let first = first.map(|p| format!("; first {}: {}", plain(&p.place), plain(&p.reason)));
            printer.warn(&format!(
                "{}: {} left out as malformed{}",
                source.name,
                records(source.malformed),
                first.unwrap_or_default(),
            ));
        }
        for broken in &source.broken {
            printer.warn(&format!(
                "{}: {} ends early: {}",
                source.name,
                plain(&broken.place),
                plain(&broken.reason)
            ));
        }
    }
    if printer.is_json() {
        return printer.json(&json!({ "schema_version": 1, "file": output, "meta": meta }));
    }
    printer.out(&format!(
        "Compiled {} of {} into {}\n",
        records(meta.records),
        count(meta.sources.len(), "source", "sources"),
        output.display(),
    ))
}

fn records(number: u64) -> String {
    count(
        usize::try_from(number).unwrap_or(usize::MAX),
        "advisory",
        "advisories",
    )
}
