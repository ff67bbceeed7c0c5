//! `serve`: from an empty folder to ready, again, and what keeps it from starting.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::support::Place;

/// A server that is stopped when it goes out of scope.
pub(crate) struct Server {
    child: Child,
    pub(crate) ready: Value,
}

impl Server {
    /// Starts one on the folder `data` and waits until it is ready.
    pub(crate) fn start(place: &Place, extra: &[&str]) -> Self {
        let args = ["serve", "--data", "data", "--format", "json"];
        let listen: &[_] = match extra.contains(&"--listen") {
            true => &[],
            false => &["--listen", "127.0.0.1:0"],
        };
        let mut child = place
            .command(&[&args[..], listen, extra].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let ready = serde_json::from_str(&line).expect("the ready line");
        Self { child, ready }
    }

    /// Starts one as people do, ends it when it is ready, and returns what it said: in its
    /// output and in its log.
    fn said_at_a_start(place: &Place) -> (String, String) {
        let mut child = place
            .command(&["serve", "--data", "data", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut err = child.stderr.take().expect("a pipe");
        let (mut said, mut log) = (String::new(), String::new());
        out.read_line(&mut said).expect("a line");
        let server = Self {
            child,
            ready: Value::Null,
        };
        assert_eq!(server.stop(), Some(0));
        out.read_to_string(&mut said).expect("the rest");
        err.read_to_string(&mut log).expect("the log");
        (said, log)
    }

    /// Returns the log of a server that is started and ended.
    pub(crate) fn log_of_a_start(place: &Place) -> String {
        Self::said_at_a_start(place).1
    }

    pub(crate) fn address(&self) -> &str {
        let url = self.ready["url"].as_str().expect("a URL");
        url.strip_prefix("http://").expect("plain http")
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).expect("a connection");
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Asks it to stop, as an init system does; gives its exit code.
    fn stop(mut self) -> Option<i32> {
        self.signal();
        self.child.wait().expect("it ends").code()
    }

    fn signal(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("kill runs").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal();
            let _status = self.child.wait();
        }
    }
}

#[test]
fn starts_in_an_empty_folder_and_again() {
    let place = Place::new();
    let first = Server::start(&place, &[]);
    assert_eq!(first.ready["event"], "ready");
    assert!(
        first.ready["operator_password"]
            .as_str()
            .is_some_and(|p| p.len() >= 12)
    );
    for path in ["/healthz", "/readyz"] {
        assert!(first.get(path).starts_with("HTTP/1.1 200"), "{path}");
    }
    let front = first.get("/").to_lowercase();
    for header in [
        "content-security-policy: default-src ",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "referrer-policy: ",
        "x-request-id: ",
    ] {
        assert!(front.contains(header), "{header} in {front}");
    }
    assert!(first.get("/v2/").starts_with("HTTP/1.1 401"));
    assert_eq!(first.stop(), Some(0));
    let mode = |name: &str| {
        let about = std::fs::metadata(place.join(name)).expect("it is there");
        about.permissions().mode() & 0o777
    };
    assert_eq!(mode("data"), 0o700);
    assert_eq!(mode("data/keys/release.key"), 0o600);
    assert_eq!(mode("data/keys/tokens.key"), 0o600);
    let key = std::fs::read(place.join("data/keys/release.pub")).expect("a key");
    let second = Server::start(&place, &[]);
    assert_eq!(second.ready["operator_password"], Value::Null);
    assert_eq!(
        std::fs::read(place.join("data/keys/release.pub")).ok(),
        Some(key)
    );
    assert_eq!(second.stop(), Some(0));
}

#[test]
fn the_first_start_says_where_the_passphrase_is() {
    let place = Place::new();
    let words = place.join("data.passphrase");
    let told = format!("the passphrase in `{}`", words.display());
    let start = || Server::said_at_a_start(&place).0;
    assert!(start().contains(&told));
    assert!(!start().contains(&told), "once");
}

#[test]
fn the_port_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let place = Place::new();
    let shown = place.run(&[
        "serve",
        "--data",
        "d",
        "--listen",
        &format!("127.0.0.1:{port}"),
    ]);
    insta::assert_snapshot!(shown.replace(&port, "[PORT]"), @r#"
exit 3
--- out ---
--- err ---
error: cannot listen on 127.0.0.1:[PORT]
  caused by: Address already in use (os error 98)
hint: another program has the port: choose another with --listen
"#);
}

#[test]
fn the_folder_is_taken() {
    let place = Place::new();
    let _server = Server::start(&place, &[]);
    insta::assert_snapshot!(place.run(&["serve", "--data", "data", "--listen", "127.0.0.1:0"]), @r#"
exit 3
--- out ---
--- err ---
error: another server is running on the data folder `data`
hint: stop it first; several servers side by side need PostgreSQL (`database.url`)
"#);
}

#[test]
fn the_folder_cannot_be_made() {
    let place = Place::new();
    place.write("file", "in the way");
    insta::assert_snapshot!(place.run(&["serve", "--data", "file/data"]), @r#"
exit 3
--- out ---
--- err ---
error: cannot write in the data folder `file/data/`
  caused by: Not a directory (os error 20)
hint: a file is in the way: name a folder with --data
"#);
}

#[test]
fn keys_are_encrypted_with_the_passphrase() {
    let place = Place::new();
    place.write("passphrase", "open sesame\n");
    place.write("p.toml", "[keys]\npassphrase_file = \"passphrase\"\n");
    let server = Server::start(&place, &["--config", "p.toml"]);
    assert_eq!(server.stop(), Some(0));
    let key = std::fs::read_to_string(place.join("data/keys/release.key")).expect("a key");
    assert!(key.contains("ENCRYPTED"), "the key is not encrypted");
    let shown = place.run(&["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
    insta::assert_snapshot!(shown, @r#"
exit 3
--- out ---
--- err ---
error: cannot use the key `data/keys/release.key`
  caused by: the private key is encrypted: give its passphrase
hint: put the file with its passphrase back, in `[PLACE]/data.passphrase`, or set `keys.passphrase_file` to where it is
"#);
}
