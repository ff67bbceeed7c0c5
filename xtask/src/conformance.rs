//! `cargo xtask conformance`: OCI's own conformance suite against a marketplace of its own,
//! with everything switched on that the suite can ask for.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};
use testkit::{Cast, PublisherDesk, Server};

use crate::run::{cache, cargo, say, step, target};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A checkout of opencontainers/distribution-spec; its folder `conformance` is built with Go
    suite: PathBuf,
}

/// What the suite leaves out unless it is asked for.
const MORE: [&str; 5] = [
    "OCI_API_BLOBS_DIGEST_HEADER",
    "OCI_API_BLOBS_UPLOAD_CANCEL",
    "OCI_API_MANIFESTS_DIGEST_HEADER",
    "OCI_API_MANIFESTS_TAG_PARAM",
    "OCI_DATA_SPARSE",
];

pub(crate) fn run(args: &Args) -> Result<()> {
    step(
        "building Plimsoll",
        cargo().args(["build", "-p", "plimsoll"]),
    )?;
    let program = cache()?.join("conformance");
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(&program).arg(".");
    step(
        "building the suite",
        go.current_dir(args.suite.join("conformance")),
    )?;
    let dir = tempfile::tempdir()?;
    let config = dir.path().join("plimsoll.toml");
    fs::write(
        &config,
        "[log]\nlevel = \"error\"\n[registry]\nsparse_images = true\n",
    )?;
    let options = ["--config", &config.display().to_string()];
    let server = Server::start(
        &target().join("debug/plimsoll"),
        &dir.path().join("data"),
        "127.0.0.1:0",
        &options,
    )?;
    let password = server.ready.operator_password.as_deref();
    let cast = Cast::gather(server.url(), password.context("a new marketplace")?)?;
    let desk = PublisherDesk::open(&cast, server.host(), "acme", "conformance")?;
    let results = cache()?.join("conformance-results");
    let mut suite = Command::new(&program);
    suite.current_dir(dir.path());
    suite.envs(MORE.map(|name| (name, "true")));
    suite.envs([
        ("OCI_VERSION", "dev"),
        ("OCI_REGISTRY", server.host()),
        ("OCI_TLS", "disabled"),
        ("OCI_REPO1", "staging/acme/one"),
        ("OCI_REPO2", "staging/acme/two"),
        ("OCI_USERNAME", "ann"),
        ("OCI_PASSWORD", desk.token()),
    ]);
    suite.env("OCI_RESULTS_DIR", &results);
    let outcome = step("running the suite", &mut suite);
    say(&format!("each check: {}", results.display()));
    outcome
}
