//! A small DNS server (RFC 1035): answers for TXT records over UDP, and over TCP where an
//! answer is long.

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context as _, Result};

/// Most bytes of an answer over UDP (section 2.3.4).
const MAX_UDP: usize = 512;
/// The type of TXT records (section 3.2.2).
const TXT: u16 = 16;
/// How often it is looked whether to end.
const LOOK: Duration = Duration::from_millis(50);

type Zone = Arc<Mutex<HashMap<String, Vec<String>>>>;

/// A server on a port of its own, which ends when it is dropped.
#[derive(Debug)]
pub struct DnsServer {
    address: SocketAddr,
    zone: Zone,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl DnsServer {
    /// Starts one that knows no names.
    ///
    /// # Errors
    /// No port is free for both UDP and TCP.
    pub fn start() -> Result<Self> {
        let (tcp, udp) = (0..20)
            .find_map(|_| {
                let tcp = TcpListener::bind("127.0.0.1:0").ok()?;
                let udp = UdpSocket::bind(tcp.local_addr().ok()?).ok()?;
                Some((tcp, udp))
            })
            .context("no port is free for both UDP and TCP")?;
        let address = tcp.local_addr()?;
        udp.set_read_timeout(Some(LOOK))?;
        let (zone, stop) = (Zone::default(), Arc::new(AtomicBool::new(false)));
        let threads = vec![
            thread::spawn({
                let (zone, stop) = (Arc::clone(&zone), Arc::clone(&stop));
                move || serve_udp(&udp, &zone, &stop)
            }),
            thread::spawn({
                let (zone, stop) = (Arc::clone(&zone), Arc::clone(&stop));
                move || serve_tcp(&tcp, &zone, &stop)
            }),
        ];
        Ok(Self {
            address,
            zone,
            stop,
            threads,
        })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the TXT records of a name.
    ///
    /// # Panics
    /// The server panicked.
    pub fn set_text(&self, name: &str, texts: &[&str]) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        let mut zone = self.zone.lock().expect("nobody panics with the zone");
        zone.insert(name.to_ascii_lowercase(), texts);
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Whoever waits for a connection is woken by one.
        drop(TcpStream::connect(self.address));
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

fn serve_udp(socket: &UdpSocket, zone: &Zone, stop: &AtomicBool) {
    let mut query = [0; MAX_UDP];
    while !stop.load(Ordering::SeqCst) {
        let Ok((length, from)) = socket.recv_from(&mut query) else {
            continue;
        };
        if let Some(mut answer) = answer(&query[..length], zone) {
            if answer.len() > MAX_UDP {
                answer = truncated(&query[..length]);
            }
            drop(socket.send_to(&answer, from));
        }
    }
}

fn serve_tcp(listener: &TcpListener, zone: &Zone, stop: &AtomicBool) {
    for stream in listener.incoming() {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        if let Ok(mut stream) = stream {
            drop(stream.set_read_timeout(Some(Duration::from_secs(5))));
            drop(converse(&mut stream, zone));
        }
    }
}

/// Answers one query, after whose length stands before it (section 4.2.2).
fn converse(stream: &mut TcpStream, zone: &Zone) -> Result<()> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut query)?;
    let answer = answer(&query, zone).context("no query")?;
    stream.write_all(&u16::try_from(answer.len())?.to_be_bytes())?;
    Ok(stream.write_all(&answer)?)
}

/// Where the question of a query ends, its name, and its type.
fn question(query: &[u8]) -> Option<(usize, String, u16)> {
    let (mut at, mut labels) = (12, Vec::new());
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes(query.get(at..at + 2)?.try_into().ok()?);
    Some((at + 4, labels.join("."), kind))
}

/// The head of an answer to `query`, with `flags` (section 4.1.1), and its question.
fn head(query: &[u8], end: usize, flags: u16, answers: u16) -> Option<Vec<u8>> {
    let mut answer = query.get(..2)?.to_vec();
    answer.extend(flags.to_be_bytes());
    answer.extend(1_u16.to_be_bytes());
    answer.extend(answers.to_be_bytes());
    answer.extend([0; 4]);
    answer.extend(query.get(12..end)?);
    Some(answer)
}

fn answer(query: &[u8], zone: &Zone) -> Option<Vec<u8>> {
    let (end, name, kind) = question(query)?;
    let zone = zone.lock().ok()?;
    let Some(texts) = zone.get(&name) else {
        return head(query, end, 0x8583, 0);
    };
    let texts: &[String] = if kind == TXT { texts } else { &[] };
    let mut answer = head(query, end, 0x8580, u16::try_from(texts.len()).ok()?)?;
    for text in texts {
        // The name is where the question has it (section 4.1.4).
        answer.extend([0xc0, 12]);
        answer.extend(TXT.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 1]);
        let mut data = Vec::new();
        for part in text.as_bytes().chunks(255) {
            data.push(u8::try_from(part.len()).ok()?);
            data.extend(part);
        }
        answer.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        answer.extend(data);
    }
    Some(answer)
}

/// Says that the answer is too long for UDP.
fn truncated(query: &[u8]) -> Vec<u8> {
    let end = question(query).map_or(12, |(end, ..)| end);
    head(query, end, 0x8780, 0).unwrap_or_default()
}
