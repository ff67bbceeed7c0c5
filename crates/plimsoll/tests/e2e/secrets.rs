//! No private key, nor what opens one, is in a log, in an answer, in what the command line says,
//! or in a copy of the database: all that a market does is done, errors are provoked, and then
//! everything is searched.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use trust::SigningKey;

use crate::{
    doors::{connect, rest},
    market::{Market, run, serve_with, succeed},
};

/// What must be nowhere: what it is, and the bytes.
struct Secrets(Vec<(String, Vec<u8>)>);

impl Secrets {
    fn words(&mut self, what: &str, word: &str) {
        assert!(word.len() >= 16, "{what} is too short to be found");
        self.0.push((what.to_owned(), word.as_bytes().to_vec()));
    }

    /// A key, in every form in which somebody might write it.
    fn key(&mut self, what: &str, key: &SigningKey) {
        let pem = key.to_pem();
        let lines = pem.lines().filter(|line| !line.starts_with("-----"));
        let base64: String = lines.collect();
        let der = STANDARD.decode(&base64).expect("PEM is base64");
        // RFC 5915: an octet string of 32 bytes.
        let place = der.windows(2).position(|two| two == [4, 32]);
        let place = place.expect("PKCS#8 of P-256 has the number in it") + 2;
        let scalar: [u8; 32] = der[place..place + 32].try_into().expect("32 bytes");
        let same = SigningKey::from_scalar(&scalar).expect("a scalar");
        assert_eq!(same.public(), key.public(), "{what}: the scalar was found");
        let hex: String = scalar.iter().map(|byte| format!("{byte:02x}")).collect();
        let list = format!("{scalar:?}");
        let list = list.trim_matches(['[', ']']);
        // The line's last character may share bits with what follows.
        for text in [
            &base64[..base64.len().min(64)],
            &hex,
            &hex.to_uppercase(),
            list,
            &STANDARD_NO_PAD.encode(scalar)[..42],
            &URL_SAFE_NO_PAD.encode(scalar)[..42],
        ] {
            self.0.push((what.to_owned(), text.as_bytes().to_vec()));
        }
        self.0.push((what.to_owned(), scalar.to_vec()));
    }

    /// Every private key of a data folder, and the passphrase.
    fn folder(&mut self, when: &str, data: &Path) -> usize {
        let passphrase = passphrase(data);
        self.words("the passphrase", &passphrase);
        let mut found = 0;
        for entry in fs::read_dir(data.join("keys")).expect("a folder") {
            let path = entry.expect("a file").path();
            let text = fs::read_to_string(&path).unwrap_or_default();
            if text.contains("PRIVATE KEY") {
                let key = SigningKey::from_pem(&text, Some(&passphrase)).expect("a key");
                self.key(&format!("{} {when}", path.display()), &key);
                found += 1;
            }
        }
        found
    }

