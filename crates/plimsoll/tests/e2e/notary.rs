//! Debian's `notary` against the server and against Debian's `notary-server`: the same
//! commands, the same words, the same metadata.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oci::{Client, ClientOptions, Credentials};
use serde_json::{Value, json};
use testkit::Server;

use crate::{
    market::{Market, succeed},
    openssl,
    reference::Reference,
    skip,
};

/// A trust server and what is needed to speak to it.
pub(crate) struct Side {
    url: String,
    /// Sent with reads of metadata; empty where nobody asks for it.
    authorization: String,
    /// Where the client keeps its keys.
    pub(crate) home: PathBuf,
    credentials: String,
}

impl Side {
    /// Somebody who reads what is released.
    pub(crate) fn reader(market: &Market) -> Self {
        Self {
            url: market.server.url().to_owned(),
            authorization: String::new(),
            home: market.dir.path().join("reader"),
            credentials: String::new(),
        }
    }

    /// Ann, with a token that reads what is signed in `gun`.
    fn publisher(market: &Market, gun: &str) -> Self {
        let mut side = Self {
            url: market.server.url().to_owned(),
            authorization: String::new(),
            home: market.dir.path().join("ours"),
            credentials: format!("ann:{}", market.desk.token()),
        };
        let token = Command::new("curl")
            .args(["--silent", "--globoff", "--user", &side.credentials])
            .arg(format!("{}/token?scope=repository:{gun}:pull", side.url))
            .output();
        let token: Value = serde_json::from_slice(&token.expect("curl runs").stdout).expect("JSON");
        let token = token["token"].as_str().expect("a token");
        side.authorization = format!("Authorization: Bearer {token}");
        side
    }

    /// Runs `notary` and returns how it ended and what it said, without what differs each time.
    pub(crate) fn notary(&self, args: &[&str], says: &str) -> (bool, String) {
        let mut client = Command::new("notary");
        client
            .args(["-s", &self.url, "-d"])
            .arg(&self.home)
            .args(args)
            .env("HOME", &self.home)
            .env("NOTARY_AUTH", STANDARD.encode(&self.credentials))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for role in ["ROOT", "TARGETS", "SNAPSHOT", "DELEGATION"] {
            client.env(format!("NOTARY_{role}_PASSPHRASE"), "a long passphrase");
        }
        let mut child = client.spawn().expect("notary starts");
        use std::io::Write as _;
        let mut input = child.stdin.take().expect("it was asked for");
        // Some commands read nothing.
        input.write_all(says.as_bytes()).unwrap_or_default();
        drop(input);
        let output = child.wait_with_output().expect("notary ends");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said)
            .replace(&self.url, "URL")
            .replace(&self.home.display().to_string(), "HOME");
        (output.status.success(), without_names(&said))
    }

    fn curl(&self, path: &str) -> String {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--globoff"]);
        if !self.authorization.is_empty() {
            curl.args(["--header", &self.authorization]);
        }
        let output = curl.arg(format!("{}{path}", self.url)).output();
        String::from_utf8_lossy(&output.expect("curl runs").stdout).into_owned()
    }

    fn signed(&self, gun: &str, role: &str) -> Value {
        let text = self.curl(&format!("/v2/{gun}/_trust/tuf/{role}.json"));
        serde_json::from_str::<Value>(&text).expect("JSON")["signed"].take()
    }

    /// Of which kind the keys are that the root names for some roles.
    fn kinds(&self, gun: &str, roles: &[&str]) -> Vec<Value> {
        let root = self.signed(gun, "root");
        let ids = roles.iter().flat_map(|role| {
            let ids = root["roles"][role]["keyids"].as_array();
            ids.into_iter().flatten().filter_map(Value::as_str)
        });
        ids.map(|id| root["keys"][id]["keytype"].clone()).collect()
    }

    /// What the metadata says, without names of keys, digests and times.
    fn metadata(&self, gun: &str) -> Value {
        let get = |role: &str| self.signed(gun, role);
        let snapshot = get("snapshot");
        let Some(roles) = snapshot["meta"].as_object() else {
            return Value::Null;
        };
        let mut all =
            json!({ "snapshot": snapshot["version"], "timestamp": get("timestamp")["version"] });
        for role in roles.keys() {
            let file = get(role);
            let delegations = file["delegations"]["roles"]
                .as_array()
                .into_iter()
                .flatten();
            let delegations: Vec<_> = delegations
                .map(|one| {
                    json!([
                        one["name"],
                        one["paths"],
                        one["threshold"],
                        one["keyids"].as_array().map(Vec::len)
                    ])
                })
                .collect();
            let signers = file["roles"].as_object().into_iter().flatten();
            let signers: Vec<_> = signers
                .map(|(name, role)| {
                    json!([
                        name,
                        role["threshold"],
                        role["keyids"].as_array().map(Vec::len)
                    ])
                })
                .collect();
            all[role] = json!({
                "version": file["version"],
                "targets": file["targets"],
                "delegations": delegations,
                "signers": signers,
            });
        }
        all
    }
}

