//! `cargo xtask bench`: the release build measured beside its peers, in one run on one machine.

mod inventory;
mod load;
mod matching;
mod notary;
mod paint;
mod peers;
mod program;
mod registry;

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::run::{cargo, step, target};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Start-up, size, idle memory, and scanning beside syft
    Program,
    /// The registry beside docker-registry, and nginx for reads
    Registry {
        /// Only lines whose name holds this
        #[arg(long)]
        only: Option<String>,
        /// Only with so many connections: large pushes at 128 take some 20 GB of disk
        #[arg(long)]
        connections: Option<usize>,
    },
    /// Reads of trust metadata beside notary-server
    Notary,
    /// First paint of each page, in Chromium
    Paint,
    /// Inventories beside syft's: time, memory, what was found
    Inventory,
    /// New advisories over a catalogue of many images: a day's changes, and everything
    Rematch {
        /// How many images
        #[arg(long, default_value_t = 100_000)]
        images: usize,
        /// Another database than a SQLite file
        #[arg(long)]
        database: Option<String>,
    },
    /// Pages and answers of the API in a market of many products
    Size {
        /// How many products
        #[arg(long, default_value_t = 100_000)]
        products: usize,
        /// Another database than a SQLite file
        #[arg(long)]
        database: Option<String>,
    },
    /// Findings beside labels that others published: precision and recall of each ecosystem
    Matching(matching::Args),
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.what {
        What::Matching(args) => return matching::run(args),
        What::Rematch { images, database } => {
            return own(("plimsoll-app", "rematch"), *images, database.as_deref());
        }
        What::Size { products, database } => {
            return own(("plimsoll-web", "size"), *products, database.as_deref());
        }
        _ => {}
    }
    step(
        "building the release",
        cargo().args(["build", "--release", "--package", "plimsoll"]),
    )?;
    let binary = target().join("release/plimsoll");
    match &args.what {
        What::Program => program::run(&binary),
        What::Inventory => inventory::run(&binary),
        What::Matching(_) | What::Rematch { .. } | What::Size { .. } => Ok(()),
        What::Paint => paint::run(&binary),
        What::Notary => notary::run(&binary),
        What::Registry { only, connections } => {
            registry::run(&binary, only.as_deref(), *connections)
        }
    }
}

/// Runs a bench that belongs to one of the rooms.
fn own((package, bench): (&str, &str), count: usize, database: Option<&str>) -> Result<()> {
    let mut command = cargo();
    command.args(["bench", "--package", package, "--bench", bench, "--"]);
    command.arg(count.to_string()).args(database);
    step(bench, &mut command)
}

/// Returns a figure of `/proc/<pid>/status` that is in kibibytes, in megabytes.
fn memory_megabytes(pid: u32, field: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .context("the system tells memory")?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes * 1024.0 / 1e6)
}

/// Lets the most that was ever resident begin anew with what is so now (proc(5), `clear_refs`).
fn forget_peak(pid: u32) -> Result<()> {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").context("cannot forget the peak")
}

/// Returns the most that was ever resident, in megabytes.
fn peak_megabytes(pid: u32) -> Result<f64> {
    memory_megabytes(pid, "VmHWM:")
}
