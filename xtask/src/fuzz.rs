//! `cargo xtask fuzz`: lets libFuzzer loose on the parsers of what anybody may send.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::run::{cache, cargo, quietly, say, step, workspace};

/// What there is to fuzz: the programs of `fuzz/`.
const TARGETS: [&str; 27] = [
    "manifests",
    "references",
    "tokens",
    "ranges",
    "queries",
    "versions",
    "vectors",
    "statements",
    "openvex",
    "trust",
    "targets",
    "successions",
    "log",
    "roots",
    "cosign",
    "keys",
    "signatures",
    "bundles",
    "keyless",
    "notation",
    "feeds",
    "databases",
    "deltas",
    "files",
    "layers",
    "images",
    "archives",
];

/// What libFuzzer sees the way of its inputs by; these flags are stable, so no other toolchain is needed.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The target; all of them, one after the other, if none is named
    target: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let targets: Vec<_> = TARGETS
        .into_iter()
        .filter(|name| args.target.as_ref().is_none_or(|wanted| wanted == name))
        .collect();
    if targets.is_empty() {
        bail!("there is no such target; there are {}", TARGETS.join(", "));
    }
    let programs = build()?;
    for target in targets {
        step(
            &format!("fuzzing {target} for {} s", args.seconds),
            &mut fuzz(target, &programs, args.seconds)?,
        )?;
    }
    say("nothing was found");
    Ok(())
}

/// Lets libFuzzer loose on every target, for a minute and a half of processor time together; says something only of
/// what breaks.
pub(crate) fn briefly() -> Result<()> {
    let programs = build()?;
    let start = Instant::now();
    let next = AtomicUsize::new(0);
    let some = || -> Result<()> {
        while let Some(target) = TARGETS.get(next.fetch_add(1, Ordering::Relaxed)) {
            quietly(&mut fuzz(target, &programs, 3)?)
                .with_context(|| format!("fuzzing {target} found something"))?;
        }
        Ok(())
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(some)).collect();
        let mut results = vec![some()];
        results.extend(
            others
                .into_iter()
                .map(|other| other.join().expect("no panic")),
        );
        results.into_iter().collect::<Result<()>>()
    })?;
    say(&format!(
        "── fuzzing: nothing found in {} targets and {:.0} s",
        TARGETS.len(),
        start.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Builds the targets; gives the folder they are in.
fn build() -> Result<PathBuf> {
    let host = quietly(Command::new("rustc").args(["--print", "host-tuple"]))?;
    let host = host.trim();
    let target = cache()?.join("fuzz/target");
    let mut build = cargo();
    build
        .current_dir(workspace().join("fuzz"))
        .args(["build", "--release", "--locked", "--bins"])
        // Named, so that build scripts and macros are built without counters.
        .args(["--target", host, "--target-dir"])
        .arg(&target)
        .env("RUSTFLAGS", COVERAGE);
    step("building the fuzz targets", &mut build)?;
    Ok(target.join(host).join("release"))
}

/// Makes the command for one target; what it learns is kept for the next time, what it breaks on lies beside it.
fn fuzz(target: &str, programs: &Path, seconds: u64) -> Result<Command> {
    let corpus = cache()?.join("fuzz/corpus").join(target);
    let found = cache()?.join("fuzz/found").join(target);
    for dir in [&corpus, &found] {
        std::fs::create_dir_all(dir)?;
    }
    let mut fuzz = Command::new("nice");
    fuzz.arg(programs.join(target))
        .arg(&corpus)
        .arg(workspace().join("fuzz/seeds").join(target))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .args(["-max_len=16384", "-timeout=10", "-rss_limit_mb=2048"])
        .args(["-print_final_stats=1", "-verbosity=0"]);
    Ok(fuzz)
}
