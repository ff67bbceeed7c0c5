//! A real S3 server over HTTP: `moto_server` (PyPI: `moto[server]`), one process per test.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use super::super::S3Config;

/// A running server, killed when dropped.
pub(crate) struct Moto {
    process: Child,
    url: String,
}

impl Moto {
    /// Starts `$PLIMSOLL_MOTO_SERVER`, or the one on the path, on a free port, or says why not.
    #[expect(
        clippy::disallowed_methods,
        reason = "where a test finds its server is no configuration of the product"
    )]
    pub(crate) fn start() -> Option<Self> {
        let program = std::env::var("PLIMSOLL_MOTO_SERVER");
        let program = program.unwrap_or_else(|_| "moto_server".to_owned());
        let started = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .env_remove("AWS_ACCESS_KEY_ID")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut process) = started else {
            eprintln!("skipped: {program} is not installed (pip install 'moto[server]')");
            return None;
        };
        let log = BufReader::new(process.stderr.take().expect("piped"));
        let mut lines = log.lines().map_while(Result::ok);
        let url = lines.find_map(|line| {
            let (_, url) = line.split_once("Running on ")?;
            Some(url.trim().to_owned())
        });
        // The server must not block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let Some(url) = url else {
            drop(process.kill());
            eprintln!("skipped: {program} does not start");
            return None;
        };
        Some(Self { process, url })
    }

    /// Creates the bucket and returns how to reach it.
    pub(crate) fn bucket(&self, name: &str, prefix: &str) -> S3Config {
        let config = S3Config {
            endpoint: Some(self.url.clone()),
            region: "us-east-1".to_owned(),
            bucket: name.to_owned(),
            access_key: "test".to_owned(),
            secret_key: "secret".to_owned(),
            prefix: prefix.to_owned(),
            allow_http: true,
            redirect: false,
        };
        self.put(&format!("/{name}"));
        config
    }

    /// Sends an unsigned `PUT` without a body, which this server takes for creating a bucket.
    fn put(&self, path: &str) {
        let host = self.url.trim_start_matches("http://").trim_end_matches('/');
        let mut server = TcpStream::connect(host).expect("connect");
        write!(
            server,
            "PUT {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .expect("send");
        let mut answer = String::new();
        server.read_to_string(&mut answer).expect("receive");
        assert!(answer.contains(" 200 "), "{answer}");
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
