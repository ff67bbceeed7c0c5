//! Runs the binary in a folder of its own, with an environment of its own.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// The time that results bear.
pub(crate) const NOW: &str = "2026-11-01T12:00:00Z";

/// Reads the head of a request, in lower case.
pub(crate) fn head_of(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines();
    let head: Vec<_> = lines
        .map_while(Result::ok)
        .take_while(|it| !it.is_empty())
        .collect();
    head.join("\n").to_lowercase()
}

/// A folder to run commands in.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            dir: TempDir::new().expect("a temporary folder"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// Returns a command that sees nothing of this machine's user.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("TMPDIR", self.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command; gives exit code and both streams in a form to compare.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        self.show(&self.output(args))
    }

    pub(crate) fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the binary runs")
    }

    pub(crate) fn output_with_input(&self, args: &[&str], input: &str) -> Output {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("it is read");
        drop(stdin);
        child.wait_with_output().expect("the binary ends")
    }

    /// Runs a command that must succeed and print JSON.
    pub(crate) fn json(&self, args: &[&str]) -> serde_json::Value {
        let args = [args, &["--format", "json"]].concat();
        let output = self.output(&args);
        assert!(output.status.success(), "{}", self.show(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Writes exit code and streams, with this folder as `[PLACE]`.
    pub(crate) fn show(&self, output: &Output) -> String {
        let place = self.path().display().to_string();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&place, "[PLACE]");
        format!(
            "exit {}\n--- out ---\n{}--- err ---\n{}",
            output.status.code().unwrap_or(-1),
            text(&output.stdout),
            text(&output.stderr)
        )
    }
}
