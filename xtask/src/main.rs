//! The project's own tasks: `cargo xtask demo`, `test`, `tidy`, `bench`, `fuzz`,
//! `conformance`.
//! Everything they need beyond the Rust toolchain they install themselves, and say so.

mod bench;
mod conformance;
mod demo;
mod fuzz;
mod images;
mod run;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Plimsoll's own tasks")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Starts a whole marketplace on loopback and walks a real image through it, from push to verified pull
    Demo(demo::Args),
    /// Installs what the tests need, then runs format, lints, tidy checks and all tests
    Test(test::Args),
    /// Checks dependency direction, sizes and words
    Tidy,
    /// Measures the release build beside the peers that are installed
    Bench(bench::Args),
    /// Lets a fuzzer loose on the parsers of what anybody may send
    Fuzz(fuzz::Args),
    /// Runs OCI's conformance suite against a marketplace of its own
    Conformance(conformance::Args),
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            run::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    match &args.task {
        Task::Demo(args) => demo::run(args),
        Task::Test(args) => test::run(args),
        Task::Tidy => tidy::run(),
        Task::Bench(args) => bench::run(args),
        Task::Fuzz(args) => fuzz::run(args),
        Task::Conformance(args) => conformance::run(args),
    }
}