/// Puts `…` for what is made anew each time: long hexadecimal names; and leaves the time out.
fn without_names(text: &str) -> String {
    let mut clean = String::new();
    let timeless: String = text
        .split_inclusive('\n')
        .map(|line| match line.strip_prefix("time=\"") {
            Some(rest) => rest.split_once('"').map_or(rest, |(_, rest)| rest),
            None => line,
        })
        .collect();
    for word in timeless.split_inclusive(|c: char| !c.is_ascii_hexdigit()) {
        let digits = word.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
        match digits.len() {
            7 | 32.. => clean.push_str(&word.replace(digits, "…")),
            _ => clean.push_str(word),
        }
    }
    clean
}

/// A key and its certificate for a delegation.
fn delegate(dir: &Path) -> Option<()> {
    let request = "req -x509 -newkey rsa:2048 -nodes -keyout d.key -out d.crt -days 30 -subj /CN=delegate -sha256";
    openssl(dir, request)
}

/// The commands of a publisher's life; `GUN` is the repository, files are in the folder.
const LIFE: &[&str] = &[
    "init GUN",
    "publish GUN",
    "status GUN",
    "add GUN v1 FILE",
    "add GUN v2 FILE",
    "status GUN",
    "publish GUN",
    "addhash GUN v3 12 --sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 -p",
    "delegation add GUN targets/releases CERT --all-paths -p",
    "delegation add GUN targets/releases/deep CERT --paths a/ --paths b/ -p",
    "key import KEY --role targets/releases",
    "add GUN v4 FILE --roles targets/releases -p",
    "add GUN a/v5 FILE --roles targets/releases/deep -p",
    "witness GUN targets/releases -p",
    "key rotate GUN snapshot -r",
    "add GUN v6 FILE -p",
    "key rotate GUN timestamp -r",
    "key rotate GUN targets",
    "key rotate GUN root",
    "add GUN v7 FILE -p",
    "key rotate GUN snapshot",
    "add GUN v8 FILE -p",
    "remove GUN v1 -p",
    "delegation remove GUN targets/releases/deep -y -p",
    "delegation remove GUN targets/releases -y -p",
    "key rotate GUN root",
    "publish GUN",
    "delete GUN --remote",
    "publish GUN",
];

#[test]
fn notary_does_the_same_as_with_the_reference() {
    does_the_same(Reference::start, &[]);
}

/// Keys that a server holds are of the same kind there as here, so they are compared, too.
#[test]
fn notary_does_the_same_as_with_the_reference_and_its_signer() {
    does_the_same(Reference::with_signer, &["snapshot", "timestamp"]);
}

