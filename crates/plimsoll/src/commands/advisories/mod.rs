//! `plimsoll advisories`: where advisories come from and what there is.

mod download;
mod import;
mod status;
mod update;

use clap::Subcommand;

use self::{import::ImportArgs, status::StatusArgs, update::UpdateArgs};
use super::Context;
use crate::{exit::Exit, failure::Failure};

/// Download, compile and describe advisories
///
/// Advisories are compiled into one file. It is, in this order: the one named on the command
/// line, `advisories.file` or the data folder of the configuration, plimsoll/advisories.db in
/// $XDG_DATA_HOME or ~/.local/share. A running server takes over a new file by itself.
#[derive(Debug, Subcommand)]
pub(crate) enum AdvisoriesCommand {
    Update(UpdateArgs),
    Import(ImportArgs),
    Status(StatusArgs),
}

pub(super) fn run(command: &AdvisoriesCommand, context: &Context<'_>) -> Result<Exit, Failure> {
    match command {
        AdvisoriesCommand::Update(args) => update::run(args, context),
        AdvisoriesCommand::Import(args) => import::run(args, context),
        AdvisoriesCommand::Status(args) => status::run(args, context),
    }
}
