//! `cargo xtask test`: everything that must hold before a change is good.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::run::{cargo, quietly, say, step, workspace};
use crate::{fuzz, tidy, tools};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out the demo at the end
    #[arg(long)]
    no_demo: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let installing = tools::alone()?;
    tools::debian(tools::TESTS)?;
    tools::debian(tools::DEMO)?;
    let helpers = tools::cargo_helpers()?;
    let python = tools::python()?;
    let environment = environment(&python)?;
    drop(installing);
    step("format", cargo().args(["fmt", "--all", "--check"]))?;
    tidy::run()?;
    step(
        "lints",
        cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    deny(&helpers)?;
    let tests = [
        "nextest",
        "run",
        "--workspace",
        "--all-features",
        "--no-fail-fast",
        "--status-level",
        "fail",
    ];
    step(
        "tests",
        on_path(cargo(), &helpers).args(tests).envs(&environment),
    )?;
    step(
        "the registry on PostgreSQL and S3, by turns on two servers",
        on_path(cargo(), &helpers)
            // As above, so that nothing is built again.
            .args(["nextest", "run", "--workspace", "--all-features"])
            // Each server counts the guesses it sees.
            .args([
                "-E",
                "package(plimsoll-registry) and kind(test) and not test(guess)",
            ])
            .args(["--status-level", "fail"])
            .envs(&environment)
            .env("PLIMSOLL_TEST_ON", "cluster"),
    )?;
    fuzz::briefly()?;
    if !args.no_demo {
        let xtask = std::env::current_exe()?;
        step(
            "demo",
            Command::new(xtask)
                .args(["demo", "--exit"])
                .current_dir(workspace()),
        )?;
    }
    say("everything holds");
    Ok(())
}

/// Where the tests find what was installed for them.
fn environment(python: &Path) -> Result<BTreeMap<&'static str, PathBuf>> {
    let mut environment = BTreeMap::from([
        ("PLIMSOLL_SCHEMATHESIS", python.join("schemathesis")),
        ("PLIMSOLL_MOTO_SERVER", python.join("moto_server")),
        ("PLIMSOLL_AXE", tools::axe()?),
    ]);
    environment.extend(tools::newer());
    Ok(environment)
}

/// cargo finds its helpers on the path.
fn on_path(mut command: Command, programs: &Path) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "the path is the system's own way to name programs"
    )]
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", programs.display()));
    command
}

fn deny(helpers: &Path) -> Result<()> {
    step(
        "licences and sources",
        on_path(cargo(), helpers).args([
            "deny",
            "--all-features",
            "--log-level",
            "error",
            "check",
            "licenses",
            "bans",
            "sources",
        ]),
    )?;
    // The database of advisories on crates is a repository on the network, which not every machine reaches.
    match quietly(on_path(cargo(), helpers).args(["deny", "--all-features", "check", "advisories"]))
    {
        Ok(_) => say("── advisories on dependencies: none"),
        Err(error) if format!("{error:#}").contains("failed to fetch") => say(
            "── advisories on dependencies: the database cannot be reached, so this check is skipped",
        ),
        Err(error) => return Err(error),
    }
    Ok(())
}
