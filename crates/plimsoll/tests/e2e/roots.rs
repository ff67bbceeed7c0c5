//! The root key is where no server is, and another one takes over, as the operator's guide has it,
//! while Debian's `notary` remembers what it saw.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    market::{Market, fail, serve_by, succeed},
    notary::Side,
    rotation::Consumer,
    skip,
};

/// A machine with root keys on it, and the folder of the market.
pub(crate) struct Office {
    dir: PathBuf,
    data: PathBuf,
    url: String,
}

impl Office {
    pub(crate) fn new(dir: &Path, data: &Path, url: &str) -> Self {
        let (dir, data, url) = (dir.to_owned(), data.to_owned(), url.to_owned());
        Self { dir, data, url }
    }

    fn keys(&self, args: &[&str]) -> Command {
        let mut keys = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        keys.current_dir(&self.dir).arg("keys").args(args);
        keys
    }

    /// The same on the server.
    fn there(&self, args: &[&str]) -> Command {
        let mut keys = self.keys(args);
        keys.args(["--public-url", &self.url, "--data"]);
        keys.arg(&self.data);
        keys
    }

    pub(crate) fn make_root(&self, name: &str) {
        let said = succeed(&mut self.keys(&["make-root", name]));
        assert!(said.starts_with("Made a root key"), "{said}");
    }

    /// Has a root key take over; the one that was on the server is taken away.
    pub(crate) fn put_in_place(&self, name: &str) {
        let keys = self.data.join("keys");
        if keys.join("root.key").exists() {
            fs::rename(keys.join("root.key"), self.dir.join("first.key")).expect("taken away");
        }
        let new = self.dir.join(name).join("root.pub");
        fs::copy(new, keys.join("root.pub")).expect("put in place");
    }

    /// Says where the key is that was on the server, and what opens it.
    pub(crate) fn first(&self) -> [String; 4] {
        let words = self.data.with_extension("passphrase");
        let old = self.dir.join("first.key");
        let path = |path: PathBuf| path.display().to_string();
        [
            "--old-root-key".to_owned(),
            path(old),
            "--old-passphrase-file".to_owned(),
            path(words),
        ]
    }

    pub(crate) fn export(&self, file: &str, more: &[&str]) -> String {
        succeed(self.there(&["export-roots", file]).args(more))
    }

    pub(crate) fn sign(&self, file: &str, root: &str, more: &[String]) -> String {
        let root = format!("{root}/root.key");
        succeed(
            self.keys(&["sign-roots", file, "--root-key", &root])
                .args(more),
        )
    }

    pub(crate) fn import(&self, file: &str, more: &[&str]) -> String {
        succeed(self.there(&["import-roots", file]).args(more))
    }
}

fn digest(said: &str) -> &str {
    let line = said.lines().find(|line| line.starts_with("Digest: "));
    line.expect("a digest")
}

fn has_notary() -> bool {
    let has = Command::new("notary").arg("--help").output().is_ok();
    if !has {
        skip("notary is not installed");
    }
    has
}

#[test]
fn a_product_is_released_while_the_root_key_is_elsewhere() {
    let dir = tempfile::tempdir().expect("a folder");
    let (path, data) = (dir.path(), dir.path().join("data"));
    let mut make = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    succeed(make.current_dir(path).args(["keys", "make", "ceremony"]));
    fs::create_dir(&data).expect("a folder");
    fs::rename(path.join("ceremony/online"), data.join("keys")).expect("put in place");
    let words = path.join("ceremony/online.passphrase");
    fs::rename(words, path.join("data.passphrase")).expect("put in place");
    let market = Market::start_in(&data);
    let office = Office::new(path, &data, market.server.url());
    let (submission, _) = market.in_review("1.0");
    let address = format!("/api/v1/submissions/{submission}");
    let page = || market.cast.reviewer.get(&address).expect("a page");
    let why = page()["missing_root"]
        .as_str()
        .expect("it is said")
        .to_owned();
    assert!(why.contains("plimsoll keys export-roots"), "{why}");
    let approval = serde_json::json!({ "decision": "approve", "reason": "" });
    let decision = format!("{address}/decision");
    let refused = market.cast.reviewer.post(&decision, &approval);
    let refused = refused.expect_err("there is no root").to_string();
    assert!(refused.contains(&why), "{refused}");

    let exported = office.export("roots.json", &[]);
    let looked = succeed(&mut office.keys(&["sign-roots", "roots.json", "--dry-run"]));
    assert_eq!(digest(&exported), digest(&looked), "to be compared");
    assert!(
        looked.contains("/acme/harbour, version 1: its first root"),
        "{looked}"
    );
    let signed = office.sign("roots.json", "ceremony/offline", &[]);
    assert!(!signed.contains("Not signed"), "{signed}");
    let taken = office.import("roots.json", &[]);
    assert!(
        taken.contains("Prepared the first release of 1 name"),
        "{taken}"
    );
    assert!(signed.contains(digest(&taken)), "{signed}");
    assert!(page()["missing_root"].is_null());
    market.decide(&submission, "approve", "");
    let waited = market
        .desk
        .wait(&submission, &["approved"], &crate::market::Silent);
    let released = waited.expect("the release ends");
    assert_eq!(released["submission"]["state"], "released", "{released:#}");
    if has_notary() {
        let gun = format!("{}/acme/harbour", market.server.host());
        let (found, said) = Side::reader(&market).notary(&["lookup", &gun, "1.0"], "");
        assert!(found, "{said}");
    }
}

