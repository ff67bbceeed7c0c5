//! Installs what demo and tests need, each with the reason said aloud.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::run::{cargo, quietly, say, step};

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
    (
        "strace",
        "/usr/bin/strace",
        "writes down what the server has flushed before it answers",
    ),
    ("podman", "/usr/bin/podman", "pushes and pulls as users do"),
    (
        "runc",
        "/usr/sbin/runc",
        "podman's runtime where cgroups are mixed",
    ),
    (
        "buildah",
        "/usr/bin/buildah",
        "builds and pushes as users do",
    ),
    ("umoci", "/usr/bin/umoci", "makes images as users do"),
    (
        "docker.io",
        "/usr/sbin/dockerd",
        "Docker's own engine: images of several platforms and managed plugins",
    ),
    (
        "notary",
        "/usr/bin/notary",
        "signs and rotates keys as users of content trust do; the reference server",
    ),
    (
        "softhsm2",
        "/usr/lib/softhsm/libsofthsm2.so",
        "a PKCS#11 token that the operator's key is in",
    ),
    (
        "opensc",
        "/usr/bin/pkcs11-tool",
        "looks into the token, and listens to what is asked of it",
    ),
    (
        "docker-registry",
        "/usr/bin/docker-registry",
        "the reference registry, which images are imported from",
    ),
    (
        "libc6-dev",
        "/usr/lib/x86_64-linux-gnu/libc.a",
        "a static program inside the plugin that Docker's engine runs",
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

/// Keeps other checkouts from installing at the same time, for as long as it lives.
pub(crate) fn alone() -> Result<File> {
    let lock = File::create(home()?.join("lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// Returns the folder of what is fetched or built once for all of a user's checkouts.
fn home() -> Result<PathBuf> {
    let caches = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let dir = caches
        .or_else(|| Some(std::env::home_dir()?.join(".cache")))
        .context("there is no home directory")?
        .join("plimsoll-tools");
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

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

/// Installs Python tools into a folder of their own; gives the folder with their programs.
pub(crate) fn python() -> Result<PathBuf> {
    let venv = home()?.join("python");
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

/// Installs an independent witness and reader of logs, which want a newer Python than Debian 12's;
/// gives the folder with their programs.
///
/// # Errors
/// There is no such Python, or they cannot be had.
fn logs() -> Result<PathBuf> {
    let venv = home()?.join("logs");
    let programs = venv.join("bin");
    if programs.join("aics-witness").exists() {
        return Ok(programs);
    }
    say("installing PyPI's aics-witness and aics-tlog: cosign and read the log as strangers do");
    let made = ["python3", "python3.12", "python3.13", "python3.14"]
        .iter()
        .any(|python| {
            let is_new = "import sys; sys.exit(sys.version_info < (3, 12))";
            quietly(Command::new(python).args(["-c", is_new])).is_ok()
                && quietly(Command::new(python).args(["-m", "venv"]).arg(&venv)).is_ok()
        });
    anyhow::ensure!(made, "there is no Python 3.12 or newer");
    let mut pip = Command::new(programs.join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    quietly(pip.args(["aics-witness==0.1.0", "aics-tlog==0.2.1"]))?;
    Ok(programs)
}

/// Fetches axe-core, which finds what keeps people with disabilities from using a page; gives its
/// script. PyPI has it inside a package for a test framework, of which nothing else is taken.
pub(crate) fn axe() -> Result<PathBuf> {
    const PACKAGE: &str = "axe-playwright-python";
    let dir = home()?.join("axe");
    let script = dir.join("axe_playwright_python/axe.min.js");
    if script.exists() {
        return Ok(script);
    }
    say(&format!(
        "fetching PyPI's {PACKAGE}: looks at the pages as a screen reader would"
    ));
    let mut pip = Command::new(python()?.join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    quietly(pip.args(["--no-deps", "--target"]).arg(&dir).arg(PACKAGE))?;
    Ok(script)
}

/// cargo's helpers, and what they are for.
const CARGO: [(&str, &str); 2] = [
    ("cargo-nextest", "runs the tests side by side"),
    ("cargo-deny", "checks licences and sources of dependencies"),
];

/// Installs cargo's helpers that are missing; gives the folder they are in then.
pub(crate) fn cargo_helpers() -> Result<PathBuf> {
    let root = home()?.join("cargo");
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

/// A client of a newer Debian suite. What is only in Debian's moving suite may be gone tomorrow;
/// the tests skip then.
struct Newer {
    /// The variable that tells the tests where it is.
    variable: &'static str,
    package: &'static str,
    suite: &'static str,
    /// Packages of what it is linked with, where it cannot do with the system's.
    libraries: &'static [&'static str],
    /// What for.
    why: &'static str,
}

const NEWER: [Newer; 6] = [
    Newer {
        variable: "PLIMSOLL_COSIGN",
        package: "cosign",
        suite: "trixie",
        libraries: &[],
        why: "the stock verifier of what Plimsoll signs",
    },
    Newer {
        variable: "PLIMSOLL_COSIGN3",
        package: "cosign",
        suite: "sid",
        libraries: &[],
        why: "its successor, which signs and verifies bundles",
    },
    Newer {
        variable: "PLIMSOLL_ORAS",
        package: "oras",
        suite: "trixie",
        libraries: &[],
        why: "pushes and finds artifacts as users do",
    },
    Newer {
        variable: "PLIMSOLL_CRANE",
        package: "crane",
        suite: "sid",
        libraries: &[],
        why: "copies and lists images as users do",
    },
    Newer {
        variable: "PLIMSOLL_NOTATION",
        package: "notation",
        suite: "sid",
        libraries: &[],
        why: "signs and verifies as users do",
    },
    Newer {
        variable: "PLIMSOLL_SKOPEO",
        package: "skopeo",
        suite: "trixie",
        libraries: &[
            "libc6",
            "libgpgme11t64",
            "libassuan9",
            "libgpg-error0",
            "libsqlite3-0",
        ],
        why: "enforces containers-policy.json, which bookworm's is built without",
    },
];

/// Returns the clients that can be had of newer Debian suites, unpacked beside the system, and of
/// newer Pythons, by the variable that names them.
pub(crate) fn newer() -> Vec<(&'static str, PathBuf)> {
    let mut found = Vec::new();
    for newer in NEWER {
        match unpack(&newer) {
            Ok(program) => found.push((newer.variable, program)),
            Err(error) => say(&format!(
                "{} cannot be had, so its tests are skipped: {error:#}",
                newer.package
            )),
        }
    }
    match logs() {
        Ok(programs) => found.push(("PLIMSOLL_LOGS", programs)),
        Err(error) => say(&format!(
            "no independent witness can be had, so its tests are skipped: {error:#}"
        )),
    }
    found
}

fn unpack(newer: &Newer) -> Result<PathBuf> {
    let folder = newer.variable.trim_start_matches("PLIMSOLL_");
    let dir = home()?.join(folder.to_lowercase());
    let (package, suite) = (newer.package, newer.suite);
    let program = match newer.libraries {
        [] => dir.join("root/usr/bin").join(package),
        _ => dir.join(package),
    };
    if program.exists() {
        return Ok(program);
    }
    say(&format!(
        "fetching Debian {suite}'s {package}: {}",
        newer.why
    ));
    let script = dir.join("fetch.sh");
    std::fs::create_dir_all(&dir)?;
    std::fs::write(&script, FETCH)?;
    let mut fetch = Command::new("sh");
    fetch.arg(&script).args([suite, package]);
    quietly(fetch.args(newer.libraries).current_dir(&dir))?;
    Ok(program)
}

/// The machine's own package source with another suite, in a private root, so that nothing of the system changes.
/// What brings its own libraries gets a script that starts it with them.
const FETCH: &str = r#"set -eu
suite=$1 program=$2; shift
mkdir -p apt/state/lists/partial apt/cache/archives/partial apt/etc/apt.conf.d apt/etc/preferences.d apt/etc/sources.list.d root
touch apt/state/status
base=/etc/apt/sources.list.d/debian.sources
if [ -f $base ]; then
  awk 'BEGIN{RS="";ORS="\n\n"} !/security/{gsub(/Suites: [^\n]*/,"Suites: '$suite'");print}' $base > apt/etc/sources.list.d/d.sources
else
  uri=$(awk '$1=="deb"{print $2; exit}' /etc/apt/sources.list)
  echo "deb $uri $suite main" > apt/etc/sources.list.d/d.list
fi
O="-o Dir::State=$PWD/apt/state -o Dir::State::status=$PWD/apt/state/status -o Dir::Cache=$PWD/apt/cache -o Dir::Etc=$PWD/apt/etc -o Dir::Etc::sourceparts=$PWD/apt/etc/sources.list.d -o APT::Sandbox::User=root -o Acquire::Check-Valid-Until=false"
apt-get $O update
for package; do apt-get $O download $package/$suite; done
for deb in *.deb; do dpkg -x "$deb" root; done
[ $# = 1 ] && exit
at=$PWD/root
cat > $program <<END
#!/bin/sh
exec $(echo $at/usr/lib*/ld-linux*) --library-path $(echo $at/usr/lib/*-linux-gnu) $at/usr/bin/$program "\$@"
END
chmod +x $program
"#;
