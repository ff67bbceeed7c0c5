//! `plimsoll advisories diff`: what a newer database says differently.

use std::path::{Path, PathBuf};

use advisory::database::{Change, Database};
use clap::Args;
use serde_json::json;

use super::Context;
use crate::{
    advisory_file,
    exit::Exit,
    failure::Failure,
    printer::{count, plain},
};

/// Compare two compiled databases
///
/// Lists the vulnerabilities that came (+), went (-) or changed (~), and the packages whose
/// findings may differ: only those are matched again when the newer one is taken into use.
/// Dates of modification and EPSS scores alone are no change.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll advisories diff yesterday.db today.db
  plimsoll advisories diff yesterday.db today.db --format json")]
pub(crate) struct DiffArgs {
    /// The older database
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The newer database
    #[arg(value_name = "NEW")]
    new: PathBuf,
}

pub(super) fn run(args: &DiffArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let open = |file: &Path| Database::open(file).map_err(|error| advisory_file::failure(&error));
    let (old, new) = (open(&args.old)?, open(&args.new)?);
    let failure = |error| advisory_file::failure(&error);
    let names = Database::changed_names(&old, &new).map_err(failure)?;
    let packages = Database::changed_packages(&old, &new).map_err(failure)?;
    let printer = context.printer;
    if printer.is_json() {
        let packages = packages
            .iter()
            .map(|(ecosystem, package)| json!({ "ecosystem": ecosystem, "package": package }));
        let names = names
            .iter()
            .map(|(name, change)| json!({ "name": name, "change": change }));
        printer.json(&json!({
            "schema_version": 1,
            "old": old.meta().version,
            "new": new.meta().version,
            "vulnerabilities": names.collect::<Vec<_>>(),
            "packages": packages.collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Success);
    }
    let mut text = String::new();
    for (name, change) in &names {
        let mark = match change {
            Change::Added => '+',
            Change::Removed => '-',
            Change::Changed => '~',
        };
        text.push_str(&format!("{mark} {}\n", plain(name)));
    }
    for (ecosystem, package) in &packages {
        text.push_str(&format!("  {} {}\n", plain(ecosystem), plain(package)));
    }
    printer.out(&text)?;
    printer.note(&format!(
        "{} and {} differ",
        count(names.len(), "name", "names"),
        count(packages.len(), "package", "packages"),
    ));
    Ok(Exit::Success)
}
