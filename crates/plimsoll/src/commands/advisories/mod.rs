//! `plimsoll advisories`: where advisories come from and what there is.

mod bundle;
mod diff;
mod download;
mod import;
mod pointer;
mod search;
mod show;
mod sources;
mod status;
mod update;

use clap::Subcommand;

use self::{
    bundle::ExportArgs, diff::DiffArgs, import::ImportArgs, search::SearchArgs, show::ShowArgs,
    sources::SourcesArgs, status::StatusArgs, update::UpdateArgs,
};
use super::Context;
use crate::{exit::Exit, failure::Failure};

/// Download, compile, look up and carry advisories
///
/// Advisories are compiled into one file. It is, in this order: the one named on the command
/// line, `advisories.file` or the data folder of the configuration, plimsoll/advisories.db in
/// $XDG_DATA_HOME or ~/.local/share. A running server takes over a new file by itself.
#[derive(Debug, Subcommand)]
pub(crate) enum AdvisoriesCommand {
    Sources(SourcesArgs),
    Update(UpdateArgs),
    Import(ImportArgs),
    Status(StatusArgs),
    Show(ShowArgs),
    Search(SearchArgs),
    Diff(DiffArgs),
    Export(ExportArgs),
}

pub(super) fn run(command: &AdvisoriesCommand, context: &Context<'_>) -> Result<Exit, Failure> {
    match command {
        AdvisoriesCommand::Sources(args) => sources::run(args, context),
        AdvisoriesCommand::Update(args) => update::run(args, context),
        AdvisoriesCommand::Import(args) => import::run(args, context),
        AdvisoriesCommand::Status(args) => status::run(args, context),
        AdvisoriesCommand::Show(args) => show::run(args, context),
        AdvisoriesCommand::Search(args) => search::run(args, context),
        AdvisoriesCommand::Diff(args) => diff::run(args, context),
        AdvisoriesCommand::Export(args) => bundle::export(args, context),
    }
}
