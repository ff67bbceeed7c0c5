//! A registry for tests: HTTP/1.1 over `std::net`, in memory, one connection a request.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use crate::Digest;

/// What a client sent.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(super) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.target.split('?').next() == Some(path)
    }
}

/// What the server answers.
#[derive(Debug, Default, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

type Handler = dyn Fn(&Request) -> Answer + Send + Sync;

/// A server that runs until the test's process ends.
pub(super) struct Server {
    pub(super) host: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts it; `make` is given `host:port` and returns what answers.
    pub(super) fn start<F>(make: impl FnOnce(&str) -> F) -> Self
    where
        F: Fn(&Request) -> Answer + Send + Sync + 'static,
    {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let handler: Arc<Handler> = Arc::new(make(&host));
        let seen = Arc::<Mutex<Vec<Request>>>::default();
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (handler, log) = (Arc::clone(&handler), Arc::clone(&log));
                thread::spawn(move || serve(&stream, handler.as_ref(), &log));
            }
        });
        Self { host, seen }
    }

    pub(super) fn seen(&self) -> Vec<Request> {
        self.seen.lock().expect("the log").clone()
    }
}

fn serve(stream: &TcpStream, handler: &Handler, log: &Mutex<Vec<Request>>) {
    let Some(request) = read(stream) else {
        return;
    };
    let answer = handler(&request);
    log.lock().expect("the log").push(request.clone());
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", answer.status);
    let sized = answer
        .headers
        .iter()
        .any(|(name, _)| name == "Content-Length");
    if !sized {
        head += &format!("Content-Length: {}\r\n", answer.body.len());
    }
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let mut bytes = (head + "\r\n").into_bytes();
    if request.method != "HEAD" {
        bytes.extend(&answer.body);
    }
    let mut stream = stream;
    drop(stream.write_all(&bytes));
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut parts = line.split_whitespace();
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|v| v.parse().ok());
    let mut body = Vec::new();
    reader
        .take(length.unwrap_or(0))
        .read_to_end(&mut body)
        .ok()?;
    Some(Request {
        method,
        target,
        headers,
        body,
    })
}

/// A registry that keeps what is pushed to `acme/db`.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) blobs: BTreeMap<String, Vec<u8>>,
    /// By tag and by digest: media type and bytes.
    pub(super) manifests: BTreeMap<String, (String, Vec<u8>)>,
}

impl Memory {
    pub(super) fn answer(&mut self, request: &Request) -> Answer {
        let path = request.target.split('?').next().unwrap_or_default();
        let Some(rest) = path.strip_prefix("/v2/acme/db/") else {
            return Answer::new(404, r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#);
        };
        match (request.method.as_str(), rest.split_once('/')) {
            ("POST", Some(("blobs", "uploads/"))) => {
                // Relative, as the specification allows.
                Answer::new(202, "").with("Location", "/v2/acme/db/blobs/uploads/one?state=a%2Fb")
            }
            ("PUT", Some(("blobs", _))) => self.store_blob(request),
            ("GET" | "HEAD", Some(("blobs", digest))) => match self.blobs.get(digest) {
                Some(bytes) => Answer::new(200, bytes.clone()),
                None => Answer::new(404, r#"{"errors":[{"code":"BLOB_UNKNOWN"}]}"#),
            },
            ("PUT", Some(("manifests", target))) => {
                let kind = request.header("content-type").unwrap_or_default();
                let entry = (kind.to_owned(), request.body.clone());
                let digest = Digest::of(&request.body).to_string();
                self.manifests.insert(target.to_owned(), entry.clone());
                self.manifests.insert(digest.clone(), entry);
                Answer::new(201, "").with("Docker-Content-Digest", digest)
            }
            ("GET" | "HEAD", Some(("manifests", target))) => match self.manifests.get(target) {
                Some((kind, bytes)) => Answer::new(200, bytes.clone())
                    .with("Content-Type", kind)
                    .with("Docker-Content-Digest", Digest::of(bytes).as_str()),
                None => Answer::new(404, r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#),
            },
            _ => Answer::new(404, "<html>not here</html>"),
        }
    }

    fn store_blob(&mut self, request: &Request) -> Answer {
        let digest = Digest::of(&request.body).to_string();
        let query = format!("?state=a%2Fb&digest={}", digest.replace(':', "%3A"));
        if !request.target.ends_with(&query) {
            return Answer::new(400, r#"{"errors":[{"code":"DIGEST_INVALID"}]}"#);
        }
        self.blobs.insert(digest, request.body.clone());
        Answer::new(201, "")
    }
}
