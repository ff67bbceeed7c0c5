//! Real clients over loopback: skopeo and podman, where they are installed.

use std::{path::PathBuf, process::Stdio, time::Duration};

use app::{Clock, SystemClock};
use market::PullAccess;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
};

use crate::{
    image::{Image, image},
    market::{Market, PASSWORD, RELEASED, STAGING},
};

struct Server {
    market: Market,
    host: String,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        // Clients compare a token's time with their own.
        let market = Market::at(SystemClock.now(), &format!("http://{host}")).await;
        let router = market.router.clone();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let server = Self { market, host };
        for file in ["auth.json", "nobody.json"] {
            std::fs::write(server.path(file), "{}").unwrap();
        }
        server
    }

    fn layout(&self, image: &Image) -> String {
        let dir = self.path("layout");
        std::fs::create_dir_all(dir.join("blobs/sha256")).unwrap();
        let manifest = &image.manifest;
        for blob in image.blobs.iter().chain([&manifest.bytes]) {
            let name = oci::Digest::of(blob).hex().to_owned();
            std::fs::write(dir.join("blobs/sha256").join(name), blob).unwrap();
        }
        let mut entry = manifest.descriptor();
        let name = (
            "org.opencontainers.image.ref.name".to_owned(),
            "1".to_owned(),
        );
        entry.annotations = Some([name].into());
        let index = serde_json::json!({"schemaVersion": 2, "manifests": [entry]});
        std::fs::write(dir.join("index.json"), index.to_string()).unwrap();
        std::fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        format!("oci:{}:1", dir.display())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.market.path(name)
    }

    /// Runs a client; its success and what it said.
    async fn run(&self, command: &str, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(command)
            .args(arguments)
            .env("REGISTRY_AUTH_FILE", self.path("auth.json"))
            .env("HOME", self.path("home"))
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    }
}

