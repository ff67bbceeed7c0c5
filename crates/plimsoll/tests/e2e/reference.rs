//! Debian's `notary-server`: with keys of its own, or with `notary-signer` beside it, which is
//! how the reference is run for others.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{doors::until, skip, tls};

/// The reference server, and what stands beside it; both are ended when this is dropped.
pub(crate) struct Reference {
    programs: Vec<Child>,
    pub(crate) url: String,
}

impl Drop for Reference {
    fn drop(&mut self) {
        for program in &mut self.programs {
            // It may have ended already.
            program.kill().unwrap_or_default();
            program.wait().map(drop).unwrap_or_default();
        }
    }
}

impl Reference {
    /// Starts it with keys of its own, which are Ed25519.
    pub(crate) fn start(dir: &Path) -> Option<Self> {
        let mut reference = Self {
            programs: Vec::new(),
            url: String::new(),
        };
        reference.serve(dir, &json!({ "type": "local" }))?;
        Some(reference)
    }

    /// Starts it with a signer that holds the keys, which are ECDSA. Each of the two knows the
    /// other by its certificate.
    pub(crate) fn with_signer(dir: &Path) -> Option<Self> {
        for name in ["signer", "client"] {
            tls::make(dir, name)?;
        }
        let (host, port) = ("127.0.0.1", free_port());
        let address = format!("{host}:{port}");
        let path = |name: &str| dir.join(name).display().to_string();
        let config = json!({
            "server": {
                "grpc_addr": address,
                "tls_cert_file": path("signer.crt"),
                "tls_key_file": path("signer.key"),
                "client_ca_file": path("client.crt"),
            },
            "logging": { "level": "error" },
            // Debian's build has this one only that needs no database server.
            "storage": { "backend": "memory" },
        });
        let mut reference = Self {
            programs: vec![run(dir, "notary-signer", &config)?],
            url: String::new(),
        };
        until("the signer", || TcpStream::connect(&address).ok());
        let remote = json!({
            "type": "remote",
            "hostname": host,
            "port": port.to_string(),
            "key_algorithm": "ecdsa",
            "tls_ca_file": path("signer.crt"),
            "tls_client_cert": path("client.crt"),
            "tls_client_key": path("client.key"),
        });
        reference.serve(dir, &remote)?;
        Some(reference)
    }

    fn serve(&mut self, dir: &Path, trust_service: &Value) -> Option<()> {
        let address = format!("127.0.0.1:{}", free_port());
        let config = json!({
            "server": { "http_addr": address },
            "trust_service": trust_service,
            "logging": { "level": "error" },
            "storage": { "backend": "memory" },
        });
        self.programs.push(run(dir, "notary-server", &config)?);
        until("the reference server", || TcpStream::connect(&address).ok());
        self.url = format!("http://{address}");
        Some(())
    }
}

fn free_port() -> u16 {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    port.expect("a free port").port()
}

fn run(dir: &Path, program: &str, config: &Value) -> Option<Child> {
    let file = dir.join(format!("{program}.json"));
    fs::write(&file, config.to_string()).expect("a file");
    let child = Command::new(program)
        .arg("-config")
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match child {
        Ok(child) => Some(child),
        Err(_) => {
            skip(&format!("{program} is not installed"));
            None
        }
    }
}
