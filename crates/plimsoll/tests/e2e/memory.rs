//! Memory does not grow with blobs, nor much with how many come at once.
//!
//! `PLIMSOLL_LARGE_BLOB_MIB=1024` pushes and pulls a gibibyte.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    thread,
};

use oci::{Algorithm, Digest, Digester};

use crate::{http::Registry, market::Market};

const REPOSITORY: &str = "staging/acme/large";
const MIB: usize = 1 << 20;
/// What a blob of any size may take beside what the server has at rest, in kB.
const LARGE: u64 = 24_000;
/// What 32 pushes and pulls at once may take.
const MANY: u64 = 100_000;

/// A mebibyte that no other place of a blob has.
fn piece(number: usize) -> Vec<u8> {
    let word = |at: usize| (((number << 20) | at) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..MIB / 8).flat_map(|at| word(at).to_le_bytes()).collect()
}

fn digest(first: usize, mib: usize) -> Digest {
    let mut digester = Digester::new(Algorithm::Sha256);
    (first..first + mib).for_each(|number| digester.update(&piece(number)));
    digester.finish()
}

fn connect(market: &Market, registry: &Registry, call: &str, length: usize) -> TcpStream {
    let host = market.server.host();
    let mut stream = TcpStream::connect(host).expect("a connection");
    let token = registry.token();
    let head = format!(
        "{call} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream
}

/// Reads the answer's head; leaves the body.
fn answer(stream: TcpStream) -> (String, BufReader<TcpStream>) {
    let (mut head, mut reader) = (String::new(), BufReader::with_capacity(MIB, stream));
    while !head.ends_with("\r\n\r\n") {
        let read = reader.read_line(&mut head).expect("an answer");
        assert!(read > 0, "the answer ends early: {head}");
    }
    (head, reader)
}

fn push(market: &Market, registry: &Registry, first: usize, mib: usize) -> Digest {
    let digest = digest(first, mib);
    let call = format!("POST /v2/{REPOSITORY}/blobs/uploads/?digest={digest}");
    let mut stream = connect(market, registry, &call, mib * MIB);
    for number in first..first + mib {
        stream.write_all(&piece(number)).expect("sent");
    }
    let (head, _) = answer(stream);
    assert!(head.starts_with("HTTP/1.1 201"), "{head}");
    digest
}

fn pull(market: &Market, registry: &Registry, digest: &Digest) {
    let call = format!("GET /v2/{REPOSITORY}/blobs/{digest}");
    let (head, mut body) = answer(connect(market, registry, &call, 0));
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let (mut digester, mut buffer) = (Digester::new(Algorithm::Sha256), vec![0; MIB]);
    loop {
        match body.read(&mut buffer).expect("the body") {
            0 => break,
            read => digester.update(&buffer[..read]),
        }
    }
    assert_eq!(digester.finish(), *digest);
}

/// Returns the most memory the server has had at once, kB.
fn peak(market: &Market) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", market.server.pid()));
    let status = status.expect("a running server");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how large a blob is to be")]
fn memory_does_not_grow_with_blobs() {
    let mib = std::env::var("PLIMSOLL_LARGE_BLOB_MIB").ok();
    let mib = mib.and_then(|mib| mib.parse().ok()).unwrap_or(256);
    let market = Market::start();
    let password = market.desk.token().to_owned();
    let repositories = [REPOSITORY.to_owned()];
    let registry = Registry::sign_in(market.server.url(), ("ann", &password), &repositories);
    let registry = registry.expect("a token");
    let before = peak(&market);
    let large = push(&market, &registry, 0, mib);
    pull(&market, &registry, &large);
    let with_large = peak(&market);
    thread::scope(|scope| {
        for number in 0..32 {
            let (market, registry) = (&market, &registry);
            scope.spawn(move || {
                let digest = push(market, registry, 10_000 + number * 4, 4);
                pull(market, registry, &digest);
            });
        }
    });
    let with_many = peak(&market);
    eprintln!("peak: {before} kB, with {mib} MiB {with_large} kB, with 32 at once {with_many} kB");
    assert!(with_large < before + LARGE, "{before} kB, {with_large} kB");
    assert!(with_many < before + MANY, "{before} kB, {with_many} kB");
}
