//! A publisher's keys from the command line: registered, proven here and with OpenSSL, listed, ended.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;
use trust::SigningKey;

use crate::{market::Market, openssl};

/// An owner at the command line.
struct Owner {
    market: Market,
    home: PathBuf,
}

impl Owner {
    fn new() -> Self {
        let market = Market::start();
        let home = market.signed_in("ann", market.desk.token());
        Self { market, home }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.home.join(name);
        fs::write(&path, content).expect("written");
        path.display().to_string()
    }

    /// Asks as the owner, on a machine that knows nothing else.
    fn ask(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.arg("signing-key").args(args).env_clear();
        command.env("DOCKER_CONFIG", &self.home);
        command.env("PLIMSOLL_MARKET", self.market.server.host());
        command.output().expect("the binary runs")
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.ask(&[args, &["--format", "json"]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {said}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    #[track_caller]
    fn refused(&self, args: &[&str], why: &str) {
        let output = self.ask(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(why), "{args:?}: {said}");
    }
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_scalar(&[number; 32]).expect("a small number is a scalar")
}

#[test]
fn an_owner_manages_keys_from_the_command_line() {
    let owner = Owner::new();
    let own = owner.write("own.pem", key(21).to_pem());
    let made = owner.json(&["register", "acme", "--name", "build", "--key", &own]);
    assert_eq!(made["standing"], "in-force", "{made:#}");
    assert_eq!(made["fingerprint"], key(21).public().key_id());
    owner.refused(
        &["register", "acme", "--name", "again", "--key", &own],
        "registered already",
    );

    // With a passphrase, and for later.
    let sealed = key(22).to_encrypted_pem("word").expect("random bytes");
    let sealed = owner.write("sealed.pem", sealed);
    let word = owner.write("word", "word\n");
    let signer = ["--key", &sealed, "--passphrase-file", &word];
    let later = [
        &[
            "register",
            "acme",
            "--name",
            "next",
            "--valid-from",
            "2999-01-01T00:00:00Z",
        ],
        &signer[..],
    ];
    assert_eq!(owner.json(&later.concat())["standing"], "not-yet");

    // The public half alone counts once somebody signs the text.
    let public = owner.write("public.pem", key(23).public().to_pem());
    let made = owner.json(&["register", "acme", &public, "--name", "device"]);
    assert_eq!(made["standing"], "unproven");
    let text = owner.ask(&["challenge", "acme", "device"]);
    let text = String::from_utf8(text.stdout).expect("text");
    assert_eq!(made["challenge"], text.as_str(), "and nothing else");
    owner.refused(&["prove", "acme", "device", "--key", &own], "does not fit");
    let private = owner.write("private.pem", key(23).to_pem());
    owner.write("text", &text);
    let sign = "dgst -sha256 -sign private.pem -out signature text";
    match openssl(&owner.home, sign) {
        Some(()) => {
            let signature = owner.home.join("signature").display().to_string();
            let proven = ["prove", "acme", "device", "--signature", &signature];
            assert_eq!(owner.json(&proven)["standing"], "in-force");
        }
        None => drop(owner.json(&["prove", "acme", "device", "--key", &private])),
    }
    owner.refused(
        &["prove", "acme", "device", "--key", &private],
        "proven already",
    );
    ends(&owner);
}

/// Keys end by name or id, now or later; others than owners are refused.
fn ends(owner: &Owner) {
    let at = "2998-01-01T00:00:00Z";
    owner.json(&["revoke", "acme", "build", "--at", at]);
    owner.json(&["revoke", "acme", "device"]);
    owner.refused(&["revoke", "acme", "nothing"], "has no key `nothing`");
    let keys = owner.json(&["list", "acme"]);
    let found = |name: &str| {
        let mut keys = keys.as_array().expect("a list").iter();
        keys.find(|key| key["name"] == name).expect(name).clone()
    };
    assert_eq!(found("build")["revoked_at"], at);
    assert_eq!(found("device")["standing"], "ended");
    let listed = owner.ask(&["list", "acme"]);
    let listed = String::from_utf8(listed.stdout).expect("text");
    assert!(
        listed.starts_with("ID ") && listed.contains("2998-01-01"),
        "{listed}"
    );

    let elsewhere = owner.home.join("nobody");
    fs::create_dir(&elsewhere).expect("a folder");
    let nobody = Owner {
        home: elsewhere,
        market: Market::start(),
    };
    nobody.refused(&["list", "acme"], "no access token");
    let wrong = format!("ann:{}", "plm_wrong");
    nobody.refused(&["list", "acme", "--user", &wrong], "");
}
