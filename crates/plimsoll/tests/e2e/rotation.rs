//! The release key is replaced, and whoever pinned the old one goes on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::market::{Market, serve_by, succeed};

/// Whoever pinned a key.
pub(crate) struct Consumer {
    pub(crate) dir: PathBuf,
    pub(crate) host: String,
    pub(crate) user: String,
    pub(crate) key: PathBuf,
}

impl Consumer {
    /// Verifies with the key that was pinned; gives exit code and what was said.
    pub(crate) fn verify(&self, tag: &str, more: &[&str]) -> (Option<i32>, String) {
        let image = format!("{}/acme/harbour:{tag}", self.host);
        let mut verify = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        verify.args(["verify", &image, "--user", &self.user, "--key"]);
        verify.arg(&self.key).args(more);
        verify.env("HOME", &self.dir).env_remove("XDG_STATE_HOME");
        let output = verify.output().expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }
}

fn sign_again(market: &Market, more: &[&str]) -> String {
    let mut again = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    again.args(["keys", "sign-again", "--public-url", market.server.url()]);
    succeed(again.arg("--data").arg(market.server.data()).args(more))
}

fn fingerprint(data: &Path) -> String {
    let mut list = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    list.args(["keys", "list", "--format", "json", "--data"]);
    let keys: Value = serde_json::from_str(&succeed(list.arg(data))).expect("JSON");
    let mut keys = keys.as_array().expect("a list").iter();
    let release = keys.find(|key| key["name"] == "release").expect("a key");
    release["fingerprint"].as_str().expect("a print").to_owned()
}

#[test]
fn a_consumer_with_the_old_key_notices_nothing() {
    let (mut market, _) = Market::with_release();
    let carl = market.subscribe();
    let consumer = Consumer {
        dir: market.dir.path().join("consumer"),
        host: market.server.host().to_owned(),
        user: format!("carl:{carl}"),
        key: market.dir.path().join("pinned.pub"),
    };
    fs::copy(market.public_key(), &consumer.key).expect("pinned");
    let verified = |tag: &str, more: &[&str]| {
        let (code, said) = consumer.verify(tag, more);
        assert_eq!(code, Some(0), "{said}");
        said
    };
    let said = verified("1.0", &[]);
    assert!(!said.contains("follows"), "{said}");
    let data = market.server.data().to_owned();
    let old = fingerprint(&data);

    // As the guide has it.
    market.server.kill().expect("it ends");
    for name in ["release.key", "release.pub"] {
        fs::remove_file(data.join("keys").join(name)).expect("taken out");
    }
    let program = Path::new(env!("CARGO_BIN_EXE_plimsoll"));
    market.server = serve_by(program, &data, &consumer.host, &[]);
    assert!(sign_again(&market, &[]).starts_with("Signed 1 product"));
    let (code, said) = consumer.verify("1.0", &["--signature-only"]);
    assert_eq!(code, Some(0), "the old key's own signature: {said}");
    let proof = consumer.dir.join("proof.json");
    let file = proof.to_str().expect("text");
    let said = verified("1.0", &["--save-proof", file]);
    assert!(!said.contains("warning"), "{said}");

    // What the old key never signed.
    market.release("1.1");
    let said = verified("1.1", &["--save-proof", file]);
    assert!(
        said.contains("which follows the one that was given"),
        "{said}"
    );
    assert!(!said.contains("warning"), "{said}");
    verified("1.1", &["--proof", file]);
    let json = verified("1.1", &["--format", "json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["key_succeeded"], true, "{json}");
    let (code, said) = consumer.verify("1.1", &["--signature-only"]);
    assert_eq!(code, Some(4), "{said}");

    // A succession that somebody else wrote.
    let text = fs::read_to_string(&proof).expect("a proof");
    let mut forged: Value = serde_json::from_str(&text).expect("JSON");
    let said = forged["successions"][0].clone();
    forged["successions"][0]["decision"] = said["appointment"].clone();
    fs::write(&proof, forged.to_string()).expect("forged");
    for tag in ["1.0", "1.1"] {
        let (code, said) = consumer.verify(tag, &["--proof", file]);
        assert_eq!(code, Some(4), "{said}");
        assert!(said.contains("is not proven"), "{said}");
    }
    forged["successions"] = json!([]);
    fs::write(&proof, forged.to_string()).expect("left out");
    let (code, said) = consumer.verify("1.1", &["--proof", file]);
    assert_eq!(code, Some(4), "{said}");

    // Others may have the old key.
    sign_again(&market, &["--revoke", &old]);
    for tag in ["1.0", "1.1"] {
        let (code, said) = consumer.verify(tag, &[]);
        assert_eq!(code, Some(4), "{said}");
        assert!(said.contains("the market revoked the key"), "{said}");
    }
    let new = market.public_key();
    let both = ["--key", new.to_str().expect("text"), "--format", "json"];
    let json: Value = serde_json::from_str(&verified("1.0", &both)).expect("JSON");
    assert_eq!(json["key_id"], fingerprint(&data), "not the revoked one's");
}