    #[track_caller]
    fn are_not_in(&self, place: &str, bytes: &[u8]) {
        assert!(!bytes.is_empty(), "{place} has something in it");
        for (what, secret) in &self.0 {
            assert!(!contains(bytes, secret), "{what} is in {place}");
        }
        let text = String::from_utf8_lossy(bytes);
        for begin in text.split("-----BEGIN ").skip(1) {
            let label = begin.split("-----").next().unwrap_or_default();
            assert!(!label.ends_with("PRIVATE KEY"), "{label} is in {place}");
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    let first = part[0];
    bytes
        .iter()
        .enumerate()
        .any(|(at, byte)| *byte == first && bytes[at..].starts_with(part))
}

fn passphrase(data: &Path) -> String {
    let file = fs::read_to_string(data.with_added_extension("passphrase"));
    let line = file.expect("a passphrase");
    line.lines().next().expect("a line").to_owned()
}

/// Sends a request; gives the whole answer.
fn ask(market: &Market, head: &str, body: &str) -> String {
    let mut stream = connect(market.server.host());
    let basic = STANDARD.encode(format!("ann:{}", market.desk.token()));
    let request = format!(
        "{head} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {basic}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("a request");
    rest(&mut stream)
}

/// Publishers send the wrong half of a key, and other things that are refused.
fn provoke(market: &Market, own: &SigningKey) -> String {
    let keys = "/api/v1/publishers/acme/keys";
    let wrong = json!({ "name": "wrong", "pem": own.to_pem() }).to_string();
    let sealed = own.to_encrypted_pem("word").expect("random bytes");
    let sealed = json!({ "name": "sealed", "pem": sealed }).to_string();
    let shape = json!({ "name": 1, "pem": own.to_pem() }).to_string();
    let host = market.server.host();
    let gun = format!("/v2/{host}/staging/acme/harbour/_trust/tuf");
    let calls = [
        (format!("POST {keys}"), wrong.as_str()),
        (format!("POST {keys}"), &sealed),
        (format!("POST {keys}"), &shape),
        (format!("POST {keys}"), &wrong[..wrong.len() - 9]),
        (format!("POST {keys}/none/proof"), &wrong),
        (
            "PUT /v2/staging/acme/harbour/manifests/k".to_owned(),
            &wrong,
        ),
        (format!("POST {gun}/"), &wrong),
        (format!("GET {gun}/root.key"), ""),
        (format!("GET {gun}/root.json"), ""),
        ("GET /keys/release.key".to_owned(), ""),
        ("GET /.well-known/plimsoll/release.key".to_owned(), ""),
        (
            "GET /.well-known/plimsoll/%2e%2e/keys/root.key".to_owned(),
            "",
        ),
    ];
    let mut answers = String::new();
    for (head, body) in calls {
        let answer = ask(market, &head, body);
        assert!(answer.starts_with("HTTP/1.1 4"), "{head}: {answer}");
        answers.push_str(&answer);
    }
    answers
}

/// Has the server make keys for the trust metadata of a staging repository.
fn trust_keys(market: &Market) -> String {
    let gun = format!("{}/staging/acme/harbour", market.server.host());
    let scope = format!("repository:{gun}:*");
    let token = ask(market, &format!("GET /token?scope={scope}"), "");
    let body = token.split("\r\n\r\n").nth(1).unwrap_or_default();
    let start = body.find('{').expect("an answer");
    let end = body.rfind('}').expect("an answer");
    let token: Value = serde_json::from_str(&body[start..=end]).expect("JSON");
    let token = token["token"].as_str().unwrap_or_else(|| panic!("{body}"));
    let mut answers = String::new();
    for role in ["timestamp", "snapshot"] {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--oauth2-bearer", token]);
        curl.arg(format!(
            "{}/v2/{gun}/_trust/tuf/{role}.key",
            market.server.url()
        ));
        answers += &succeed(&mut curl);
    }
    answers
}

/// Copies the database as the operator's guide has it, beside the running server.
fn copy_database(market: &Market) -> PathBuf {
    let copy = market.dir.path().join("copy.db");
    let mut python = Command::new("python3");
    python.args([
        "-c",
        "import sqlite3,sys\na=sqlite3.connect(sys.argv[1])\nb=sqlite3.connect(sys.argv[2])\na.backup(b)\nb.close()",
    ]);
    let database = market.server.data().join("plimsoll.db");
    succeed(python.arg(database).arg(&copy));
    copy
}

#[test]
fn private_keys_and_passphrases_are_nowhere_else() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let data = place.path().join("data");
    let arguments = ["--log-level", "trace"];
    let mut market = Market::start_with(&data, &arguments);
    let mut secrets = Secrets(Vec::new());
    let made = secrets.folder("as made", &data);
    assert!(made >= 3, "{made} keys were made");
    let own = SigningKey::from_scalar(&[91; 32]).expect("a small number is a scalar");
    secrets.key("a publisher's own key", &own);

    market.release("1.0");
    let mut said = provoke(&market, &own);
    said += &trust_keys(&market);
    let program = |args: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        program.args(args).arg("--data").arg(&data);
        program
    };
    // The secret lies in the database from now on, sealed.
    said += &succeed(&mut program(&["keys", "rotate-trust"]));
    said += &succeed(&mut program(&["keys", "rotate-tokens"]));
    said += &succeed(&mut program(&["keys", "list"]));
    secrets.folder("as replaced", &data);
    market.release("1.1");
    secrets.are_not_in("the log", &log(&data));
    let copy = fs::read(copy_database(&market)).expect("a copy");
    secrets.are_not_in("a copy of the database", &copy);

    // Started with a passphrase that does not fit, with none, and with a key that is broken.
    market.server.kill().expect("it ends");
    let file = data.with_added_extension("passphrase");
    let right = fs::read_to_string(&file).expect("a passphrase");
    let release = data.join("keys/release.key");
    let key = fs::read_to_string(&release).expect("a key");
    fs::write(&file, "another passphrase, which does not fit\n").expect("written");
    said += &refused(program(&["serve"]));
    fs::write(&file, &right).expect("as it was");
    let aside = place.path().join("aside");
    fs::rename(&file, &aside).expect("put aside");
    said += &refused(program(&["serve"]));
    fs::rename(&aside, &file).expect("put back");
    fs::write(&release, &key[..key.len() / 2]).expect("broken");
    said += &refused(program(&["serve"]));
    fs::write(&release, &key).expect("as it was");
    market.server = serve_with(&data, &arguments);
    secrets.are_not_in("the log of another start", &log(&data));
    secrets.are_not_in("what was said", said.as_bytes());
    for name in ["plimsoll.db", "plimsoll.db-wal"] {
        let bytes = fs::read(data.join(name)).unwrap_or_default();
        if !bytes.is_empty() {
            secrets.are_not_in(name, &bytes);
        }
    }
}

fn log(data: &Path) -> Vec<u8> {
    fs::read(data.with_extension("log")).expect("a log")
}

#[track_caller]
fn refused(mut command: Command) -> String {
    let output = run(command.args(["--listen", "127.0.0.1:0"]));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!output.status.success(), "{said}");
    said
}
