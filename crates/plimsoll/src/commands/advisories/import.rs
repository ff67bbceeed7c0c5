//! `plimsoll advisories import`: feeds that lie here, into one database.

use std::path::{Path, PathBuf};

use advisory::database::{BuildError, Builder, Meta, UpdateLock};
use clap::Args;
use serde_json::json;

use super::{Context, bundle};
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
/// database is replaced as a whole, and only when everything could be read.
///
/// A file that `plimsoll advisories export` wrote is taken over as it is, if the signature
/// beside it is by the key that --key names.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll advisories import osv-debian.zip secdb-v3.20.json
  plimsoll advisories import --output a.db debian=tracker.json alpine=main.json alpine=community.json
  plimsoll advisories import --key release.pub advisories-2026-11-20.db")]
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
        && bundle::is_database(Path::new(file))
    {
        return adopt(args, Path::new(file), &output, context);
    }
    let sources: Vec<_> = args.files.iter().map(|text| named(text)).collect();
    let compiled = compile(
        &output,
        &sources,
        !args.without_starter,
        &timestamp(context.now()),
    )?;
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
            Failure::usage(format!("`{}` is a compiled database", file.display())).hint(
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

/// Compiles named files into `output`.
pub(super) fn compile(
    output: &Path,
    sources: &[(String, PathBuf)],
    starter: bool,
    created_at: &str,
) -> Result<Meta, Failure> {
    let mut builder = Builder::new(output).map_err(|error| failure(&error))?;
    for (name, file) in sources {
        builder
            .add_source(name, file)
            .map_err(|error| failure(&error))?;
    }
    if starter {
        builder.add_starter().map_err(|error| failure(&error))?;
    }
    builder.finish(created_at).map_err(|error| failure(&error))
}

fn failure(error: &BuildError) -> Failure {
    Failure::from_error(Exit::Failed, error)
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
