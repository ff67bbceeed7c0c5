//! What the tests of the server's own side share: configuration, plain sockets, a pusher.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tempfile::TempDir;
use testkit::{Cast, PublisherDesk, Server};

use crate::market::serve_with;

/// Where pushes go.
pub(crate) const REPO: &str = "staging/acme/doors";

/// A server with a configuration of its own.
pub(crate) struct Doors {
    pub(crate) server: Server,
    dir: TempDir,
    password: String,
}

impl Doors {
    /// Starts one on an empty folder.
    pub(crate) fn open(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(dir.path().join("p.toml"), config).expect("a file");
        let server = start(dir.path());
        let password = server.ready.operator_password.clone();
        Self {
            server,
            dir,
            password: password.expect("an empty folder prints the password"),
        }
    }

    /// Starts another one on the same folder, when the first has ended.
    pub(crate) fn open_again(&mut self) {
        self.server = start(self.dir.path());
    }

    pub(crate) fn operator_password(&self) -> &str {
        &self.password
    }

    /// Returns what the server logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.server.data().with_extension("log")).expect("a log")
    }

    /// Returns somebody who may push to [`REPO`].
    pub(crate) fn pusher(&self) -> Pusher {
        let cast = Cast::gather(self.server.url(), &self.password).expect("people sign up");
        let desk = PublisherDesk::open(&cast, self.server.host(), "acme", "harbour");
        let secret = desk.expect("the desk opens").token().to_owned();
        Pusher { secret }
    }

    /// Asks the server to stop, as an init system does.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.server.pid().to_string();
        let sent = Command::new("kill").args([name, &id]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Sends a request on a connection of its own; gives the whole answer.
    pub(crate) fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("a request");
        rest(&mut stream)
    }

    pub(crate) fn get(&self, path: &str) -> String {
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ))
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.server.host())
    }
}

fn start(dir: &Path) -> Server {
    let config = dir.join("p.toml").display().to_string();
    serve_with(&dir.join("data"), &["--config", &config])
}

pub(crate) fn connect(host: &str) -> TcpStream {
    let stream = TcpStream::connect(host).expect("a connection");
    let patience = Some(Duration::from_secs(60));
    stream.set_read_timeout(patience).expect("a timeout");
    stream
}

/// Reads until the server ends the connection.
pub(crate) fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A connection that was cut ends with an error; what came before it counts.
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads an answer without a body.
pub(crate) fn head(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => answer.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Returns a header of an answer.
pub(crate) fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let lines = answer.lines().take_while(|line| !line.is_empty());
    lines
        .filter_map(|line| line.split_once(": "))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// Waits until `there` gives something.
pub(crate) fn until<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = there() {
            return found;
        }
        assert!(Instant::now() < end, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Somebody who may push.
pub(crate) struct Pusher {
    pub(crate) secret: String,
}

impl Pusher {
    /// Returns the header that signs a registry request in.
    pub(crate) fn authorization(&self, doors: &Doors) -> String {
        let basic = STANDARD.encode(format!("ann:{}", self.secret));
        let answer = doors.ask(&format!(
            "GET /token?scope=repository:{REPO}:pull,push HTTP/1.1\r\nHost: x\r\n\
             Authorization: Basic {basic}\r\nConnection: close\r\n\r\n"
        ));
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let answer: serde_json::Value = serde_json::from_str(body).expect("JSON");
        let token = answer["token"].as_str().expect("a token");
        format!("Authorization: Bearer {token}\r\n")
    }

    /// Begins an upload; gives its path.
    pub(crate) fn begin(&self, doors: &Doors) -> String {
        let answer = self.try_begin(doors);
        let location = header(&answer, "location").unwrap_or_else(|| panic!("{answer}"));
        location.to_owned()
    }

    pub(crate) fn try_begin(&self, doors: &Doors) -> String {
        doors.ask(&format!(
            "POST /v2/{REPO}/blobs/uploads/ HTTP/1.1\r\nHost: x\r\n{}\
             Content-Length: 0\r\nConnection: close\r\n\r\n",
            self.authorization(doors)
        ))
    }

    /// Begins to send `sent` of `length` bytes to an upload, and stops there. The request is
    /// under way: the server has asked for the body.
    pub(crate) fn send(
        &self,
        doors: &Doors,
        upload: &str,
        sent: &[u8],
        length: usize,
    ) -> TcpStream {
        // Requests of before may still count against the account's share.
        let mut stream = until("an upload's request", || {
            let request = format!(
                "PATCH {upload} HTTP/1.1\r\nHost: x\r\n{}Content-Length: {length}\r\n\
                 Content-Type: application/octet-stream\r\nExpect: 100-continue\r\n\r\n",
                self.authorization(doors)
            );
            let mut stream = doors.connect();
            stream.write_all(request.as_bytes()).expect("a request");
            let answer = head(&mut stream);
            answer.starts_with("HTTP/1.1 100 ").then_some(stream)
        });
        stream.write_all(sent).expect("a beginning");
        stream
    }

    /// Ends an upload.
    pub(crate) fn finish(
        &self,
        doors: &Doors,
        upload: &str,
        authorization: &str,
        digest: &str,
    ) -> String {
        doors.ask(&format!(
            "PUT {upload}?digest={digest} HTTP/1.1\r\nHost: x\r\n{authorization}\
             Content-Length: 0\r\nConnection: close\r\n\r\n"
        ))
    }
}
