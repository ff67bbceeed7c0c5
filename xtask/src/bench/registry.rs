//! `cargo xtask bench registry`: the same load, in one run, against Plimsoll, Debian's
//! `docker-registry`, and for reads nginx with the same bytes as files. Servers take turns
//! in every line; the figure is the median of the rounds.

mod gibibyte;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use oci::{Algorithm, Digest, Digester};
use serde_json::json;
use testkit::{Cast, PublisherDesk, Server};

use super::{
    load::{Connection, Operation, expect, rate},
    peak_megabytes,
    peers::{self, Peer},
};
use crate::run::{cache, say};

const REPOSITORY: &str = "staging/acme/bench";
/// With so many tags that a list that reads them all would show.
const MANY: &str = "staging/acme/many";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONNECTIONS: [usize; 3] = [1, 16, 128];
const ROUNDS: usize = 3;
/// A round is this long, or one operation on each connection.
const ROUND: Duration = Duration::from_millis(1_000);
/// Above so many bytes in a round, one round must do.
const HEAVY: u64 = 2 << 30;
const TAGS: u64 = 10_000;
const MANY_TAGS: u64 = 100_000;
const REFERRERS: usize = 1_000;

/// What is measured.
struct Line<'a> {
    name: String,
    /// Bytes that one operation moves.
    bytes: u64,
    ours: Box<Operation<'a>>,
    theirs: Option<Box<Operation<'a>>>,
    files: Option<Box<Operation<'a>>>,
}

/// The servers.
struct Rig {
    server: Server,
    token: String,
    theirs: Peer,
    files: Peer,
}

