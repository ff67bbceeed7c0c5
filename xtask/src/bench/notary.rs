//! `cargo xtask bench notary`: every read of trust metadata, in one run, against Plimsoll and
//! Debian's `notary-server` with its metadata in memory and nobody asking for tokens. Debian's
//! `notary` publishes the same to both. Servers take turns; the figure is the median.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use testkit::{Cast, PublisherDesk, Server, User};

use super::{
    load::{Connection, Operation, expect, rate},
    peers::{self, Peer},
};
use crate::run::{cache, quietly, say};

const CONNECTIONS: [usize; 3] = [1, 16, 128];
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_millis(1_000);
/// Tags that are signed: some 30 KB of targets.
const TARGETS: usize = 100;

/// A server under load.
struct Side {
    host: String,
    token: String,
    /// What is read, by what it is called in the table.
    reads: Vec<(&'static str, String)>,
}

pub(crate) fn run(binary: &Path) -> Result<()> {
    let dir = cache()?.join("bench-notary");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    fs::create_dir_all(&dir)?;
    let (server, desk, password) = plimsoll(binary, &dir)?;
    let gun = format!("{}/staging/acme/bench", server.host());
    let peer = peers::notary_server(&dir).context("apt-get install notary")?;
    publish(&dir, "ours", server.url(), &gun, desk.token())?;
    publish(&dir, "theirs", &format!("http://{}", peer.host), &gun, "")?;
    let ours = ours(&server, &gun, &password)?;
    let theirs = theirs(&peer, &gun)?;
    say("| what | connections | Plimsoll /s | notary-server /s | ratio |");
    say("|---|--:|--:|--:|--:|");
    for ((name, own), (_, other)) in ours.reads.iter().zip(&theirs.reads) {
        for connections in CONNECTIONS {
            let (mut here, mut there) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                here.push(measure(&ours, own, connections)?);
                there.push(measure(&theirs, other, connections)?);
            }
            let (own, other) = (median(&mut here), median(&mut there));
            say(&format!(
                "| {name} | {connections} | {own:.0} | {other:.0} | {:.2} |",
                own / other
            ));
        }
    }
    drop(server);
    fs::remove_dir_all(&dir)?;
    Ok(())
}

fn plimsoll(binary: &Path, dir: &Path) -> Result<(Server, PublisherDesk, String)> {
    let config = dir.join("plimsoll.toml");
    fs::write(
        &config,
        "[log]\nlevel = \"error\"\n[registry]\ntoken_life = \"12h\"\n",
    )?;
    let config = config.display().to_string();
    let server = Server::start(
        binary,
        &dir.join("data"),
        "127.0.0.1:0",
        &["--config", &config],
    )?;
    let password = server
        .ready
        .operator_password
        .clone()
        .context("a new marketplace")?;
    let cast = Cast::gather(server.url(), &password)?;
    let desk = PublisherDesk::open(&cast, server.host(), "acme", "bench")?;
    let secret = desk.token().to_owned();
    Ok((server, desk, secret))
}

/// Has `notary` sign a hundred tags.
fn publish(dir: &Path, home: &str, url: &str, gun: &str, secret: &str) -> Result<()> {
    let home = dir.join(home);
    let file = dir.join("file");
    fs::write(&file, "content")?;
    let file = file.display().to_string();
    let notary = |args: &[&str]| -> Result<()> {
        let mut client = Command::new("notary");
        client
            .args(["-s", url, "-d"])
            .arg(&home)
            .args(args)
            .stdin(Stdio::null());
        client.env("NOTARY_AUTH", STANDARD.encode(format!("ann:{secret}")));
        for role in ["ROOT", "TARGETS", "SNAPSHOT"] {
            client.env(format!("NOTARY_{role}_PASSPHRASE"), "a long passphrase");
        }
        quietly(&mut client).map(drop)
    };
    notary(&["init", gun])?;
    for number in 0..TARGETS {
        notary(&["add", gun, &format!("v{number}"), &file])?;
    }
    notary(&["publish", gun])
}

fn ours(server: &Server, gun: &str, secret: &str) -> Result<Side> {
    let path = format!(
        "/token?service={}&scope=repository:{gun}:pull",
        server.host()
    );
    let granted = User::with_password(server.url(), "ann", secret).get(&path)?;
    let token = granted["token"].as_str().context("a token")?.to_owned();
    let reads = reads(server.host(), &token, gun)?;
    Ok(Side {
        host: server.host().to_owned(),
        token,
        reads,
    })
}

fn theirs(peer: &Peer, gun: &str) -> Result<Side> {
    let reads = reads(&peer.host, &peer.token, gun)?;
    Ok(Side {
        host: peer.host.clone(),
        token: peer.token.clone(),
        reads,
    })
}

/// Every form of read, as clients have them.
fn reads(host: &str, token: &str, gun: &str) -> Result<Vec<(&'static str, String)>> {
    let mut connection = Connection::open(host, token)?;
    let at = |name: &str| format!("/v2/{gun}/_trust/tuf/{name}.json");
    let mut named = |holder: &str, role: &str| -> Result<String> {
        let answer = connection.fetch("GET", &at(holder), "")?;
        expect(&answer, 200)?;
        let file: Value = serde_json::from_slice(&answer.body)?;
        let hash = file["signed"]["meta"][role]["hashes"]["sha256"].as_str();
        let hash = STANDARD.decode(hash.context("a digest")?)?;
        let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(at(&format!("{role}.{digits}")))
    };
    let mut reads = vec![
        ("snapshot by digest", named("timestamp", "snapshot")?),
        ("targets by digest", named("snapshot", "targets")?),
        ("root by digest", named("snapshot", "root")?),
    ];
    for (name, file) in [
        ("timestamp", "timestamp"),
        ("snapshot", "snapshot"),
        ("targets", "targets"),
        ("root", "root"),
        ("root by number", "1.root"),
    ] {
        reads.push((name, at(file)));
    }
    Ok(reads)
}

fn measure(side: &Side, path: &str, connections: usize) -> Result<f64> {
    let read: Box<Operation<'_>> = Box::new(|connection, _| {
        let answer = connection.send("GET", path, "", &[])?;
        expect(&answer, 200)?;
        ensure!(answer.length > 0, "{path} is empty");
        Ok(())
    });
    rate((&side.host, &side.token), connections, ROUND, &read)
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
