//! Docker's own engine, as Debian has it, started for the test.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::skip;

/// A running engine; it is ended when this is dropped.
pub(crate) struct Engine {
    child: Child,
    socket: String,
}

impl Engine {
    /// Starts an engine below `dir`, or says why there can be none.
    pub(crate) fn start(dir: &Path) -> Option<Self> {
        let is_root = Command::new("id")
            .arg("-u")
            .output()
            .is_ok_and(|output| output.stdout == b"0\n");
        let program = ["/usr/sbin/dockerd", "/usr/bin/dockerd"]
            .into_iter()
            .find(|path| Path::new(path).exists());
        let (true, Some(program)) = (is_root, program) else {
            skip("Docker's engine is not installed, or this is not root");
            return None;
        };
        std::fs::create_dir_all(dir).expect("a folder");
        let socket = format!("unix://{}/docker.sock", dir.display());
        let log = std::fs::File::create(dir.join("log")).expect("a log");
        let child = Command::new(program)
            .args([
                "--data-root",
                &format!("{}/data", dir.display()),
                "--exec-root",
                &format!("{}/exec", dir.display()),
            ])
            .args([
                "-H",
                &socket,
                "-p",
                &format!("{}/pid", dir.display()),
                "--storage-driver",
                "vfs",
            ])
            .args([
                "--bridge=none",
                "--iptables=false",
                "--ip6tables=false",
                "--ip-masq=false",
            ])
            .args([
                "--default-ulimit",
                "nofile=1024:1024",
                "--default-ulimit",
                "nproc=1024:1024",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the engine starts");
        let engine = Self { child, socket };
        let end = Instant::now() + Duration::from_secs(30);
        while Instant::now() < end {
            if engine
                .docker(dir, &["info"])
                .output()
                .is_ok_and(|output| output.status.success())
            {
                return Some(engine);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
        skip(&format!(
            "Docker's engine does not run here: {}",
            log.lines().last().unwrap_or_default()
        ));
        None
    }

    /// Makes a command of its client.
    pub(crate) fn docker(&self, home: &Path, args: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command
            .args([
                "-H",
                &self.socket,
                "--config",
                &home.join("config").display().to_string(),
            ])
            .args(args);
        command
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SIGTERM lets the engine unmount what it mounted.
        Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .map(drop)
            .unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}