/// Content that is in both registries and in nginx's folder.
struct Content {
    blobs: Vec<(&'static str, u64, Digest)>,
    layer: Digest,
    manifest: Digest,
}

pub(crate) fn run(binary: &Path, only: Option<&str>, connections: Option<usize>) -> Result<()> {
    let dir = fresh_folder()?;
    let rig = start(binary, &dir)?;
    let content = fill(&rig, &dir)?;
    say("| what | connections | Plimsoll /s | docker-registry /s | ratio | nginx /s | ratio |");
    say("|---|--:|--:|--:|--:|--:|--:|");
    for line in lines(&content) {
        if only.is_some_and(|only| !line.name.contains(only)) {
            continue;
        }
        let wanted = |count: &usize| connections.is_none_or(|wanted| wanted == *count);
        for connections in CONNECTIONS.into_iter().filter(wanted) {
            measure(&rig, &line, connections)?;
        }
    }
    say(&format!(
        "peak memory under this load: Plimsoll {:.0} MB, docker-registry {:.0} MB resident",
        peak_megabytes(rig.server.pid())?,
        peak_megabytes(rig.theirs.pid())?
    ));
    drop(rig);
    gibibyte::run(binary, &dir)?;
    fs::remove_dir_all(&dir)?;
    Ok(())
}

fn fresh_folder() -> Result<PathBuf> {
    let dir = cache()?.join("bench-registry");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    fs::create_dir_all(dir.join("peer"))?;
    fs::create_dir_all(dir.join("files"))?;
    Ok(dir)
}

fn start(binary: &Path, dir: &Path) -> Result<Rig> {
    let (server, token) = plimsoll(binary, dir, "data")?;
    Ok(Rig {
        server,
        token,
        theirs: peers::docker_registry(&dir.join("peer"), REPOSITORY)
            .context("apt-get install docker-registry")?,
        files: peers::nginx(dir, &dir.join("files")).context("apt-get install nginx-light")?,
    })
}

/// Starts a marketplace with a publisher; gives it and a token for the publisher's staging.
fn plimsoll(binary: &Path, dir: &Path, data: &str) -> Result<(Server, String)> {
    let config = dir.join("plimsoll.toml");
    fs::write(
        &config,
        "[log]\nlevel = \"error\"\n[registry]\ntoken_life = \"12h\"\n",
    )?;
    let config = config.display().to_string();
    let server = Server::start(
        binary,
        &dir.join(data),
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
    let scope = |name| format!("scope=repository:{name}:pull,push,delete");
    let scopes = format!("{}&{}", scope(REPOSITORY), scope(MANY));
    let path = format!("/token?service={}&{scopes}", server.host());
    let granted = testkit::User::with_password(server.url(), "ann", desk.token()).get(&path)?;
    let token = granted["token"].as_str().context("a token")?.to_owned();
    Ok((server, token))
}

/// Bytes that no other call gives, the same for the same number.
struct Unique {
    body: Vec<u8>,
    begun: Digester,
}

impl Unique {
    fn new(size: usize) -> Self {
        let mut word = 0x9e37_79b9_u32;
        let body: Vec<u8> = std::iter::repeat_with(|| {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            word.to_le_bytes()
        })
        .flatten()
        .take(size - 8)
        .collect();
        let mut begun = Digester::new(Algorithm::Sha256);
        begun.update(&body);
        Self { body, begun }
    }

    fn push(&self, connection: &mut Connection, number: u64) -> Result<Digest> {
        let last = number.to_le_bytes();
        let mut digester = self.begun.clone();
        digester.update(&last);
        let digest = digester.finish();
        push(connection, &digest, &[&self.body, &last])?;
        Ok(digest)
    }
}

/// Pushes a blob as Docker does: POST, PATCH, PUT.
fn push(connection: &mut Connection, digest: &Digest, body: &[&[u8]]) -> Result<()> {
    let begun = connection.send("POST", &format!("/v2/{REPOSITORY}/blobs/uploads/"), "", &[])?;
    expect(&begun, 202)?;
    let kind = "Content-Type: application/octet-stream\r\n";
    let sent = connection.send("PATCH", &begun.location, kind, body)?;
    expect(&sent, 202)?;
    let and = if sent.location.contains('?') {
        '&'
    } else {
        '?'
    };
    let end = format!("{}{and}digest={digest}", sent.location);
    expect(&connection.send("PUT", &end, "", &[])?, 201)
}

fn put_manifest(connection: &mut Connection, place: &str, kind: &str, body: &str) -> Result<()> {
    let path = format!("/v2/{REPOSITORY}/manifests/{place}");
    let kind = format!("Content-Type: {kind}\r\n");
    expect(
        &connection.send("PUT", &path, &kind, &[body.as_bytes()])?,
        201,
    )
}

fn manifest(layer: &Digest, size: u64, note: &str) -> String {
    json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": layer, "size": size },
        "layers": [{ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": size }],
        "annotations": { "note": note },
    })
    .to_string()
}

const SMALL: u64 = 1_000;

fn fill(rig: &Rig, dir: &Path) -> Result<Content> {
    let mut ours = Connection::open(rig.server.host(), &rig.token)?;
    let mut theirs = Connection::open(&rig.theirs.host, &rig.theirs.token)?;
    let mut blobs = Vec::new();
    for (name, size) in [
        ("16 KiB", 16 << 10),
        ("1 MiB", 1 << 20),
        ("32 MiB", 32 << 20),
        ("256 MiB", 256 << 20),
    ] {
        let unique = Unique::new(size);
        let digest = unique.push(&mut ours, 0)?;
        unique.push(&mut theirs, 0)?;
        let file = [&unique.body[..], &0_u64.to_le_bytes()].concat();
        fs::write(dir.join("files").join(digest.hex()), file)?;
        let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
        for connection in [&mut ours, &mut theirs] {
            let found = connection.fetch("GET", &path, "")?;
            ensure!(
                Digest::of(&found.body) == digest,
                "a blob came back changed"
            );
        }
        blobs.push((name, size as u64, digest));
    }
    let layer = Unique::new(usize::try_from(SMALL)?).push(&mut ours, 1)?;
    Unique::new(usize::try_from(SMALL)?).push(&mut theirs, 1)?;
    let body = manifest(&layer, SMALL, "first");
    let digest = Digest::of(body.as_bytes());
    for connection in [&mut ours, &mut theirs] {
        put_manifest(connection, "latest", MANIFEST, &body)?;
    }
    let mount = format!("/v2/{MANY}/blobs/uploads/?mount={layer}&from={REPOSITORY}");
    expect(&ours.send("POST", &mount, "", &[])?, 201)?;
    tags(rig, &mut ours, &body)?;
    referrers(&mut ours, &mut theirs, &layer, &digest)?;
    Ok(Content {
        blobs,
        layer,
        manifest: digest,
    })
}

/// 10,000 tags in the repository on both sides, 100,000 in another of ours.
fn tags(rig: &Rig, ours: &mut Connection, body: &str) -> Result<()> {
    let digest = Digest::of(body.as_bytes());
    let kind = format!("Content-Type: {MANIFEST}\r\n");
    let mut set = |repository: &str, from: u64, to: u64| -> Result<()> {
        for start in (from..to).step_by(50) {
            let tags: Vec<_> = (start..start + 50)
                .map(|tag| format!("tag=t{tag:06}"))
                .collect();
            let path = format!("/v2/{repository}/manifests/{digest}?{}", tags.join("&"));
            expect(&ours.send("PUT", &path, &kind, &[body.as_bytes()])?, 201)?;
        }
        Ok(())
    };
    set(REPOSITORY, 0, TAGS)?;
    set(MANY, 0, MANY_TAGS)?;
    // docker-registry has no fast way, but its tags are files.
    let root = rig
        .server
        .data()
        .with_file_name("peer")
        .join("root/docker/registry/v2/repositories");
    let place = root.join(REPOSITORY).join("_manifests/tags");
    for tag in 0..TAGS {
        let tag = place.join(format!("t{tag:06}"));
        fs::create_dir_all(tag.join("current"))?;
        fs::write(tag.join("current/link"), digest.as_str())?;
    }
    Ok(())
}

/// A thousand signatures: as referrers on our side, as the fall-back's index on the other.
fn referrers(
    ours: &mut Connection,
    theirs: &mut Connection,
    layer: &Digest,
    subject: &Digest,
) -> Result<()> {
    let mut entries = Vec::new();
    for number in 0..REFERRERS {
        let body = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.bench",
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": layer, "size": SMALL },
            "layers": [], "subject": { "mediaType": MANIFEST, "digest": subject, "size": 1 },
            "annotations": { "number": number.to_string() },
        })
        .to_string();
        let digest = Digest::of(body.as_bytes());
        put_manifest(ours, digest.as_str(), MANIFEST, &body)?;
        put_manifest(theirs, digest.as_str(), MANIFEST, &body)?;
        entries.push(json!({
            "mediaType": MANIFEST, "digest": digest, "size": body.len(),
            "artifactType": "application/vnd.bench", "annotations": { "number": number.to_string() },
        }));
    }
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }).to_string();
    put_manifest(theirs, &subject.as_str().replace(':', "-"), INDEX, &index)
}

