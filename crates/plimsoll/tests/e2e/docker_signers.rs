//! `docker trust`: keys that people bring along, who signs, who does no more.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use trust::{SigningKey, tuf::Key};

use crate::{
    content_trust::{Person, Quay},
    has,
    market::{fail, succeed},
};

/// Brings a key along, and says that whoever has it may sign; gives the key's id.
fn add_signer(person: &Person<'_>, name: &str, number: u8, repository: &str) -> String {
    let key = SigningKey::from_scalar(&[number; 32]).expect("a small number is a scalar");
    let file = |end: &str| person.home.join(format!("{name}.{end}"));
    let (private, public) = (file("pem"), file("pub"));
    fs::write(&private, key.to_pem()).expect("a key");
    // Docker takes no key that others can read.
    fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).expect("its owner's alone");
    fs::write(&public, key.public().to_pem()).expect("a key");
    let [private, public] = [private, public].map(|path| path.display().to_string());
    let load = ["trust", "key", "load", "--name", name, &private];
    let said = succeed(&mut person.docker(&load));
    assert!(said.contains("Successfully imported key"), "{said}");
    let add = ["trust", "signer", "add", "--key", &public, name, repository];
    let said = succeed(&mut person.docker(&add));
    assert!(said.contains("Successfully added signer"), "{said}");
    Key::of(&key.public()).id().to_owned()
}

/// Returns who may sign for each delegation, by the ids of keys, as stored.
fn delegations(quay: &Quay, repository: &str) -> Value {
    let mut python = Command::new("python3");
    python.args(["-c", "import sqlite3,sys\nd=sqlite3.connect(sys.argv[1],timeout=30)\nprint(d.execute(\"SELECT content FROM trust_files WHERE gun=? AND role='targets' AND newest\",[sys.argv[2]]).fetchone()[0].decode())"]);
    let text = succeed(python.arg(quay.database()).arg(repository));
    let targets: Value = serde_json::from_str(&text).expect("JSON");
    let roles = targets["signed"]["delegations"]["roles"]
        .as_array()
        .cloned();
    let roles = roles.unwrap_or_default().into_iter();
    roles
        .map(|role| {
            let name = role["name"].as_str().expect("a name").to_owned();
            let mut keys: Vec<_> = role["keyids"].as_array().expect("a list").clone();
            keys.sort_by_key(ToString::to_string);
            (name, Value::Array(keys))
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn docker_loads_keys_shows_signers_and_removes_them() {
    let Some(quay) = Quay::open() else { return };
    let repository = quay.repository("signers");
    let tag = |tag: &str| format!("{repository}:{tag}");
    if quay.image(&tag("1"), "one").is_none() {
        return;
    }
    let publisher = quay.person("publisher");
    succeed(&mut publisher.trusting(&["push", &tag("1")]));
    let bob = add_signer(&publisher, "bob", 41, &repository);
    let carol = add_signer(&publisher, "carol", 42, &repository);
    let mut both = [bob.clone(), carol.clone()];
    both.sort();
    let all = json!({ "targets/bob": [bob], "targets/carol": [carol], "targets/releases": both });
    assert_eq!(delegations(&quay, &repository), all);
    let sign = |name: &str| {
        quay.image(&tag(name), name);
        succeed(&mut publisher.docker(&["trust", "sign", &tag(name)]));
    };
    sign("2");
    let two = json!([["1", ["Repo Admin"]], ["2", ["bob", "carol"]]]);
    assert_eq!(publisher.signed(&repository), two);
    let pretty = || succeed(&mut publisher.docker(&["trust", "inspect", "--pretty", &repository]));
    let said = pretty();
    for expected in [
        &format!("Signatures for {repository}"),
        "bob, carol",
        &format!("List of signers and their keys for {repository}"),
        &bob[..12],
        &carol[..12],
        &format!("Administrative keys for {repository}"),
        "Repository Key:",
        "Root Key:",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }

    // As the guide has it, for Docker's own command leaves signers in.
    let remove = ["trust", "signer", "remove", "--force", "bob", &repository];
    let said = succeed(&mut publisher.docker(&remove));
    assert_eq!(delegations(&quay, &repository), all, "{said}");
    if has("notary") {
        for (role, key) in [("targets/bob", None), ("targets/releases", Some(&bob))] {
            let mut notary = notary(&publisher, &["delegation", "remove", &repository, role]);
            succeed(notary.args(key).args(["--publish", "--yes"]));
        }
        let left = json!({ "targets/carol": [carol], "targets/releases": [carol] });
        assert_eq!(delegations(&quay, &repository), left);
        sign("3");
        let signed = publisher.signed(&repository);
        assert_eq!(signed[2], json!(["3", ["carol"]]), "{signed}");
        assert!(!pretty().contains(&bob[..12]));
        let consumer = quay.person("consumer");
        consumer.forget(&tag("3"));
        succeed(&mut consumer.trusting(&["pull", &tag("3")]));
    }
}

/// Makes a command of Debian's `notary`, with the keys that Docker keeps.
fn notary(person: &Person<'_>, args: &[&str]) -> Command {
    let mut notary = Command::new("notary");
    notary.args(["-s", &format!("https://{}", person.quay.host), "-d"]);
    notary.arg(person.home.join("config/trust")).args(args);
    notary.arg("--tlscacert").arg(person.quay.certificate());
    let login = format!("ann:{}", person.quay.market.desk.token());
    notary.env("NOTARY_AUTH", STANDARD.encode(login));
    notary.env("HOME", &person.home);
    for role in ["ROOT", "TARGETS", "SNAPSHOT", "DELEGATION"] {
        notary.env(format!("NOTARY_{role}_PASSPHRASE"), "a long passphrase");
    }
    notary
}

#[test]
fn docker_runs_no_tag_that_is_not_signed() {
    let Some(quay) = Quay::open() else { return };
    let (signed, bare) = (quay.repository("signed"), quay.repository("bare"));
    let image = |repository: &str, tag: &str| format!("{repository}:{tag}");
    if quay.image(&image(&signed, "1"), "one").is_none() {
        return;
    }
    quay.image(&image(&signed, "2"), "two");
    quay.image(&image(&bare, "1"), "three");
    let publisher = quay.person("publisher");
    succeed(&mut publisher.trusting(&["push", &image(&signed, "1")]));
    for unsigned in [image(&signed, "2"), image(&bare, "1")] {
        succeed(&mut publisher.docker(&["push", &unsigned]));
    }
    let consumer = quay.person("consumer");
    let run = |image: &str| {
        let run = ["run", "--rm", "--network", "none", image];
        consumer.trusting(&run)
    };
    assert_eq!(succeed(&mut run(&image(&signed, "1"))), "one\n");
    // The images are there, and must not run for all that.
    for (unsigned, why) in [
        (image(&signed, "2"), "No valid trust data for 2"),
        (image(&bare, "1"), "does not have trust data for"),
    ] {
        let said = fail(&mut run(&unsigned));
        assert!(said.contains(why), "{said}");
        assert!(
            !said.contains("two\n") && !said.contains("three\n"),
            "{said}"
        );
        let plain = ["run", "--rm", "--network", "none", &unsigned];
        succeed(&mut consumer.docker(&plain));
    }
}