/// Lives a publisher's life on both servers; the keys of `roles` are to be alike.
fn does_the_same(start: fn(&Path) -> Option<Reference>, roles: &[&str]) {
    for program in ["notary", "curl"] {
        if Command::new(program).arg("--help").output().is_err() {
            return skip(&format!("{program} is not installed"));
        }
    }
    let market = Market::start();
    let dir = market.dir.path();
    let (Some(reference), Some(())) = (start(dir), delegate(dir)) else {
        return;
    };
    fs::write(dir.join("file"), "content").expect("a file");
    let gun = format!("{}/staging/acme/app", market.server.host());
    let ours = Side::publisher(&market, &gun);
    let theirs = Side {
        url: reference.url.clone(),
        authorization: String::new(),
        home: dir.join("theirs"),
        credentials: "nobody:nothing".to_owned(),
    };
    for command in LIFE {
        let words = command.split(' ').map(|word| match word {
            "GUN" => gun.clone(),
            "FILE" => dir.join("file").display().to_string(),
            "CERT" => dir.join("d.crt").display().to_string(),
            "KEY" => dir.join("d.key").display().to_string(),
            other => other.to_owned(),
        });
        let words: Vec<_> = words.collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let said = ours.notary(&words, "yes\n");
        assert_eq!(said, theirs.notary(&words, "yes\n"), "{command}");
        let both = [&ours, &theirs].map(|side| (side.metadata(&gun), side.kinds(&gun, roles)));
        let [ours, theirs] = both;
        assert_eq!(ours, theirs, "{command}: {said:?}");
    }
}

/// As `openssl` makes them for `notary`: a delegate's key is RSA, in a certificate.
#[test]
fn a_delegate_with_an_rsa_certificate_counts_once_it_is_registered() {
    if Command::new("notary").arg("--help").output().is_err() {
        return skip("notary is not installed");
    }
    let market = Market::start();
    let dir = market.dir.path();
    if delegate(dir).is_none() {
        return;
    }
    let token = market.desk.token();
    let credentials = Credentials::Basic {
        user: "ann".to_owned(),
        password: token.to_owned(),
    };
    let host = market.server.host();
    let client = Client::new(host, credentials, &ClientOptions::default()).expect("a client");
    let reference = "staging/acme/harbour:1.0".parse().expect("a reference");
    let pushed = client.push_from(market.image("1.0").as_ref(), &reference, &mut |_| {});
    let manifest = client.manifest(&reference).expect("it is there");
    assert_eq!(pushed.expect("pushed"), manifest.digest);
    fs::write(dir.join("manifest"), &manifest.bytes).expect("a file");

    let side = Side {
        url: market.server.url().to_owned(),
        authorization: String::new(),
        home: dir.join("publisher"),
        credentials: format!("ann:{token}"),
    };
    let gun = format!("{host}/staging/acme/harbour");
    let path = |name: &str| dir.join(name).display().to_string();
    let (certificate, key, file) = (path("d.crt"), path("d.key"), path("manifest"));
    let (role, import) = ("targets/releases", "import");
    for command in [
        vec!["init", &gun, "-p"],
        vec!["key", "rotate", &gun, "snapshot", "-r"],
        vec![
            "delegation",
            "add",
            &gun,
            role,
            &certificate,
            "--all-paths",
            "-p",
        ],
        vec!["key", import, &key, "--role", role],
        vec!["add", &gun, "1.0", &file, "--roles", role, "-p"],
    ] {
        let (done, said) = side.notary(&command, "yes\n");
        assert!(done, "{command:?}: {said}");
    }
    let signature = |submission: &str| {
        let page = market
            .desk
            .wait(submission, &["inspecting"], &crate::market::Silent);
        page.expect("inspected")["submission"]["signature"].take()
    };
    let found = signature(&market.submit("1.0"));
    assert_eq!(found["verified"], false, "{found:#}");
    let why = found["reason"].as_str().expect("a reason");
    assert!(why.contains("or a certificate of it"), "{why}");

    let keys = "/api/v1/publishers/acme/keys";
    let pem = fs::read_to_string(dir.join("d.crt")).expect("a certificate");
    let owner = &market.desk.user;
    let added = owner.post(keys, &json!({ "name": "delegate", "pem": pem }));
    let added = added.expect("taken");
    fs::write(
        dir.join("text"),
        added["challenge"].as_str().expect("a text"),
    )
    .expect("a file");
    let sign = "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sign d.key -out proof text";
    openssl(dir, sign).expect("signed");
    let proof = STANDARD.encode(fs::read(dir.join("proof")).expect("a proof"));
    let id = added["id"].as_str().expect("an id");
    let proven = owner.post(
        &format!("{keys}/{id}/proof"),
        &json!({ "signature": proof }),
    );
    proven.expect("proven");
    let found = signature(&market.submit("1.0"));
    assert_eq!(found["verified"], true, "{found:#}");
    assert_eq!(found["key_name"], "delegate", "{found:#}");
}

