//! `cargo xtask bench matching`: findings beside labels that others published.
//!
//! | label | where from | says |
//! |---|---|---|
//! | listed | single versions that a record lists beside its ranges, which are taken away | affected; versions that other records of the package list and this one does not are not |
//! | bounds | introduced, fixed and last affected versions of every record | affected, not, affected |
//! | advisories | Debian's DSAs and DLAs, beside fixes by the packages' own changelogs | not affected at the fix, affected before it |
//!
//! A label that others contradict is left out, and counted: two databases that disagree about
//! one version tell nothing about matching.

mod labels;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    path::{Path, PathBuf},
    time::Instant,
};

use advisory::{
    database::{Builder, Database},
    matching::{Answer, Matcher, Unsupported},
};
use anyhow::{Context, Result, bail};
use serde_json::Value;

use self::labels::{Label, Labels};
use crate::run::say;

/// What must be reached on the labels, after exclusions.
const RECALL: f64 = 0.99;
const PRECISION: f64 = 0.97;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many misses of each ecosystem are printed
    #[arg(long, default_value_t = 20)]
    misses: usize,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let Some(data) = data() else {
        say("skipped: set PLIMSOLL_TEST_DATA to the folder with the test data");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let mut labels = Labels::default();
    let mut builder = Builder::new(&folder.path().join("db"))?;
    for file in files(&data.join("osv"))? {
        let text = plain(&file)?;
        let mut kept = String::new();
        for line in text.lines() {
            let mut record: Value = serde_json::from_str(line)?;
            labels.of_record(&record);
            labels::strip(&mut record);
            kept.push_str(&labels::line(record));
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let source = name.split(".jsonl").next().unwrap_or_default();
        builder.add_bytes(source, &name, kept.as_bytes())?;
    }
    let rows = plain(&data.join("debian-tracker/dsa-dla-2023-04-02.jsonl.zst"))?;
    let advisories = labels.of_debian(&rows)?;
    builder.add_bytes("debian-advisories", "dsa-dla", advisories.as_bytes())?;
    builder.finish("2026-11-26T00:00:00Z")?;
    let database = Database::open(&folder.path().join("db"))?;
    let (labels, excluded) = labels.settle();
    judge(&database, &labels, excluded, args.misses)
}

/// Returns every name of every vulnerability of an answer.
fn names(answer: Result<Answer, Unsupported>) -> BTreeSet<String> {
    let matches = answer.map(|answer| answer.matches).unwrap_or_default();
    let names = matches.into_iter().flat_map(|it| {
        let others = it.aliases.into_iter().chain(it.advisories);
        std::iter::once(it.vulnerability).chain(others)
    });
    names.collect()
}

#[derive(Default)]
struct Tally {
    right: u64,
    missed: Vec<String>,
    surplus: Vec<String>,
    silent: u64,
}

fn judge(database: &Database, labels: &[Label], excluded: u64, most: usize) -> Result<()> {
    say(&format!("{} labels", labels.len()));
    let matcher = Matcher::new(database);
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let started = Instant::now();
    // Labels come by package and version, and a kernel has thousands of each version.
    let (mut package, mut found) = (None, BTreeSet::new());
    for label in labels {
        if package != Some(&label.package) {
            package = Some(&label.package);
            found = names(matcher.package(&label.package)?);
        }
        let tally = tallies.entry(&label.family).or_default();
        let found = found.contains(&label.vulnerability);
        match (label.affected, found) {
            (true, true) => tally.right += 1,
            (false, false) => tally.silent += 1,
            (true, false) => tally.missed.push(label.to_string()),
            (false, true) => tally.surplus.push(label.to_string()),
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    say(&format!(
        "{} labels in {seconds:.1} s; {excluded} left out that others contradict\n",
        labels.len()
    ));
    say("| ecosystem | affected | not affected | recall | precision |");
    say("|---|---|---|---|---|");
    let mut below = Vec::new();
    for (family, tally) in &tallies {
        let (recall, precision) = tally.figures();
        say(&format!(
            "| {family} | {} | {} | {recall:.4} | {precision:.4} |",
            tally.right + tally.missed.len() as u64,
            tally.silent + tally.surplus.len() as u64,
        ));
        if recall < RECALL || precision < PRECISION {
            below.push(*family);
        }
    }
    for (family, tally) in &tallies {
        for (what, list) in [("missed", &tally.missed), ("surplus", &tally.surplus)] {
            if !list.is_empty() {
                say(&format!("\n{family}: {} {what}", list.len()));
            }
            list.iter()
                .take(most)
                .for_each(|line| say(&format!("  {line}")));
        }
    }
    if !below.is_empty() {
        bail!(
            "below the goals (recall {RECALL}, precision {PRECISION}): {}",
            below.join(", ")
        );
    }
    Ok(())
}

impl Tally {
    fn figures(&self) -> (f64, f64) {
        let share = |part: u64, rest: usize| match part + rest as u64 {
            0 => 1.0,
            whole => part as f64 / whole as f64,
        };
        let nobody_is_affected = self.right == 0 && self.missed.is_empty();
        (
            share(self.right, self.missed.len()),
            match nobody_is_affected {
                // There is nothing to find, so what counts is what was not found.
                true => share(self.silent, self.surplus.len()),
                false => share(self.right, self.surplus.len()),
            },
        )
    }
}

/// Returns the folder with the test data.
fn data() -> Option<PathBuf> {
    std::env::var_os("PLIMSOLL_TEST_DATA")
        .map(PathBuf::from)
        .filter(|path| path.is_dir())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn plain(file: &Path) -> Result<String> {
    let packed = std::fs::File::open(file).with_context(|| file.display().to_string())?;
    let mut text = String::new();
    zstd::stream::read::Decoder::new(packed)?.read_to_string(&mut text)?;
    Ok(text)
}
