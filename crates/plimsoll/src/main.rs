//! The command line: reads what was typed, wires the rooms together, prints, and ends with
//! a documented exit code.
//!
//! What lives here: commands (`commands`), configuration (`config`), where images come from
//! (`image`), the server's wiring (`server`), printing (`printer`), failures and exit codes.
//! What does not: anything the product *does*; that is in `app` and below.

mod advisory_file;
mod cli;
#[cfg(test)]
mod cli_docs;
mod commands;
mod config;
mod docker_plugin;
mod exit;
mod failure;
mod image;
mod market_api;
mod market_folder;
mod printer;
mod progress;
mod server;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    cli::Cli,
    exit::Exit,
    printer::{Color, Format, Printer},
};

/// Hashing a password takes 19 MiB for a moment; this gives them back to the system, where the
/// C library keeps them for every thread that ever hashed one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Some(words) = docker_plugin::words(std::env::args_os()) else {
        let printer = Printer::new(Format::Text, true, Color::Never, true);
        return match printer.out(docker_plugin::METADATA) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => ExitCode::from(failure.exit.code()),
        };
    };
    let cli = Cli::parse_from(words);
    let no_color = config::environment::Environment::of_process().no_color();
    let global = &cli.global;
    let printer = Printer::new(global.format, global.quiet, global.color, no_color);
    let exit = match commands::run(cli, &printer) {
        Ok(exit) => exit,
        Err(failure) => {
            printer.failure(&failure);
            failure.exit
        }
    };
    if exit == Exit::Success {
        return ExitCode::SUCCESS;
    }
    ExitCode::from(exit.code())
}