async fn installed(command: &str) -> bool {
    let version = Command::new(command).arg("--version").output().await;
    let found = version.is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: {command} is not installed");
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_pushes_lists_pulls_and_deletes() {
    if !installed("skopeo").await {
        return;
    }
    let server = Server::start().await;
    let layout = server.layout(&image("one"));
    let remote = format!("docker://{}/{STAGING}:v1", server.host);
    let owner = format!("owner:{PASSWORD}");
    let insecure = ["--insecure-policy"];
    let skopeo = async |arguments: &[&str]| {
        let all = [insecure.as_slice(), arguments].concat();
        server.run("skopeo", &all).await
    };
    let push = [
        "copy",
        "--dest-tls-verify=false",
        "--dest-creds",
        &owner,
        &layout,
        &remote,
    ];
    let (done, text) = skopeo(&push).await;
    assert!(done, "{text}");
    // The blobs are there already.
    assert!(skopeo(&push).await.0);
    let name = remote.trim_end_matches(":v1");
    let (done, text) = skopeo(&["list-tags", "--tls-verify=false", "--creds", &owner, name]).await;
    assert!(done && text.contains("\"v1\""), "{text}");
    let out = format!("dir:{}", server.path("out").display());
    let pull = [
        "copy",
        "--src-tls-verify=false",
        "--src-creds",
        &owner,
        &remote,
        &out,
    ];
    let (done, text) = skopeo(&pull).await;
    assert!(done, "{text}");
    let pulled = std::fs::read(server.path("out/manifest.json")).unwrap();
    assert_eq!(pulled, image("one").manifest.bytes);
    let (done, text) = skopeo(&["delete", "--tls-verify=false", "--creds", &owner, &remote]).await;
    assert!(done, "{text}");
    assert!(!skopeo(&pull).await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_shows_why_it_may_not() {
    if !installed("skopeo").await {
        return;
    }
    let server = Server::start().await;
    let layout = server.layout(&image("one"));
    let remote = format!("docker://{}/{STAGING}:v1", server.host);
    let mut said = String::new();
    for (who, password) in [("", ""), ("rival", PASSWORD), ("rival", "wrong")] {
        let credentials = format!("{who}:{password}");
        for (verb, side) in [("inspect", ""), ("copy", "dest-")] {
            let verify = format!("--{side}tls-verify=false");
            let mut arguments = vec!["--insecure-policy", verb, verify.as_str()];
            let creds = format!("--{side}creds");
            if !who.is_empty() {
                arguments.extend([creds.as_str(), credentials.as_str()]);
            }
            if verb == "copy" {
                arguments.push(&layout);
            }
            arguments.push(&remote);
            let (done, text) = server.run("skopeo", &arguments).await;
            assert!(!done, "{text}");
            let reason = text.lines().last().unwrap_or_default();
            said.push_str(&format!("{who} {verb}: {reason}\n"));
        }
    }
    let said = said.replace(&server.host, "HOST");
    eprintln!("{said}");
    for expected in [
        "sign in first (docker login HOST): staging/acme/db is not open to everybody",
        "there is no repository staging/acme/db that your account may pull from",
        "rival copy",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn podman_signs_in_pushes_and_pulls() {
    if !installed("podman").await {
        return;
    }
    let server = Server::start().await;
    let (root, run) = (server.path("root"), server.path("run"));
    let policy = server.path("policy.json");
    std::fs::write(
        &policy,
        r#"{"default":[{"type":"insecureAcceptAnything"}]}"#,
    )
    .unwrap();
    let common = [
        "--root",
        root.to_str().unwrap(),
        "--runroot",
        run.to_str().unwrap(),
        "--storage-driver",
        "vfs",
        "--cgroup-manager",
        "cgroupfs",
        "--events-backend",
        "file",
    ];
    let podman = async |arguments: &[&str]| {
        server
            .run("podman", &[common.as_slice(), arguments].concat())
            .await
    };
    let policy = format!("--signature-policy={}", policy.display());
    let wrong = [
        "login",
        "--tls-verify=false",
        "-u",
        "owner",
        "-p",
        "wrong",
        &server.host,
    ];
    assert!(!podman(&wrong).await.0);
    let right = [
        "login",
        "--tls-verify=false",
        "-u",
        "owner",
        "-p",
        PASSWORD,
        &server.host,
    ];
    let (done, text) = podman(&right).await;
    assert!(done, "{text}");
    let token = server.market.token("owner", &[STAGING]).await;
    let image = image("one");
    server.market.push(&token, STAGING, "v1", &image).await;
    let remote = format!("{}/{STAGING}:v1", server.host);
    let (done, text) = podman(&["pull", &policy, "--tls-verify=false", &remote]).await;
    assert!(done, "{text}");
    let other = format!("{}/staging/acme/other:v1", server.host);
    let push = ["push", &policy, "--tls-verify=false", &remote, &other];
    let (done, text) = podman(&push).await;
    assert!(done, "{text}");
    server.market.release(PullAccess::Subscribers).await;
    let remote = format!("{}/{RELEASED}:1", server.host);
    let nobody = server.path("nobody.json").display().to_string();
    let pull = async |who: &str| {
        let creds = format!("{who}:{PASSWORD}");
        let mut arguments = vec!["pull", policy.as_str(), "--tls-verify=false"];
        if who.is_empty() {
            arguments.extend(["--authfile", nobody.as_str()]);
        } else {
            arguments.extend(["--creds", creds.as_str()]);
        }
        arguments.push(&remote);
        let (done, text) = podman(&arguments).await;
        let reason = text.lines().last().unwrap_or_default();
        (done, reason.replace(&server.host, "HOST"))
    };
    says(
        "nobody",
        &pull("").await,
        "sign in first (docker login HOST), and",
    );
    says(
        "other",
        &pull("other").await,
        "denied: subscribe to acme/db at http://HOST/p/acme/db",
    );
    assert!(pull("subscriber").await.0);
}

/// A Docker daemon of our own, without network.
struct Daemon(Child);

impl Daemon {
    async fn start(server: &Server) -> Option<Self> {
        if !installed("dockerd").await || !installed("docker").await {
            return None;
        }
        let path = |name: &str| server.path(name).display().to_string();
        let child = Command::new("dockerd")
            .args(["--data-root", &path("data"), "--exec-root", &path("exec")])
            .args(["-H", &format!("unix://{}", path("docker.sock"))])
            .args(["-p", &path("docker.pid"), "--storage-driver", "vfs"])
            .args([
                "--bridge=none",
                "--iptables=false",
                "--ip6tables=false",
                "--ip-masq=false",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(server.path("dockerd.log")).unwrap())
            .spawn()
            .ok()?;
        let daemon = Self(child);
        for _ in 0..100 {
            if daemon.docker(server, &["version"]).await.0 {
                return Some(daemon);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let log = std::fs::read_to_string(server.path("dockerd.log")).unwrap_or_default();
        let reason = log.lines().last().unwrap_or_default();
        eprintln!("skipped: dockerd does not run here: {reason}");
        daemon.stop().await;
        None
    }

    async fn docker(&self, server: &Server, arguments: &[&str]) -> (bool, String) {
        let socket = format!("unix://{}", server.path("docker.sock").display());
        let all = [["-H", socket.as_str()].as_slice(), arguments].concat();
        server.run("docker", &all).await
    }

    /// Lets it end its own containerd too.
    async fn stop(mut self) {
        if let Some(id) = self.0.id() {
            let mut kill = Command::new("kill");
            kill.arg(id.to_string()).status().await.unwrap();
        }
        self.0.wait().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_signs_in_pulls_pushes_and_shows_why_it_may_not() {
    let server = Server::start().await;
    let Some(daemon) = Daemon::start(&server).await else {
        return;
    };
    server.market.release(PullAccess::Subscribers).await;
    let docker = async |arguments: &[&str]| {
        let (done, text) = daemon.docker(&server, arguments).await;
        let text = text.replace(&server.host, "HOST");
        (done, text.lines().last().unwrap_or_default().to_owned())
    };
    let sign_in = async |who: &str, password: &str| {
        docker(&["login", "-u", who, "-p", password, &server.host]).await
    };
    let remote = format!("{}/{RELEASED}:1", server.host);
    let staging = format!("{}/{STAGING}:2", server.host);
    let nobody = docker(&["pull", &remote]).await;
    let wrong = sign_in("other", "wrong").await;
    assert!(sign_in("other", PASSWORD).await.0);
    let other = docker(&["pull", &remote]).await;
    let unknown = docker(&["pull", &remote.replace("db", "none")]).await;
    assert!(sign_in("subscriber", PASSWORD).await.0);
    let subscriber = docker(&["pull", &remote]).await;
    let tagged = docker(&["tag", &remote, &staging]).await;
    let not_theirs = docker(&["push", &staging]).await;
    assert!(sign_in("owner", PASSWORD).await.0);
    let released = docker(&["push", &remote]).await;
    let pushed = docker(&["push", &staging]).await;
    daemon.stop().await;
    assert!(subscriber.0 && tagged.0, "{} {}", subscriber.1, tagged.1);
    assert!(pushed.0, "{}", pushed.1);
    for (what, outcome, expected) in [
        (
            "nobody pulls",
            nobody,
            "sign in first (docker login HOST), and subscribe to acme/db",
        ),
        ("wrong password", wrong, "the name or the password is wrong"),
        (
            "no subscription",
            other,
            "denied: subscribe to acme/db at http://HOST/p/acme/db to pull it",
        ),
        (
            "unknown",
            unknown,
            "there is no repository acme/none that your account may pull from",
        ),
        (
            "not theirs",
            not_theirs,
            "there is no repository staging/acme/db that your account may push to",
        ),
        (
            "released",
            released,
            "acme/db holds released images, which nobody pushes",
        ),
    ] {
        says(what, &outcome, expected);
    }
}

/// The client failed, and its last line gives the reason.
fn says(what: &str, (done, text): &(bool, String), expected: &str) {
    eprintln!("{what}: {text}");
    assert!(!done && text.contains(expected), "{what}: {text}");
}
