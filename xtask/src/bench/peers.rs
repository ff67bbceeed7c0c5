//! The servers that are measured beside ours: Debian's `docker-registry` with token
//! authorisation, `notary-server`, and nginx giving the same bytes from files.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::json;
use trust::SigningKey;

use crate::run::quietly;

/// A server that is ended when this is dropped.
pub(crate) struct Peer {
    child: Child,
    /// Where it listens, host and port.
    pub(crate) host: String,
    /// What requests to it carry; empty where it asks for nothing.
    pub(crate) token: String,
}

impl Peer {
    fn start(command: &mut Command, port: u16, token: String) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} is not installed", command.get_program().display()))?;
        let peer = Self {
            child,
            host: format!("127.0.0.1:{port}"),
            token,
        };
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&peer.host).is_err() {
            if Instant::now() > end {
                bail!("{} does not answer", command.get_program().display());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(peer)
    }

    /// Returns its process identifier.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // nginx's workers end with their master only when that is asked politely.
        let polite = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        if polite.is_ok() {
            self.child.wait().map(drop).unwrap_or_default();
        }
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Starts `docker-registry` on an empty folder, with a token for everything in `repository`.
pub(crate) fn docker_registry(dir: &Path, repository: &str) -> Result<Peer> {
    let port = free_port()?;
    let token = registry_token(dir, repository)?;
    let config = format!(
        "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
         storage:\n  cache: {{blobdescriptor: inmemory}}\n  filesystem: {{rootdirectory: {root}}}\n  delete: {{enabled: true}}\n\
         http: {{addr: \"127.0.0.1:{port}\"}}\n\
         auth:\n  token: {{realm: \"http://127.0.0.1:{port}/token\", service: bench, issuer: bench, rootcertbundle: {certificate}}}\n",
        root = dir.join("root").display(),
        certificate = dir.join("token.crt").display(),
    );
    let file = dir.join("config.yml");
    fs::write(&file, config)?;
    Peer::start(
        Command::new("docker-registry").arg("serve").arg(&file),
        port,
        token,
    )
}

/// Starts `notary-server` with its metadata in memory, asking nobody for a token.
pub(crate) fn notary_server(dir: &Path) -> Result<Peer> {
    let port = free_port()?;
    let config = json!({
        "server": { "http_addr": format!("127.0.0.1:{port}") },
        "trust_service": { "type": "local" },
        "logging": { "level": "fatal" },
        "storage": { "backend": "memory" },
    });
    let file = dir.join("notary-server.json");
    fs::write(&file, config.to_string())?;
    let mut command = Command::new("notary-server");
    Peer::start(command.arg("-config").arg(&file), port, String::new())
}

/// Makes a key with its certificate, and a token that docker-registry takes.
fn registry_token(dir: &Path, repository: &str) -> Result<String> {
    let (key, certificate) = (dir.join("token.key"), dir.join("token.crt"));
    let pem = SigningKey::generate()?.to_pem();
    fs::write(&key, &pem)?;
    quietly(
        Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-new",
                "-subj",
                "/CN=bench",
                "-days",
                "2",
                "-key",
            ])
            .arg(&key)
            .arg("-out")
            .arg(&certificate),
    )?;
    let text = fs::read_to_string(&certificate)?;
    let encoded: String = text
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect();
    STANDARD
        .decode(&encoded)
        .context("the certificate is base64")?;
    let now = quietly(Command::new("date").arg("+%s"))?
        .trim()
        .parse::<i64>()?;
    let header = json!({ "typ": "JWT", "alg": "ES256", "x5c": [encoded] });
    let claims = json!({
        "iss": "bench", "sub": "bench", "aud": "bench", "exp": now + 86_400, "nbf": now - 60, "iat": now, "jti": "bench",
        "access": [{ "type": "repository", "name": repository, "actions": ["pull", "push", "delete"] }],
    });
    let mut token = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = SigningKey::from_pem(&pem, None)?.sign_raw(token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// Starts nginx on the files in `root`, as it is tuned for files: `sendfile`, kept connections, no log.
pub(crate) fn nginx(dir: &Path, root: &Path) -> Result<Peer> {
    let port = free_port()?;
    let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {}/{kind};", dir.display()))
        .collect();
    let config = format!(
        "daemon off; pid {dir}/nginx.pid; error_log {dir}/error.log; worker_processes auto;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; open_file_cache max=1000; {temp}\n\
         server {{ listen 127.0.0.1:{port} reuseport; root {root}; default_type application/octet-stream; }} }}\n",
        dir = dir.display(),
        root = root.display(),
    );
    let file = dir.join("nginx.conf");
    fs::write(&file, config)?;
    let mut command = Command::new("/usr/sbin/nginx");
    command
        .arg("-p")
        .arg(dir)
        .arg("-c")
        .arg(&file)
        .arg("-e")
        .arg(dir.join("error.log"));
    Peer::start(&mut command, port, String::new())
}