fn get(
    method: &'static str,
    path: String,
    more: &'static str,
    least: u64,
) -> Box<Operation<'static>> {
    Box::new(move |connection, _| {
        let answer = connection.send(method, &path, more, &[])?;
        expect(&answer, 200)?;
        ensure!(answer.length >= least, "{path}: {} bytes", answer.length);
        Ok(())
    })
}

fn lines(content: &Content) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let accept = "Accept: application/vnd.oci.image.manifest.v1+json\r\n";
    for (method, what) in [
        ("GET", "tag"),
        ("GET", "digest"),
        ("HEAD", "tag"),
        ("HEAD", "digest"),
    ] {
        let place = if what == "tag" {
            "latest"
        } else {
            content.manifest.as_str()
        };
        let path = format!("/v2/{REPOSITORY}/manifests/{place}");
        lines.push(both(format!("manifest {method} by {what}"), 0, || {
            get(method, path.clone(), accept, 0)
        }));
    }
    for (name, size, digest) in &content.blobs {
        let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
        let mut line = both(format!("blob GET {name}"), *size, || {
            get("GET", path.clone(), "", *size)
        });
        line.files = Some(get("GET", format!("/{}", digest.hex()), "", *size));
        lines.push(line);
    }
    for (name, size) in [
        ("16 KiB", 16 << 10),
        ("4 MiB", 4 << 20),
        ("64 MiB", 64 << 20),
    ] {
        let unique = std::sync::Arc::new(Unique::new(size));
        lines.push(both(format!("blob push {name}"), size as u64, || {
            let unique = std::sync::Arc::clone(&unique);
            Box::new(move |connection, number| unique.push(connection, number).map(drop))
        }));
    }
    lines.extend(metadata(content));
    lines
}

