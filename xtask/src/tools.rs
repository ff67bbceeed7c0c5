//! Installs what demo and tests need, each with the reason said aloud.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::run::{cache, cargo, quietly, say, step};

/// A Debian package, a file it brings, and what it is for.
type Package = (&'static str, &'static str, &'static str);

/// What the demo needs.
pub(crate) const DEMO: &[Package] = &[(
    "debootstrap",
    "/usr/sbin/debootstrap",
    "makes the real Debian image that the demo publishes",
)];

/// What the tests need.
pub(crate) const TESTS: &[Package] = &[
    ("skopeo", "/usr/bin/skopeo", "pushes and pulls as users do"),
    ("podman", "/usr/bin/podman", "pushes and pulls as users do"),
    (
        "runc",
        "/usr/sbin/runc",
        "podman's runtime where cgroups are mixed",
    ),
    (
        "postgresql",
        "/usr/share/postgresql-common/pg_wrapper",
        "the second database, started by the tests",
    ),
    ("chromium", "/usr/bin/chromium", "looks at the pages"),
    (
        "chromium-driver",
        "/usr/bin/chromedriver",
        "drives the browser",
    ),
    (
        "python3-venv",
        "/usr/share/python-wheels",
        "holds tools from PyPI",
    ),
    (
        "python3-jsonschema",
        "/usr/lib/python3/dist-packages/jsonschema",
        "holds bills of materials against their schemas",
    ),
];

/// What the tests need from PyPI.
const PYTHON: [(&str, &str, &str); 2] = [
    (
        "schemathesis",
        "schemathesis",
        "tests the JSON API against its OpenAPI document",
    ),
    (
        "moto[server]",
        "moto_server",
        "an S3 server for the blob store's tests",
    ),
];

/// Installs Debian packages that are not there yet.
pub(crate) fn debian(packages: &[Package]) -> Result<()> {
    let missing: Vec<_> = packages
        .iter()
        .filter(|(name, file, _)| !Path::new(file).exists() && !is_installed(name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    for (name, _, why) in &missing {
        say(&format!("installing Debian's {name}: {why}"));
    }
    let names: Vec<_> = missing.iter().map(|(name, ..)| *name).collect();
    let root = quietly(Command::new("id").arg("-u"))?.trim() == "0";
    let apt = |args: &[&str]| {
        let mut command = if root {
            Command::new("apt-get")
        } else {
            Command::new("sudo")
        };
        if !root {
            command.arg("apt-get");
        }
        command.env("DEBIAN_FRONTEND", "noninteractive").args(args);
        command
    };
    quietly(&mut apt(&["update"])).context("Debian's package lists cannot be fetched")?;
    let mut install = apt(&["install", "-y", "--no-install-recommends"]);
    quietly(install.args(&names)).with_context(|| {
        format!(
            "install these yourself, then run this again: {}",
            names.join(" ")
        )
    })?;
    Ok(())
}

fn is_installed(package: &str) -> bool {
    let status = Command::new("dpkg-query")
        .args(["-W", "-f", "${db:Status-Status}", package])
        .output();
    status.is_ok_and(|output| output.stdout == b"installed")
}

/// Installs Python tools into a folder of the project; gives the folder with their programs.
pub(crate) fn python() -> Result<PathBuf> {
    let venv = cache()?.join("python");
    let programs = venv.join("bin");
    let missing: Vec<_> = PYTHON
        .iter()
        .filter(|(_, program, _)| !programs.join(program).exists())
        .collect();
    if missing.is_empty() {
        return Ok(programs);
    }
    for (name, _, why) in &missing {
        say(&format!("installing PyPI's {name}: {why}"));
    }
    quietly(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let mut pip = Command::new(programs.join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    quietly(pip.args(missing.iter().map(|(name, ..)| *name)))?;
    Ok(programs)
}

/// cargo's helpers, and what they are for.
const CARGO: [(&str, &str); 2] = [
    ("cargo-nextest", "runs the tests side by side"),
    ("cargo-deny", "checks licences and sources of dependencies"),
];

/// Installs cargo's helpers that are missing; gives the folder they are in then.
pub(crate) fn cargo_helpers() -> Result<PathBuf> {
    let root = cache()?.join("cargo");
    let programs = root.join("bin");
    for (name, why) in CARGO {
        // Any test runner will do; of cargo-deny old ones read another configuration.
        let takes_any = name == "cargo-nextest";
        let found = Command::new(name).args(["nextest", "--version"]).output();
        let is_there = takes_any && found.is_ok_and(|output| output.status.success());
        if is_there || programs.join(name).exists() {
            continue;
        }
        say(&format!("installing {name} from crates.io: {why}"));
        let install = ["install", "--locked", "--debug", "--quiet", "--root"];
        step(
            &format!("building {name}"),
            cargo().args(install).arg(&root).arg(name),
        )?;
    }
    Ok(programs)
}

/// Returns cosign from a newer Debian suite, unpacked beside the system, or why it cannot be had.
pub(crate) fn cosign() -> Result<PathBuf> {
    let dir = cache()?.join("cosign");
    let program = dir.join("root/usr/bin/cosign");
    if program.exists() {
        return Ok(program);
    }
    say("fetching Debian trixie's cosign: the stock verifier of what Plimsoll signs");
    let script = dir.join("fetch.sh");
    std::fs::create_dir_all(&dir)?;
    std::fs::write(&script, FETCH_COSIGN)?;
    quietly(Command::new("sh").arg(&script).current_dir(&dir))?;
    Ok(program)
}

/// The machine's own package source with another suite, in a private root, so that nothing of the system changes.
const FETCH_COSIGN: &str = r#"set -eu
mkdir -p apt/state/lists/partial apt/cache/archives/partial apt/etc/apt.conf.d apt/etc/preferences.d apt/etc/sources.list.d root
touch apt/state/status
base=/etc/apt/sources.list.d/debian.sources
if [ -f $base ]; then
  awk 'BEGIN{RS="";ORS="\n\n"} !/security/{gsub(/Suites: [^\n]*/,"Suites: trixie");print}' $base > apt/etc/sources.list.d/d.sources
else
  uri=$(awk '$1=="deb"{print $2; exit}' /etc/apt/sources.list)
  echo "deb $uri trixie main" > apt/etc/sources.list.d/d.list
fi
O="-o Dir::State=$PWD/apt/state -o Dir::State::status=$PWD/apt/state/status -o Dir::Cache=$PWD/apt/cache -o Dir::Etc=$PWD/apt/etc -o Dir::Etc::sourceparts=$PWD/apt/etc/sources.list.d -o APT::Sandbox::User=root -o Acquire::Check-Valid-Until=false"
apt-get $O update
apt-get $O download cosign/trixie
for deb in *.deb; do dpkg -x "$deb" root; done
"#;
