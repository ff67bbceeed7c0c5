//! A load generator that costs little: blocking sockets, one thread a connection, HTTP/1.1
//! with kept connections. Server and client share the machine, so every microsecond here
//! would be taken from what is measured.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

/// Read from the socket at a time.
const BUFFER: usize = 256 << 10;

/// What a server answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// `Location`, as sent.
    pub(crate) location: String,
    /// Bytes of the body.
    pub(crate) length: u64,
    /// The body, where it was asked for.
    pub(crate) body: Vec<u8>,
}

/// One kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    taken: usize,
    host: String,
    authorization: String,
}

/// How the body ends.
enum Framing {
    Length(u64),
    Chunks,
}

impl Connection {
    /// Connects to `host`; `token` goes with every request, where there is one.
    pub(crate) fn open(host: &str, token: &str) -> Result<Self> {
        let stream =
            TcpStream::connect(host).with_context(|| format!("nobody listens on {host}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        let authorization = if token.is_empty() {
            String::new()
        } else {
            format!("Authorization: Bearer {token}\r\n")
        };
        Ok(Self {
            stream,
            buffer: vec![0; BUFFER],
            filled: 0,
            taken: 0,
            host: host.to_owned(),
            authorization,
        })
    }

    /// Sends a request and reads the answer; its body is thrown away.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        more: &str,
        body: &[&[u8]],
    ) -> Result<Answer> {
        self.request(method, path, more, body)?;
        self.answer(method == "HEAD", None)
    }

    /// Sends a request and keeps the answer's body.
    pub(crate) fn fetch(&mut self, method: &str, path: &str, more: &str) -> Result<Answer> {
        self.request(method, path, more, &[])?;
        let mut body = Vec::new();
        let mut answer = self.answer(method == "HEAD", Some(&mut body))?;
        answer.body = body;
        Ok(answer)
    }

    fn request(&mut self, method: &str, path: &str, more: &str, body: &[&[u8]]) -> Result<()> {
        // Some servers answer with a whole address.
        let path = path
            .strip_prefix("http://")
            .and_then(|rest| rest.find('/').map(|at| &rest[at..]))
            .unwrap_or(path);
        let length: usize = body.iter().map(|piece| piece.len()).sum();
        let length = if matches!(method, "GET" | "HEAD") {
            String::new()
        } else {
            format!("Content-Length: {length}\r\n")
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{}{length}{more}\r\n",
            self.host, self.authorization
        );
        self.stream.write_all(head.as_bytes())?;
        for piece in body {
            self.stream.write_all(piece)?;
        }
        Ok(())
    }

    fn answer(&mut self, head_only: bool, mut keep: Option<&mut Vec<u8>>) -> Result<Answer> {
        let head = self.head()?;
        let text = String::from_utf8_lossy(&head);
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let mut answer = Answer {
            status: status
                .unwrap_or_default()
                .parse()
                .context("no HTTP status")?,
            ..Answer::default()
        };
        let mut framing = Framing::Length(0);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                framing = Framing::Length(value.parse().context("no length")?);
            } else if name.eq_ignore_ascii_case("location") {
                value.clone_into(&mut answer.location);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                framing = Framing::Chunks;
            }
        }
        if head_only || answer.status == 204 || answer.status == 304 {
            return Ok(answer);
        }
        match framing {
            Framing::Length(length) => {
                self.body(length, &mut keep)?;
                answer.length = length;
            }
            Framing::Chunks => loop {
                let line = self.line()?;
                let size = u64::from_str_radix(line.trim(), 16).context("no chunk size")?;
                self.body(size, &mut keep)?;
                self.line()?;
                answer.length += size;
                if size == 0 {
                    break;
                }
            },
        }
        Ok(answer)
    }

    /// Reads up to and with the empty line.
    fn head(&mut self) -> Result<Vec<u8>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.byte()?);
            ensure!(head.len() < 64 << 10, "endless headers");
        }
        Ok(head)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(self.byte()?);
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn byte(&mut self) -> Result<u8> {
        if self.taken == self.filled {
            self.fill()?;
        }
        self.taken += 1;
        Ok(self.buffer[self.taken - 1])
    }

    fn body(&mut self, length: u64, keep: &mut Option<&mut Vec<u8>>) -> Result<()> {
        let mut left = length;
        while left > 0 {
            if self.taken == self.filled {
                self.fill()?;
            }
            let here = (self.filled - self.taken).min(usize::try_from(left).unwrap_or(usize::MAX));
            if let Some(kept) = keep {
                kept.extend_from_slice(&self.buffer[self.taken..self.taken + here]);
            }
            self.taken += here;
            left -= here as u64;
        }
        Ok(())
    }

    fn fill(&mut self) -> Result<()> {
        self.filled = self.stream.read(&mut self.buffer)?;
        self.taken = 0;
        ensure!(self.filled > 0, "the server closed the connection");
        Ok(())
    }
}

/// Something that is done again and again: with a connection and a number that no other call has.
pub(crate) type Operation<'a> = dyn Fn(&mut Connection, u64) -> Result<()> + Sync + 'a;

/// Does `operation` on `connections` at once for `time`, each at least once; gives how many a second.
pub(crate) fn rate(
    (host, token): (&str, &str),
    connections: usize,
    time: Duration,
    operation: &Operation<'_>,
) -> Result<f64> {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let start_together = Barrier::new(connections);
    let done = AtomicU64::new(0);
    let work = || -> Result<(Instant, Instant)> {
        let connection = Connection::open(host, token);
        start_together.wait();
        let mut connection = connection?;
        let start = Instant::now();
        loop {
            operation(&mut connection, NUMBER.fetch_add(1, Ordering::Relaxed))?;
            done.fetch_add(1, Ordering::Relaxed);
            if start.elapsed() >= time {
                return Ok((start, Instant::now()));
            }
        }
    };
    let spans = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic in the load"))
            .collect::<Result<Vec<_>>>()
    })?;
    let start = spans.iter().map(|(start, _)| *start).min();
    let end = spans.iter().map(|(_, end)| *end).max();
    match (start, end) {
        (Some(start), Some(end)) => {
            Ok(done.load(Ordering::Relaxed) as f64 / (end - start).as_secs_f64())
        }
        _ => bail!("no connections"),
    }
}

/// Fails unless the status is the one expected.
pub(crate) fn expect(answer: &Answer, status: u16) -> Result<()> {
    ensure!(
        answer.status == status,
        "expected {status}, got {}: {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    );
    Ok(())
}
