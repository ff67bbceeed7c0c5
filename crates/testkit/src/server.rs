//! The real server as a child process on loopback.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// What the server prints when it is ready.
#[derive(Debug, Clone, Deserialize)]
pub struct Ready {
    /// Where it listens, `http://127.0.0.1:PORT`.
    pub url: String,
    /// The first operator's one-time password, on an empty folder only.
    #[serde(default)]
    pub operator_password: Option<String>,
}

/// A running server; it is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// What it said when it was ready.
    pub ready: Ready,
    data: PathBuf,
}

impl Server {
    /// Starts `binary` on the folder `data` and waits until it is ready. Its log goes to `<data>.log`.
    ///
    /// # Errors
    /// It ends, or says nothing for thirty seconds; the error holds the end of its log.
    pub fn start(binary: &Path, data: &Path, listen: &str, args: &[&str]) -> Result<Self> {
        let log_path = data.with_extension("log");
        let log = std::fs::File::create(&log_path)
            .with_context(|| format!("cannot write {}", log_path.display()))?;
        let mut child = Command::new(binary)
            .args(["serve", "--format", "json", "--listen", listen, "--data"])
            .arg(data)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let stdout = child
            .stdout
            .take()
            .context("the server's output was asked for")?;
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Ok(ready) = serde_json::from_str::<Ready>(&line) {
                    // Nobody listens any more once the server is ready.
                    sender.send(ready).unwrap_or_default();
                }
            }
        });
        match receiver.recv_timeout(Duration::from_secs(30)) {
            Ok(ready) => Ok(Self {
                child,
                ready,
                data: data.to_owned(),
            }),
            Err(_) => {
                // It may have ended by itself.
                child.kill().unwrap_or_default();
                child.wait()?;
                let log = std::fs::read_to_string(&log_path).unwrap_or_default();
                let end: Vec<_> = log.lines().rev().take(20).collect();
                bail!(
                    "the server did not get ready; the end of its log:\n{}",
                    end.into_iter().rev().collect::<Vec<_>>().join("\n")
                );
            }
        }
    }

    /// Returns its address.
    pub fn url(&self) -> &str {
        &self.ready.url
    }

    /// Returns host and port, as image references begin with.
    pub fn host(&self) -> &str {
        self.ready.url.trim_start_matches("http://")
    }

    /// Returns its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Returns its process identifier.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it at once, as `kill -9` does.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// The system refuses.
    pub fn wait(&mut self) -> Result<std::process::ExitStatus> {
        Ok(self.child.wait()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}
