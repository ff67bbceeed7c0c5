//! Running other programs, and talking to whoever watches.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result, bail};

/// Returns the folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace")
        .to_owned()
}

/// Returns the folder for what is made once and kept: images, what fuzzing learnt.
pub(crate) fn cache() -> Result<PathBuf> {
    let dir = target().join("xtask");
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

/// Returns cargo's target folder: the one of the workspace, unless `CARGO_TARGET_DIR` names another.
pub(crate) fn target() -> PathBuf {
    let named = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    workspace().join(named)
}

/// Writes a line for people.
#[expect(clippy::print_stdout, reason = "the one place where tasks print")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// Returns cargo, to be run in the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(workspace());
    command
}

/// Runs a step to its end, with its output shown, and says how long it took.
pub(crate) fn step(name: &str, command: &mut Command) -> Result<()> {
    say(&format!("── {name}"));
    let start = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    say(&format!(
        "── {name}: done in {:.1} s",
        start.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Runs a program quietly; its output is shown only when it fails.
pub(crate) fn quietly(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let end: Vec<_> = said.lines().rev().take(20).collect();
        bail!(
            "`{}` failed ({}):\n{}",
            command.get_program().display(),
            output.status,
            end.into_iter().rev().collect::<Vec<_>>().join("\n")
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