/// Manifests, tags and referrers.
fn metadata(content: &Content) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    lines.push(both("manifest PUT".to_owned(), 0, || {
        Box::new(|connection, number| {
            let body = manifest(&content.layer, SMALL, &number.to_string());
            put_manifest(connection, &format!("put{number}"), MANIFEST, &body)
        })
    }));
    let all = format!("/v2/{REPOSITORY}/tags/list");
    lines.push(Line {
        ours: get("GET", format!("{all}?n={TAGS}"), "", TAGS * 10),
        ..both("tag list of 10,000".to_owned(), 0, || {
            get("GET", all.clone(), "", TAGS * 10)
        })
    });
    for (name, of) in [(REPOSITORY, "10,000"), (MANY, "100,000")] {
        lines.push(Line {
            theirs: None,
            ..both(format!("tags, 1,000 of {of}"), 0, || {
                get("GET", format!("/v2/{name}/tags/list?n=1000"), "", 10_000)
            })
        });
    }
    let subject = &content.manifest;
    let tag = subject.as_str().replace(':', "-");
    let fallback = format!("/v2/{REPOSITORY}/manifests/{tag}");
    lines.push(Line {
        ours: get(
            "GET",
            format!("/v2/{REPOSITORY}/referrers/{subject}"),
            "",
            100_000,
        ),
        ..both(
            "referrers of 1,000 (there: tag index)".to_owned(),
            0,
            || {
                get(
                    "GET",
                    fallback.clone(),
                    "Accept: application/vnd.oci.image.index.v1+json\r\n",
                    100_000,
                )
            },
        )
    });
    lines
}

/// A line that does the same on both registries.
fn both<'a>(name: String, bytes: u64, make: impl Fn() -> Box<Operation<'a>>) -> Line<'a> {
    Line {
        name,
        bytes,
        ours: make(),
        theirs: Some(make()),
        files: None,
    }
}

fn measure(rig: &Rig, line: &Line<'_>, connections: usize) -> Result<()> {
    let rounds = if line.bytes * connections as u64 > HEAVY {
        1
    } else {
        ROUNDS
    };
    let (mut ours, mut theirs, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(rate(
            (rig.server.host(), &rig.token),
            connections,
            ROUND,
            &line.ours,
        )?);
        if let Some(operation) = &line.theirs {
            theirs.push(rate(
                (&rig.theirs.host, &rig.theirs.token),
                connections,
                ROUND,
                operation,
            )?);
        }
        if let Some(operation) = &line.files {
            files.push(rate((&rig.files.host, ""), connections, ROUND, operation)?);
        }
    }
    let own = median(&mut ours);
    let beside = |rates: &mut Vec<f64>| match rates.as_slice() {
        [] => "| | ".to_owned(),
        _ => {
            let rate = median(rates);
            format!("| {} | {:.2} ", figure(rate), own / rate)
        }
    };
    say(&format!(
        "| {} | {connections} | {} {}{}|",
        line.name,
        figure(own),
        beside(&mut theirs),
        beside(&mut files)
    ));
    Ok(())
}

fn figure(rate: f64) -> String {
    if rate < 100.0 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.0}")
    }
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