#[test]
fn notary_follows_another_root_key() {
    if !has_notary() {
        return;
    }
    let (mut market, _digest) = Market::with_release();
    let (host, data) = (
        market.server.host().to_owned(),
        market.server.data().to_owned(),
    );
    let gun = format!("{host}/acme/harbour");
    let side = Side::reader(&market);
    let lookup = |tag: &str| side.notary(&["lookup", &gun, tag], "");
    let version = || {
        let kept = fs::read(side.home.join(format!("tuf/{gun}/metadata/root.json")));
        let kept: Value = serde_json::from_slice(&kept.expect("it is kept")).expect("JSON");
        kept["signed"]["version"].clone()
    };
    let before = lookup("1.0");
    assert!(before.0, "{before:?}");
    let consumer = Consumer {
        dir: market.dir.path().join("consumer"),
        host: host.clone(),
        user: format!("carl:{}", market.subscribe()),
        key: market.public_key(),
    };
    let verified = || {
        let (code, said) = consumer.verify("1.0", &[]);
        assert_eq!(code, Some(0), "{said}");
        assert!(!said.contains("warning"), "{said}");
    };
    verified();

    let office = Office::new(market.dir.path(), &data, market.server.url());
    let start = || serve_by(Path::new(env!("CARGO_BIN_EXE_plimsoll")), &data, &host, &[]);
    office.make_root("second");
    market.server.kill().expect("it ends");
    office.put_in_place("second");
    market.server = start();
    office.export("roots.json", &[]);
    // The new key alone is none that clients follow, and the server takes nothing of it.
    let said = office.sign("roots.json", "second", &[]);
    assert!(said.contains("Not signed: 1 root"), "{said}");
    let said = office.import("roots.json", &[]);
    assert!(said.contains("Left 1 entry, which nobody signed"), "{said}");
    let said = office.sign("roots.json", "second", &office.first());
    assert!(
        said.contains("version 2: this root key takes over"),
        "{said}"
    );
    for names in ["1 name", "0 names"] {
        let said = office.import("roots.json", &[]);
        assert!(
            said.contains(&format!("published the next root of {names}")),
            "{said}"
        );
    }
    assert_eq!(lookup("1.0"), before, "the client notices nothing");
    assert_eq!(version(), 2, "and follows it");
    market.release("1.1");
    assert!(lookup("1.1").0);
    verified();

    // It is lost, before anybody needed it.
    office.make_root("third");
    market.server.kill().expect("it ends");
    office.put_in_place("third");
    market.server = start();
    market.release("1.2");
    assert!(lookup("1.2").0, "no root key is needed for that");
    office.export("lost.json", &["--root-lost"]);
    let said = office.sign("lost.json", "third", &[]);
    assert!(said.contains("WITHOUT the one before"), "{said}");
    let said = fail(&mut office.there(&["import-roots", "lost.json"]));
    assert!(said.contains("this key is lost"), "{said}");
    office.import("lost.json", &["--root-lost"]);
    let (found, said) = lookup("1.2");
    assert!(!found, "{said}");
    assert!(
        said.contains("could not rotate trust to a new trusted root"),
        "{said}"
    );
    fs::remove_dir_all(side.home.join("tuf").join(&gun)).expect("reset");
    let (found, said) = lookup("1.2");
    assert!(found, "{said}");
    assert_eq!(version(), 3);
    verified();
}