/// What is signed counts towards the quota, and the client says why it is refused.
#[test]
fn notary_says_that_the_publisher_has_no_room() {
    if Command::new("notary").arg("--help").output().is_err() {
        return skip("notary is not installed");
    }
    let market = Market::start();
    let gun = format!("{}/staging/acme/app", market.server.host());
    let side = Side::publisher(&market, &gun);
    let file = market.dir.path().join("file").display().to_string();
    fs::write(&file, "content").expect("a file");
    let (done, said) = side.notary(&["init", &gun, "-p"], "yes\n");
    assert!(done, "{said}");
    let path = "/api/v1/publishers/acme/storage";
    let storage = market.desk.user.get(path).expect("told");
    let used = storage["used_bytes"].as_i64().expect("a number");
    assert!(used > 2_000, "{storage}");
    let quota = json!({ "quota_bytes": used + 1_000 });
    market.cast.operator.put(path, &quota).expect("set");
    let (done, said) = side.notary(&["add", &gun, "v1", &file, "-p"], "");
    assert!(!done, "{said}");
    assert!(said.contains("bytes allowed: delete tags"), "{said}");
    assert_eq!(
        market.desk.user.get(path).expect("told")["used_bytes"],
        used
    );
    market
        .cast
        .operator
        .put(path, &json!({ "quota_bytes": 0 }))
        .expect("set");
    let (done, said) = side.notary(&["publish", &gun], "");
    assert!(done, "{said}");
}

#[test]
fn notary_reads_what_is_released() {
    if Command::new("notary").arg("--help").output().is_err() {
        return skip("notary is not installed");
    }
    let (market, digest) = Market::with_release();
    let gun = format!("{}/acme/harbour", market.server.host());
    let side = Side::reader(&market);
    let lookup = |tag: &str| side.notary(&["lookup", &gun, tag], "");
    let (found, said) = side.notary(&["list", &gun], "");
    assert!(
        found && said.contains("1.0") && said.contains("targets"),
        "{said}"
    );
    let second = market.release("1.1");
    assert_ne!(digest, second);
    for tag in ["1.0", "1.1"] {
        let (found, said) = lookup(tag);
        assert!(found, "{tag}: {said}");
    }
    market.manage("hold");
    assert!(lookup("1.1").0, "a hold changes nothing signed");
    market.manage("revoke");
    let (found, said) = lookup("1.1");
    assert!(
        !found && said.contains("No valid trust data for 1.1"),
        "{said}"
    );
}

/// As the operator's guide has it, while a client remembers what it saw.
#[test]
fn notary_goes_on_when_the_release_key_is_replaced() {
    if Command::new("notary").arg("--help").output().is_err() {
        return skip("notary is not installed");
    }
    let (mut market, _digest) = Market::with_release();
    let host = market.server.host().to_owned();
    let gun = format!("{host}/acme/harbour");
    let side = Side::reader(&market);
    let lookup = || side.notary(&["lookup", &gun, "1.0"], "");
    let before = lookup();
    assert!(before.0, "{before:?}");
    let data = market.server.data().to_owned();
    market.server.kill().expect("the server ends");
    let old = fs::read(data.join("keys/release.pub")).expect("a key");
    for file in ["release.key", "release.pub"] {
        fs::remove_file(data.join("keys").join(file)).expect("taken out");
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_plimsoll"));
    market.server = Server::start(binary, &data, &host, &[]).expect("it starts again");
    assert_ne!(fs::read(data.join("keys/release.pub")).expect("a key"), old);
    let mut again = Command::new(binary);
    again.args([
        "keys",
        "sign-again",
        "--public-url",
        market.server.url(),
        "--data",
    ]);
    let said = succeed(again.arg(&data));
    assert!(said.starts_with("Signed 1 product with key "), "{said}");
    assert_eq!(lookup(), before, "the client notices nothing");
    let kept = format!("tuf/{gun}/metadata/root.json");
    let root = fs::read(side.home.join(kept)).expect("the client keeps it");
    let root: Value = serde_json::from_slice(&root).expect("JSON");
    assert_eq!(root["signed"]["version"], 2, "and follows it");
}
