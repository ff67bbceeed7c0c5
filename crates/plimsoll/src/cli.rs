//! What can be typed.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};

use crate::{
    commands::{
        account::AccountCommand, advisories::AdvisoriesCommand, certify::CertifyArgs,
        collect::CollectArgs, config::ConfigCommand, files::FilesArgs, help::HelpArgs,
        keys::KeysCommand, publisher::PublisherCommand, robot::RobotCommand, sbom::SbomArgs,
        scan::ScanArgs, scrub::ScrubArgs, serve::ServeArgs, signing_key::SigningKeyCommand,
        token::TokenCommand, verify::VerifyArgs, why::WhyArgs,
    },
    printer::{Color, Format},
};

/// A marketplace and publisher programme for container images
///
/// Run a marketplace with `serve`; look at any image with `scan`, `sbom`, `certify` and
/// `verify`, which need no server and say the same as it does.
#[derive(Debug, Parser)]
#[command(
    name = "plimsoll",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "`plimsoll help images` explains how images are named, `plimsoll help exit-codes` how commands end."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// Flags of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// How data is written to standard output
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "PLIMSOLL_FORMAT",
        hide_env = true
    )]
    pub(crate) format: Format,
    /// Leave out notes and progress; data, warnings and errors remain
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// When to use colours; NO_COLOR is respected
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Configuration file; else ./plimsoll.toml, if there is one
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "PLIMSOLL_CONFIG",
        hide_env_values = true
    )]
    pub(crate) config: Option<PathBuf>,
    /// The time to go by, for results that can be compared
    #[arg(long, global = true, hide = true, value_name = "TIME")]
    pub(crate) now: Option<DateTime<Utc>>,
}

/// The commands; what each is for stands at its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(ServeArgs),
    Scan(ScanArgs),
    Sbom(SbomArgs),
    Files(FilesArgs),
    Verify(VerifyArgs),
    Certify(CertifyArgs),
    #[command(subcommand)]
    Advisories(AdvisoriesCommand),
    #[command(subcommand)]
    Account(AccountCommand),
    #[command(subcommand)]
    Publisher(PublisherCommand),
    #[command(subcommand)]
    SigningKey(SigningKeyCommand),
    #[command(subcommand)]
    Token(TokenCommand),
    Collect(CollectArgs),
    Scrub(ScrubArgs),
    Why(WhyArgs),
    #[command(subcommand)]
    Robot(RobotCommand),
    #[command(subcommand)]
    Keys(KeysCommand),
    #[command(subcommand)]
    Config(ConfigCommand),
    Help(HelpArgs),
}

/// Which marketplace, for commands that act on its data folder.
#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    /// The marketplace's data folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

impl DataArgs {
    /// Returns what the flags set.
    pub(crate) fn flags(&self) -> Vec<crate::config::Flag> {
        let data = self.data.as_ref().map(|dir| dir.display().to_string());
        vec![("data.dir", data)]
    }
}
