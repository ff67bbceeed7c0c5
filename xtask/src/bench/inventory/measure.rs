//! What a program costs: time on the clock, time of the processor, memory.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

/// What the cheapest of some runs cost.
#[derive(Debug, Clone, Default)]
pub(super) struct Cost {
    /// Seconds from start to end.
    pub(super) wall: f64,
    /// Seconds of all processors, the system's work included.
    pub(super) cpu: f64,
    /// Megabytes resident at most.
    pub(super) memory: f64,
    /// What it wrote.
    pub(super) output: Vec<u8>,
}

/// Linux counts processor time in hundredths of a second for whoever asks this way.
const TICKS: f64 = 100.0;

/// Runs what `command` makes some times over.
pub(super) fn cost(runs: usize, command: impl Fn() -> Command) -> Result<Cost> {
    let mut best: Option<Cost> = None;
    for _ in 0..runs {
        let cost = once(command())?;
        if best.as_ref().is_none_or(|best| cost.cpu < best.cpu) {
            best = Some(cost);
        }
    }
    best.context("at least one run")
}

fn once(mut command: Command) -> Result<Cost> {
    let output = tempfile::NamedTempFile::new()?;
    command
        .stdout(Stdio::from(output.reopen()?))
        .stderr(Stdio::null());
    let (before, start) = (of_children()?, Instant::now());
    let mut child = command.spawn()?;
    let mut memory = 0.0_f64;
    let status = loop {
        memory = memory.max(most_resident(child.id()).unwrap_or(0.0));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let wall = start.elapsed().as_secs_f64();
    ensure!(
        status.success(),
        "{} failed ({status})",
        command.get_program().display()
    );
    Ok(Cost {
        wall,
        cpu: of_children()? - before,
        memory,
        output: std::fs::read(output.path())?,
    })
}

/// Returns the processor time of all children that have ended.
fn of_children() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().context("a line of fields")?;
    let number = |place| -> Option<f64> { fields.split_whitespace().nth(place)?.parse().ok() };
    // proc(5): fields 16 and 17 are cutime and cstime; the name, field 2, is cut off here.
    let (user, system) = number(13).zip(number(14)).context("times of children")?;
    Ok((user + system) / TICKS)
}

/// Returns what a process or one of its children has taken, whichever took more: some programs
/// come with a wrapper that waits.
fn most_resident(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let of_children = children.unwrap_or_default();
    let of_children = of_children
        .split_whitespace()
        .filter_map(|child| most_resident(child.parse().ok()?));
    Some(of_children.fold(kibibytes * 1024.0 / 1e6, f64::max))
}
