//! A witness of logs (C2SP `tlog-witness`, `tlog-cosignature`), as an independent party runs one.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    digest,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use trust::log::{Checkpoint, Hash, Verifier, verify_consistency};

/// The byte that says: Ed25519, with a time.
const COSIGNATURE: u8 = 4;
/// So much is read of a request, in bytes.
const MAX_BODY: u64 = 64 << 10;

/// A witness on a port of its own, which ends when it is dropped.
#[derive(Debug)]
pub struct WitnessServer {
    address: SocketAddr,
    about: Arc<About>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct About {
    name: String,
    pair: Ed25519KeyPair,
    stop: AtomicBool,
    logs: Mutex<HashMap<String, Log>>,
    /// What was asked for: sizes from and to, and the status of the answer.
    asked: Mutex<Vec<(u64, u64, u16)>>,
    /// Answered to all, where it is one.
    refusal: Mutex<Option<u16>>,
}

/// A log that it knows.
#[derive(Debug)]
struct Log {
    verifier: Verifier,
    size: u64,
    root: Hash,
}

impl WitnessServer {
    /// Starts one by a name; its key is made of `number`.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(name: &str, number: u8) -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[number; 32]);
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let about = Arc::new(About {
            name: name.to_owned(),
            pair: pair.ok().context("every seed is a key")?,
            stop: AtomicBool::new(false),
            logs: Mutex::default(),
            asked: Mutex::default(),
            refusal: Mutex::default(),
        });
        let own = Arc::clone(&about);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if own.stop.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(stream) = stream {
                    // Whoever asked may be gone already.
                    drop(own.answer(stream));
                }
            }
        });
        Ok(Self {
            address,
            about,
            thread: Some(thread),
        })
    }

    /// Returns where it is asked.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns its name and key, as logs and verifiers are configured with.
    pub fn key(&self) -> String {
        let key = [&[COSIGNATURE][..], self.about.pair.public_key().as_ref()].concat();
        let (name, id) = (&self.about.name, self.about.id());
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{name}+{id}+{}", STANDARD.encode(key))
    }

    /// Has it know a log by its key.
    ///
    /// # Errors
    /// That is no key.
    pub fn trust(&self, key: &str) -> Result<()> {
        let verifier = Verifier::parse(key)?;
        let log = Log {
            size: 0,
            root: [0; 32],
            verifier,
        };
        let name = log.verifier.name().to_owned();
        lock(&self.about.logs).insert(name, log);
        Ok(())
    }

    /// Has it answer all with a status, or as a witness does again.
    pub fn refuse(&self, status: Option<u16>) {
        *lock(&self.about.refusal) = status;
    }

    /// Returns what it was asked: the size from, the size to, and what it answered.
    pub fn asked(&self) -> Vec<(u64, u64, u16)> {
        lock(&self.about.asked).clone()
    }
}

impl Drop for WitnessServer {
    fn drop(&mut self) {
        self.about.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect_timeout(
            &self.address,
            Duration::from_secs(1),
        ));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// What is answered: status, kind and body.
type Answer = (u16, &'static str, String);

impl About {
    fn id(&self) -> [u8; 4] {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(self.name.as_bytes());
        hash.update(&[b'\n', COSIGNATURE]);
        hash.update(self.pair.public_key().as_ref());
        let hash = hash.finish();
        let mut id = [0; 4];
        id.copy_from_slice(&hash.as_ref()[..4]);
        id
    }

    fn answer(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let (mut head, mut length) = (String::new(), 0);
        reader.read_line(&mut head)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = String::new();
        reader
            .take(MAX_BODY.min(length))
            .read_to_string(&mut body)?;
        let (status, kind, body) = match head.starts_with("POST /add-checkpoint ") {
            true => self.add_checkpoint(&body).unwrap_or_else(|| plain(400)),
            false => plain(404),
        };
        let answer = format!(
            "HTTP/1.1 {status} It\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        Ok(stream.write_all(answer.as_bytes())?)
    }

    /// Answers a request; nothing where it is none.
    fn add_checkpoint(&self, body: &str) -> Option<Answer> {
        let (lines, note) = body.split_once("\n\n")?;
        let mut lines = lines.lines();
        let old: u64 = lines.next()?.strip_prefix("old ")?.parse().ok()?;
        let hash = |line: &str| Hash::try_from(STANDARD.decode(line).ok()?).ok();
        let proof: Option<Vec<_>> = lines.map(hash).collect();
        let origin = note.lines().next()?;
        let mut logs = lock(&self.logs);
        let Some(log) = logs.get_mut(origin) else {
            return Some(plain(404));
        };
        let Ok(head) = log.verifier.open(note) else {
            return Some(plain(403));
        };
        let refusal = *lock(&self.refusal);
        let answer = match refusal {
            Some(status) => plain(status),
            None => self.cosign(log, (old, proof?.as_slice()), (&head, note)),
        };
        lock(&self.asked).push((old, head.size, answer.0));
        Some(answer)
    }

    fn cosign(
        &self,
        log: &mut Log,
        (old, proof): (u64, &[Hash]),
        (head, note): (&Checkpoint, &str),
    ) -> Answer {
        if old > head.size {
            return plain(400);
        }
        if old != log.size {
            return (409, "text/x.tlog.size", format!("{}\n", log.size));
        }
        if old == head.size && head.root != log.root {
            return plain(409);
        }
        let known = (log.size, &log.root);
        if verify_consistency(known, (head.size, &head.root), proof).is_err() {
            return plain(422);
        }
        (log.size, log.root) = (head.size, head.root);
        let text = note.split_once("\n\n").map_or(note, |(text, _)| text);
        (200, "text/plain", self.line(&format!("{text}\n")))
    }

    fn line(&self, text: &str) -> String {
        let now = SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default()
            .as_secs();
        let message = format!("cosignature/v1\ntime {now}\n{text}");
        let signature = self.pair.sign(message.as_bytes());
        let bytes = [&self.id()[..], &now.to_be_bytes(), signature.as_ref()].concat();
        format!("— {} {}\n", self.name, STANDARD.encode(bytes))
    }
}

fn plain(status: u16) -> Answer {
    (status, "text/plain", String::new())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
