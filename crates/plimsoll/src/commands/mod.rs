//! One file a command, and what they share.

pub(crate) mod account;
pub(crate) mod advisories;
pub(crate) mod certify;
pub(crate) mod collect;
pub(crate) mod config;
pub(crate) mod files;
pub(crate) mod help;
pub(crate) mod keys;
pub(crate) mod publisher;
pub(crate) mod publisher_storage;
pub(crate) mod robot;
mod roots;
pub(crate) mod sbom;
mod sbom_diff;
mod sbom_text;
pub(crate) mod scan;
mod scan_json;
mod scan_report;
mod scan_text;
pub(crate) mod scrub;
pub(crate) mod serve;
pub(crate) mod signing_key;
pub(crate) mod token;
pub(crate) mod verify;
pub(crate) mod why;

use std::sync::Arc;

use app::{App, Clock as _, SystemClock};
use chrono::{DateTime, Utc};

use crate::{
    cli::{Cli, Command, DataArgs, GlobalArgs},
    config::{Config, Flag, environment::Environment},
    exit::Exit,
    failure::{Failure, OrFail},
    market_folder,
    printer::Printer,
};

/// What every command gets.
pub(crate) struct Context<'a> {
    /// Where to write.
    pub(crate) printer: &'a Printer,
    global: GlobalArgs,
}

impl Context<'_> {
    /// Reads the configuration, with what the command's own flags set.
    ///
    /// # Errors
    /// It has mistakes.
    pub(crate) fn config(&self, flags: Vec<Flag>) -> Result<Config, Failure> {
        let environment = Environment::of_process();
        for (found, meant) in environment.misspelt() {
            self.printer.warn(&format!(
                "the variable {found} means nothing here: did you mean {meant}?"
            ));
        }
        Config::load(self.global.config.as_deref(), environment, flags)
    }

    /// Returns the time to go by.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.global.now.unwrap_or_else(|| SystemClock.now())
    }

    /// Returns the time to go by, where it was given.
    pub(crate) fn given_now(&self) -> Option<DateTime<Utc>> {
        self.global.now
    }

    /// Does something with the marketplace in a data folder, also beside a running server.
    ///
    /// # Errors
    /// There is no marketplace, it cannot be opened, or `work` fails.
    pub(crate) fn in_market<T>(
        &self,
        data: &DataArgs,
        work: impl AsyncFnOnce(&Arc<App>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.in_configured_market(&self.config(data.flags())?, work)
    }

    /// The same with a configuration that was read.
    ///
    /// # Errors
    /// As [`Self::in_market`].
    pub(crate) fn in_configured_market<T>(
        &self,
        config: &Config,
        work: impl AsyncFnOnce(&Arc<App>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        config.check()?;
        market_folder::must_exist(config)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .or_fail("cannot start the runtime")?;
        runtime.block_on(async {
            let url = config.text("server.public_url").unwrap_or_default();
            let market = market_folder::open(config, url).await?;
            let done = work(&market.app).await;
            market.app.close().await;
            done
        })
    }
}

/// Runs what was typed.
///
/// # Errors
/// Whatever ends the command.
pub(crate) fn run(cli: Cli, printer: &Printer) -> Result<Exit, Failure> {
    let context = Context {
        printer,
        global: cli.global,
    };
    match cli.command {
        Command::Serve(args) => serve::run(&args, &context),
        Command::Scan(args) => scan::run(&args, &context),
        Command::Sbom(args) => sbom::run(&args, &context),
        Command::Files(args) => files::run(&args, &context),
        Command::Verify(args) => verify::run(&args, &context),
        Command::Certify(args) => certify::run(&args, &context),
        Command::Advisories(command) => advisories::run(&command, &context),
        Command::Account(command) => account::run(&command, &context),
        Command::Publisher(command) => publisher::run(&command, &context),
        Command::SigningKey(command) => signing_key::run(&command, &context),
        Command::Token(command) => token::run(&command, &context),
        Command::Collect(args) => collect::run(&args, &context),
        Command::Scrub(args) => scrub::run(&args, &context),
        Command::Why(args) => why::run(&args, &context),
        Command::Robot(command) => robot::run(&command, &context),
        Command::Keys(command) => keys::run(&command, &context),
        Command::Config(command) => config::run(&command, &context),
        Command::Help(args) => help::run(&args, &context),
    }
}

/// Returns a date and time for people.
fn day_and_time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}
