//! Witnesses of the log, over HTTP as they are asked in life: one of the tests', and one that
//! strangers wrote, with their reader of logs.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use testkit::WitnessServer;

use crate::{
    doors::until,
    market::{Market, succeed},
    rotation::Consumer,
    skip,
};

/// A market whose log has witnesses, and a consumer.
struct Watched {
    market: Market,
    consumer: Consumer,
    metrics: String,
}

impl Watched {
    /// Starts it; `witnesses` are keys and addresses.
    fn start(dir: &Path, witnesses: &[(String, String)]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let metrics = free.local_addr().expect("an address").to_string();
        drop(free);
        let witness =
            |(key, url): &(String, String)| format!("{{ key = \"{key}\", url = \"{url}\" }}");
        let witnesses: Vec<_> = witnesses.iter().map(witness).collect();
        let config = format!(
            "[trust]\nwitness_networks = \"127.0.0.1\"\nwitnesses = [{}]\n[metrics]\nlisten = \"{metrics}\"\n",
            witnesses.join(", ")
        );
        let file = dir.join("p.toml");
        fs::write(&file, config).expect("a file");
        let file = file.display().to_string();
        let market = Market::start_with(&dir.join("data"), &["--config", &file]);
        let consumer = Consumer {
            dir: dir.join("consumer"),
            host: market.server.host().to_owned(),
            user: String::new(),
            key: market.public_key(),
        };
        Self {
            market,
            consumer,
            metrics,
        }
    }

    fn get(&self, path: &str) -> String {
        curl(&format!("{}{path}", self.market.server.url()))
    }

    /// Waits until a witness cosigned the head there is now.
    fn cosigned_by(&self, name: &str) -> String {
        until("a cosignature", || {
            let note = self.get("/log/checkpoint");
            note.contains(&format!("— {name} ")).then_some(note)
        })
    }

    fn subscribe(&mut self) {
        self.consumer.user = format!("carl:{}", self.market.subscribe());
    }

    fn verify(&self, tag: &str, more: &[&str], says: &str, code: i32) -> String {
        let (found, said) = self.consumer.verify(tag, more);
        assert_eq!(found, Some(code), "{said}");
        assert!(said.contains(says), "{said}");
        said
    }
}

fn curl(url: &str) -> String {
    succeed(Command::new("curl").args(["--silent", "--fail-with-body", url]))
}

#[test]
fn what_the_log_says_is_seen_by_witnesses() {
    let dir = tempfile::tempdir().expect("a folder");
    let [one, two, stranger] = [("w1.example", 1), ("w2.example/two", 2), ("w3.example", 3)]
        .map(|(name, number)| WitnessServer::start(name, number).expect("a witness"));
    let places = [&one, &two].map(|witness| (witness.key(), witness.url()));
    let mut watched = Watched::start(dir.path(), &places);
    let key = watched.get("/log/key");
    for witness in [&one, &two] {
        witness.trust(key.trim()).expect("a key");
    }
    watched.market.release("1.0");
    watched.subscribe();
    for name in ["w1.example", "w2.example/two"] {
        watched.cosigned_by(name);
    }
    let [first, second, third] = [&one, &two, &stranger].map(WitnessServer::key);
    let (key1, key2) = (["--witness", &first], ["--witness", &second]);
    let both = [key1, key2].concat();
    let all = [&both[..], &["--witness", &third]].concat();
    watched.verify("1.0", &both, "witnessed w1.example, ", 0);
    watched.verify("1.0", &all, "was not seen by w3.example", 4);
    let some = [&all[..], &["--witnesses", "2"]].concat();
    let json = watched.verify("1.0", &[&some[..], &["--format", "json"]].concat(), "", 0);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let seen = json["log"]["witnesses"].as_array().expect("a list");
    assert_eq!(
        (seen.len(), &seen[0]["witness"]),
        (2, &Value::from(first.as_str())),
        "{json}"
    );
    watched.verify(
        "1.0",
        &[&all[..], &["--witnesses", "4"]].concat(),
        "--witnesses says 4, and --witness names 3",
        2,
    );
    let twice = [key1, key1].concat();
    watched.verify("1.0", &twice, "names one key twice", 2);
    let file = dir.path().join("proof.json");
    let file = file.to_str().expect("text");
    watched.verify("1.0", &["--save-proof", file], "log ", 0);
    watched.verify(
        "1.0",
        &[&both[..], &["--proof", file]].concat(),
        "witnessed w1.example, ",
        0,
    );

    // One of them answers nothing good any more.
    two.refuse(Some(503));
    watched.market.release("1.1");
    watched.cosigned_by("w1.example");
    watched.verify("1.1", &key1, "witnessed", 0);
    watched.verify("1.0", &both, "witnessed", 0);
    watched.verify("1.1", &both, "too few witnesses saw what the log says of the image by now: only its first 1 of 2 entries", 4);
    let failing =
        |line: &str| line.contains("plimsoll_log_witness_failures{witness=\"w2.example/two\"} 1");
    let told = until("the alarm", || {
        let metrics = curl(&format!("http://{}/metrics", watched.metrics));
        metrics.lines().any(failing).then_some(metrics)
    });
    let since = "plimsoll_log_witness_cosigned_timestamp_seconds{witness=\"w2.example/two\"} ";
    let since = told
        .lines()
        .find_map(|line| line.strip_prefix(since))
        .expect("a time");
    assert!(since.parse::<f64>().expect("a number") > 1e9, "{since}");
    // A hold is believed at once: no witness is needed for what is bad.
    watched.market.manage("hold");
    watched.verify("1.0", &both, "it is on hold", 5);
    watched.verify("1.0", &all, "it is on hold", 5);
    watched.market.manage("reinstate");
    two.refuse(None);
    watched.cosigned_by("w2.example/two");
    watched.verify("1.1", &both, "witnessed", 0);
    let asked = two.asked();
    assert_eq!(asked.last(), Some(&(1, 4, 200)), "{asked:?}");
    assert!(stranger.asked().is_empty());
}

