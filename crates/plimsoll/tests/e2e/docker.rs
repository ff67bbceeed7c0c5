//! Docker's own engine, as Debian has it, started for the test.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    market::{Market, fail, succeed},
    skip,
};

struct Engine {
    child: Child,
    socket: String,
}

impl Engine {
    /// Starts an engine below `dir`, or says why there can be none.
    fn start(dir: &Path) -> Option<Self> {
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

    fn docker(&self, home: &Path, args: &[&str]) -> Command {
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

#[test]
fn docker_logs_in_pulls_and_pushes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Some(engine) = Engine::start(&dir.path().join("engine")) else {
        return;
    };
    let (market, _) = Market::with_release();
    let docker = |args: &[&str]| engine.docker(dir.path(), args);
    let host = market.server.host();
    let image = format!("{host}/acme/harbour:1.0");

    let nobody = fail(&mut docker(&["pull", &image]));
    assert!(nobody.contains("subscribe to acme/harbour"), "{nobody}");
    let wrong = fail(&mut docker(&[
        "login",
        "-u",
        "carl",
        "-p",
        "wrong-password-indeed",
        host,
    ]));
    assert!(wrong.contains("password"), "{wrong}");

    let token = market.subscribe();
    succeed(&mut docker(&["login", "-u", "carl", "-p", &token, host]));
    succeed(&mut docker(&["pull", &image]));

    succeed(&mut docker(&[
        "login",
        "-u",
        "ann",
        "-p",
        market.desk.token(),
        host,
    ]));
    let target = format!("{host}/staging/acme/harbour:docker");
    succeed(&mut docker(&["tag", &image, &target]));
    succeed(&mut docker(&["push", &target]));
    succeed(&mut docker(&["rmi", &target, &image]));
    succeed(&mut docker(&["pull", &target]));
}