#[test]
fn a_witness_at_a_private_address_is_not_asked_unless_it_is_allowed() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = WitnessServer::start("w1.example", 1).expect("a witness");
    let config = format!(
        "[trust]\nwitnesses = [{{ key = \"{}\", url = \"{}\" }}]\n",
        one.key(),
        one.url()
    );
    let file = dir.path().join("p.toml");
    fs::write(&file, config).expect("a file");
    let file = file.display().to_string();
    let data = dir.path().join("data");
    let market = Market::start_with(&data, &["--config", &file]);
    let key = curl(&format!("{}/log/key", market.server.url()));
    one.trust(key.trim()).expect("a key");
    market.release("1.0");
    until("the refusal", || {
        let log = fs::read_to_string(data.with_extension("log")).unwrap_or_default();
        log.contains("its host has no public address").then_some(())
    });
    assert!(one.asked().is_empty());
}

/// Ends with what holds it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        self.0.kill().unwrap_or_default();
        self.0.wait().map(drop).unwrap_or_default();
    }
}

/// Returns the folder with PyPI's `aics-witness` and `aics-tlog`.
fn strangers() -> Option<PathBuf> {
    let found = std::env::var_os("PLIMSOLL_LOGS").map(PathBuf::from);
    if found.is_none() {
        skip("PLIMSOLL_LOGS names no folder with aics-witness and aics-tlog");
    }
    found
}

/// An implementation that shares nothing with this one cosigns the log, and reads all of it.
#[test]
fn strangers_cosign_and_read_the_log() {
    let Some(programs) = strangers() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let run = |program: &str, args: &[&str]| {
        let mut command = Command::new(programs.join(program));
        command.current_dir(dir.path()).args(args);
        command
    };
    let name = "witness.example/w";
    let init = [
        "init", "--config", "w.json", "--name", name, "--listen", &address,
    ];
    let key = succeed(&mut run("aics-witness", &init)).trim().to_owned();
    let place = (key.clone(), format!("http://{address}"));
    let mut watched = Watched::start(dir.path(), &[place]);
    let log_key = watched.get("/log/key").trim().to_owned();
    let origin = format!("{}/log", watched.market.server.host());
    let add = [
        "add-log", "--config", "w.json", "--origin", &origin, "--vkey", &log_key,
    ];
    succeed(&mut run("aics-witness", &add));
    let mut serve = run("aics-witness", &["serve", "--config", "w.json"]);
    let serve = serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let _running = Running(serve.expect("it starts"));
    until("the witness", || {
        std::net::TcpStream::connect(&address).ok()
    });

    watched.market.release("1.0");
    watched.subscribe();
    watched.cosigned_by(name);
    watched.verify(
        "1.0",
        &["--witness", &key],
        "witnessed witness.example/w, ",
        0,
    );
    let tiles = format!("{}/log", watched.market.server.url());
    let quorum = [
        "--log-key",
        &log_key,
        "--witness-key",
        &key,
        "--quorum",
        "1",
        "--origin",
        &origin,
    ];
    let read = |verb: &str, more: &[&str]| {
        let args = [
            &[verb, "--tiles", &tiles, "--max-age", "600"],
            &quorum[..],
            more,
        ]
        .concat();
        succeed(&mut run("aics-tlog", &args))
    };
    read("verify-checkpoint", &["--save-checkpoint", "first.note"]);
    // More than a tile, so that what is above the leaves is read as well.
    for _ in 0..130 {
        watched.market.manage("hold");
        watched.market.manage("reinstate");
    }
    watched.market.release("1.1");
    watched.cosigned_by(name);
    read("verify-consistency", &["--old-checkpoint", "first.note"]);
    for index in ["0", "200", "256", "261"] {
        read(
            "verify-inclusion",
            &["--index", index, "--entry-out", "entry.json"],
        );
        let entry = fs::read(dir.path().join("entry.json")).expect("an entry");
        let entry: Value = serde_json::from_slice(&entry).expect("JSON");
        assert_eq!(
            entry["name"],
            format!("{}/acme/harbour", watched.market.server.host())
        );
    }
    watched.verify("1.1", &["--witness", &key], "witnessed", 0);
}
