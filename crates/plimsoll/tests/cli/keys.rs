//! The operator's keys: made in a ceremony, put in place, lost and recovered as the guide says.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    process::Command,
};

use serde_json::{Value, json};
use trust::SigningKey;

use crate::{serve::Server, support::Place};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("copied")),
        }
    }
}

/// Returns what is said of one key.
fn listed(place: &Place, name: &str) -> Value {
    let keys = place.json(&["keys", "list", "--data", "data"]);
    let mut keys = keys.as_array().expect("a list").iter();
    keys.find(|key| key["name"] == name).expect(name).clone()
}

/// Starts a server that must not start; gives what it says.
fn refused(place: &Place) -> String {
    place.run(&["serve", "--data", "data", "--listen", "127.0.0.1:0"])
}

#[test]
fn keys_are_made_in_a_ceremony_and_put_in_place() {
    let place = Place::new();
    place.write("root-words", "a long one for the safe\n");
    place.write("words", "one for the servers\n");
    let files = [
        "--root-passphrase-file",
        "root-words",
        "--passphrase-file",
        "words",
    ];
    let make = [&["keys", "make", "ceremony"], &files[..]].concat();
    let said = place.run(&make);
    let again = place.run(&make);
    insta::assert_snapshot!(again, @r"
exit 3
--- out ---
--- err ---
error: cannot make the folder `ceremony`
  caused by: File exists (os error 17)
hint: name a folder that is not there: keys are never written over others
");
    for file in [
        "offline/root.key",
        "online/release.key",
        "online/trust.key",
        "online/tokens.key",
    ] {
        let key = fs::read_to_string(place.join("ceremony").join(file)).expect(file);
        assert!(key.contains("BEGIN ENCRYPTED PRIVATE KEY"), "{file}");
    }
    assert!(!place.join("ceremony/online/root.key").exists());

    copy(&place.join("ceremony/online"), &place.join("data/keys"));
    place.write("p.toml", "[keys]\npassphrase_file = \"words\"\n");
    let server = Server::start(&place, &["--config", "p.toml"]);
    let root = listed(&place, "root");
    assert_eq!(root["place"], "kept elsewhere");
    let release = listed(&place, "release");
    assert_eq!(release["place"], "here, encrypted");
    for (key, name) in [(&root, "[ROOT]"), (&release, "[RELEASE]")] {
        let print = key["fingerprint"].as_str().expect("a fingerprint");
        assert!(said.contains(print), "{name} is what was written down");
    }
    let public = fs::read_to_string(place.join("ceremony/online/release.pub")).expect("a key");
    assert!(
        server
            .get("/.well-known/plimsoll/release.pub")
            .contains(public.trim())
    );
    drop(server);
}

#[test]
fn keys_without_words_of_ones_own_get_passphrases_beside_them() {
    let place = Place::new();
    let made = place.json(&["keys", "make", "ceremony"]);
    let read = |name: &str| fs::read_to_string(place.join(name)).expect(name);
    for (setting, folder, key) in [
        ("root_passphrase_file", "offline", "root"),
        ("passphrase_file", "online", "trust"),
    ] {
        let words = format!("ceremony/{folder}.passphrase");
        let named = made[setting].as_str().expect("a path");
        assert!(named.ends_with(&words), "{named}");
        assert_eq!(mode(&place.join(&words)), 0o600);
        let words = read(&words);
        let key = read(&format!("ceremony/{folder}/{key}.key"));
        SigningKey::from_pem(&key, Some(words.trim())).expect("it opens the key");
    }
    // The root is brought with its own passphrase, and gets that of the servers.
    copy(&place.join("ceremony/online"), &place.join("data/keys"));
    fs::rename(
        place.join("ceremony/online.passphrase"),
        place.join("data.passphrase"),
    )
    .expect("in place");
    fs::copy(
        place.join("ceremony/offline/root.key"),
        place.join("data/keys/root.key"),
    )
    .expect("brought");
    assert!(refused(&place).contains("cannot use the key `data/keys/root.key`"));
    let old = "ceremony/offline.passphrase";
    let encrypt = ["keys", "encrypt", "--data", "data"];
    let with_old = [&encrypt[..], &["--old-passphrase-file", old]].concat();
    let done = place.json(&with_old);
    assert_eq!(done["encrypted"], json!(["data/keys/root.key"]));
    drop(Server::start(&place, &[]));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o777
}

/// As the guide has it: a copy of the folder opens nothing; with the passphrase it does.
#[test]
fn a_copy_of_the_folder_opens_no_key_without_the_passphrase() {
    let place = Place::new();
    let server = Server::start(&place, &[]);
    let named = server.ready["passphrase_file"].as_str().expect("a path");
    assert!(named.ends_with("/data.passphrase"), "{named}");
    drop(server);
    assert_eq!(mode(&place.join("data.passphrase")), 0o600);
    let words = fs::read_to_string(place.join("data.passphrase")).expect("a passphrase");
    for name in ["root", "release", "trust", "tokens"] {
        let key = fs::read_to_string(place.join(&format!("data/keys/{name}.key"))).expect(name);
        assert!(key.contains("BEGIN ENCRYPTED PRIVATE KEY"), "{name}");
        assert!(SigningKey::from_pem(&key, Some("other words")).is_err());
        SigningKey::from_pem(&key, Some(words.trim())).expect("it opens the key");
    }
    let files = || {
        let listed = fs::read_dir(place.join("data/keys")).expect("a folder");
        let mut names: Vec<_> = listed.map(|it| it.expect("a file").file_name()).collect();
        names.retain(|name| name != ".lock");
        names.sort();
        names
    };
    let keys = files();
    fs::rename(place.join("data.passphrase"), place.join("safe")).expect("kept apart");
    insta::assert_snapshot!(refused(&place), @r"
exit 3
--- out ---
--- err ---
error: cannot use the key `data/keys/release.key`
  caused by: the private key is encrypted: give its passphrase
hint: put the file with its passphrase back, in `[PLACE]/data.passphrase`, or set `keys.passphrase_file` to where it is
");
    let said = place.run(&["keys", "encrypt", "--data", "data"]);
    assert!(
        said.contains("put the file with its passphrase back"),
        "{said}"
    );
    for out in [&["tokens.key"][..], &["release.key", "release.pub"]] {
        let at = |name: &str| place.join(&format!("data/keys/{name}"));
        for name in out {
            fs::rename(at(name), place.join(name)).expect("taken out");
        }
        refused(&place);
        let left: Vec<_> = keys
            .iter()
            .filter(|name| out.iter().all(|gone| *name != gone))
            .collect();
        assert_eq!(files().iter().collect::<Vec<_>>(), left, "nothing is made");
        assert!(!place.join("data.passphrase").exists(), "nothing is made");
        for name in out {
            fs::rename(place.join(name), at(name)).expect("put back");
        }
    }
    let words = place.write("data.passphrase", "of another marketplace\n");
    let open = |mode| fs::set_permissions(&words, fs::Permissions::from_mode(mode));
    open(0o644).expect("open");
    assert!(refused(&place).contains("can be read by others"));
    open(0o600).expect("closed");
    insta::assert_snapshot!(refused(&place), @r"
exit 3
--- out ---
--- err ---
error: cannot use the key `data/keys/release.key`
  caused by: the private key cannot be decrypted: the passphrase is wrong, or the file was altered
hint: the passphrase in `[PLACE]/data.passphrase` is of other keys, or of another time: put the right one there, or set `keys.passphrase_file` to the file with it
");
    fs::copy(place.join("safe"), place.join("data.passphrase")).expect("put back");
    drop(Server::start(&place, &[]));
    assert_eq!(files(), keys);
}

/// What was in clear goes on, and is encrypted by one command, however often it is interrupted.
#[test]
fn keys_in_clear_are_encrypted() {
    let place = Place::new();
    drop(Server::start(&place, &[]));
    let words = fs::read_to_string(place.join("data.passphrase")).expect("a passphrase");
    fs::remove_file(place.join("data.passphrase")).expect("from before");
    let path = |name: &str| place.join(&format!("data/keys/{name}.key"));
    let names = ["release", "root", "tokens", "trust"];
    let clear = names.map(|name| {
        let text = fs::read_to_string(path(name)).expect(name);
        let key = SigningKey::from_pem(&text, Some(words.trim())).expect("a key");
        fs::write(path(name), key.to_pem()).expect("in clear");
        key.to_pem()
    });
    let said = Server::log_of_a_start(&place);
    assert!(
        said.contains("`plimsoll keys encrypt --data data`"),
        "{said}"
    );
    assert!(!place.join("data.passphrase").exists());
    assert_eq!(listed(&place, "trust")["place"], "here, in clear");
    let encrypt = ["keys", "encrypt", "--data", "data"];
    insta::assert_snapshot!(place.run(&encrypt), @r"
exit 0
--- out ---
Encrypted 4 keys; the passphrase is in `[PLACE]/data.passphrase`
Keep a copy of it, apart from copies of the data folder. Copies of the keys from before are still in clear, or have the old passphrase.
--- err ---
");
    let said = Server::log_of_a_start(&place);
    assert!(!said.contains("keys encrypt"), "{said}");
    // Interrupted after any of them, the market goes on, and so does the command.
    for (name, text) in names.iter().zip(&clear) {
        fs::write(path(name), text).expect("not yet encrypted");
        drop(Server::start(&place, &[]));
        let file = format!("data/keys/{name}.key");
        assert_eq!(place.json(&encrypt)["encrypted"], json!([file]));
    }
    let said = place.run(&encrypt);
    assert!(said.contains("All keys are encrypted already"), "{said}");
    let words = fs::read_to_string(place.join("data.passphrase")).expect("a passphrase");
    for (name, text) in names.iter().zip(&clear) {
        let sealed = fs::read_to_string(path(name)).expect(name);
        let key = SigningKey::from_pem(&sealed, Some(words.trim())).expect("it opens the key");
        assert_eq!(key.to_pem(), *text);
        assert_eq!(mode(&path(name)), 0o600);
    }
    // Another passphrase: the old one opens, the new one closes.
    fs::rename(place.join("data.passphrase"), place.join("seen")).expect("taken out");
    let said = place.run(&encrypt);
    assert!(
        said.contains("put the file with its passphrase back"),
        "{said}"
    );
    let again = [&encrypt[..], &["--old-passphrase-file", "seen"]].concat();
    assert!(place.run(&again).contains("Encrypted 4 keys"));
    drop(Server::start(&place, &[]));
    assert!(place.run(&again).contains("All keys are encrypted already"));
}

/// A passphrase beside the mount of a container would be gone with the container.
#[test]
fn no_passphrase_is_made_beside_a_mount() {
    let place = Place::new();
    fs::create_dir(place.join("data")).expect("a folder");
    let script = "mount -t tmpfs none data && exec \"$0\" \"$@\"";
    let program = env!("CARGO_BIN_EXE_plimsoll");
    let serve = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];
    let mut command = Command::new("unshare");
    let apart = ["--user", "--map-root-user", "--mount"];
    command.args(apart).args(["sh", "-c", script, program]);
    let ran = command.args(serve).current_dir(place.path()).output();
    let said = place.show(&ran.expect("util-linux is everywhere"));
    if said.contains("unshare:") || said.contains("mount:") {
        eprintln!("skipped: no mounts of one's own here: {said}");
        return;
    }
    insta::assert_snapshot!(said, @r"
exit 3
--- out ---
--- err ---
error: `data` is a mount of its own, as in a container: a passphrase beside it would go when the container goes, and the keys with it
hint: write one yourself, `(umask 077; head -c 32 /dev/urandom | base64 > FILE)`, and set `keys.passphrase_file` to that file; mount it from outside, and not from what `data` is on
");
    assert!(!place.join("data.passphrase").exists());
}

/// As the guide has it: a key that is lost is put back from the copy, and no other takes its place.
#[test]
fn a_lost_key_is_put_back_from_the_copy() {
    let place = Place::new();
    drop(Server::start(&place, &[]));
    let release = listed(&place, "release");
    copy(&place.join("data/keys"), &place.join("safe"));
    fs::remove_file(place.join("data/keys/release.key")).expect("lost");
    assert_eq!(listed(&place, "release")["place"], "gone");
    insta::assert_snapshot!(refused(&place), @r"
exit 3
--- out ---
--- err ---
error: the key `data/keys/release.key` is gone, of which `release.pub` is the public half
hint: put your copy back. If there is none, remove `release.pub`: another key is made, which nobody who knows the old one believes
");
    // A key of another marketplace is not taken for it.
    let words = ["--passphrase-file", "data.passphrase"];
    place.run(&[&["keys", "make", "other"], &words[..]].concat());
    let other = place.join("other/online/release.key");
    fs::copy(other, place.join("data/keys/release.key")).expect("copied");
    insta::assert_snapshot!(refused(&place), @r"
exit 3
--- out ---
--- err ---
error: the key `release.key` is not the one of `data/keys/release.pub`
hint: one of them is of another marketplace or time: put back the two that belong together
");
    fs::copy(
        place.join("safe/release.key"),
        place.join("data/keys/release.key"),
    )
    .expect("copied");
    fs::remove_file(place.join("data/keys/trust.key")).expect("lost");
    assert!(refused(&place).contains("trust.key` is gone"));
    copy(&place.join("safe"), &place.join("data/keys"));
    drop(Server::start(&place, &[]));
    assert_eq!(listed(&place, "release"), release);
}

/// As the guide has it: everything is lost but the copies of the folder, of its keys and of the
/// passphrase.
#[test]
fn a_lost_machine_is_replaced_from_the_copies() {
    let place = Place::new();
    let first = Server::start(&place, &[]);
    let account = [
        "account",
        "create",
        "ann",
        "--email",
        "ann@example.com",
        "--data",
        "data",
    ];
    place.json(&account);
    drop(first);
    let keys = place.json(&["keys", "list", "--data", "data"]);
    copy(&place.join("data/keys"), &place.join("safe"));
    fs::remove_dir_all(place.join("data/keys")).expect("kept apart");
    copy(&place.join("data"), &place.join("backup"));
    fs::remove_dir_all(place.join("data")).expect("lost");
    fs::rename(place.join("data.passphrase"), place.join("words")).expect("kept apart");

    copy(&place.join("backup"), &place.join("data"));
    copy(&place.join("safe"), &place.join("data/keys"));
    assert!(refused(&place).contains("put the file with its passphrase back"));
    fs::rename(place.join("words"), place.join("data.passphrase")).expect("put back");
    let again = Server::start(&place, &[]);
    assert_eq!(
        again.ready["operator_password"],
        Value::Null,
        "it is the old one"
    );
    drop(again);
    assert_eq!(place.json(&["keys", "list", "--data", "data"]), keys);
    let accounts = place.json(&["account", "list", "--data", "data"]);
    assert_eq!(accounts.as_array().map(Vec::len), Some(2));
}

/// Interrupted wherever it may be, the replacement ends well, and nobody notices it.
#[test]
fn the_key_that_secrets_are_sealed_under_is_replaced() {
    let place = Place::new();
    let rotate = || place.run(&["keys", "rotate-trust", "--data", "data"]);
    let file = |name: &str| place.join("data/keys").join(name);
    let key_of = |server: &Server| {
        let answer = server.get("/log/key");
        answer.rsplit("\r\n").next().expect("a body").to_owned()
    };
    let server = Server::start(&place, &[]);
    let (address, before) = (server.address().to_owned(), key_of(&server));
    drop(server);
    let log_key = || key_of(&Server::start(&place, &["--listen", &address]));
    let first = fs::read(file("trust.key")).expect("a key");
    let said = rotate();
    let print = listed(&place, "trust")["fingerprint"]
        .as_str()
        .expect("a fingerprint")
        .to_owned();
    assert!(
        said.contains(&format!("Replaced trust.key by {print}")),
        "{said}"
    );
    assert_eq!(log_key(), before);

    // The old file opens nothing any more.
    copy(&place.join("data/keys"), &place.join("second"));
    fs::write(file("trust.key"), &first).expect("put back");
    fs::remove_file(file("trust.pub")).expect("taken out");
    let said = refused(&place);
    assert!(said.contains("put the new one in its place"), "{said}");
    copy(&place.join("second"), &place.join("data/keys"));

    // Killed when the next key was made, and nothing was sealed under it.
    let words = ["--passphrase-file", "data.passphrase"];
    place.run(&[&["keys", "make", "spare"], &words[..]].concat());
    let line = "This key opens the secret in the database, and is not that secret.\n";
    let spare = fs::read_to_string(place.join("spare/online/trust.key")).expect("a key");
    let spare = format!("{line}{spare}");
    fs::write(file("trust-next.key"), &spare).expect("made");
    let said = refused(&place);
    assert!(
        said.contains("run `plimsoll keys rotate-trust` again"),
        "{said}"
    );
    assert!(rotate().contains("Replaced trust.key by"));
    let found = || fs::read_to_string(file("trust.key")).expect("a key");
    assert_eq!(found(), spare, "it went on with that key");
    assert!(!file("trust-next.key").exists());
    assert_eq!(log_key(), before);

    // Killed between the two files.
    fs::rename(file("trust.key"), file("trust-next.key")).expect("not yet in place");
    fs::copy(place.join("second/trust.key"), file("trust.key")).expect("still there");
    assert!(rotate().contains("Replaced trust.key by"));
    assert_eq!(found(), spare);
    assert_eq!(log_key(), before);
}

/// Whoever cannot open the market makes no key: servers would not start beside it.
#[test]
fn a_replacement_that_cannot_be_sealed_under_is_not_made() {
    let place = Place::new();
    for (name, text) in [
        ("words", "one for the servers\n"),
        ("wrong-words", "another one\n"),
        ("p.toml", "[keys]\npassphrase_file = \"words\"\n"),
        ("wrong.toml", "[keys]\npassphrase_file = \"wrong-words\"\n"),
        (
            "away.toml",
            "[keys]\npassphrase_file = \"words\"\n[database]\nurl = \"postgres://127.0.0.1:1/away\"\n",
        ),
    ] {
        place.write(name, text);
    }
    place.run(&["keys", "make", "ceremony", "--passphrase-file", "words"]);
    copy(&place.join("ceremony/online"), &place.join("data/keys"));
    let with = ["--config", "p.toml"];
    drop(Server::start(&place, &with));
    let file = |name: &str| place.join("data/keys").join(name);
    let rotate = ["keys", "rotate-trust", "--data", "data"];
    let first = fs::read(file("trust.key")).expect("a key");
    for (config, why) in [
        (&[][..], "or set `keys.passphrase_file`"),
        (&["--config", "wrong.toml"], "or set `keys.passphrase_file`"),
        (&["--config", "away.toml"], "127.0.0.1:1"),
    ] {
        let said = place.run(&[&rotate[..], config].concat());
        assert!(said.starts_with("exit 3") && said.contains(why), "{said}");
        assert!(!file("trust-next.key").exists(), "{config:?}");
    }
    assert_eq!(fs::read(file("trust.key")).expect("a key"), first);
    drop(Server::start(&place, &with));
    // Only root can make it somebody else's, and must leave it theirs.
    let owned = std::os::unix::fs::chown(file("trust.key"), Some(4711), Some(4712)).is_ok();
    let said = place.run(&[&rotate[..], &with].concat());
    assert!(said.contains("Replaced trust.key by"), "{said}");
    for name in ["trust.key", "trust.pub"] {
        let about = fs::metadata(file(name)).expect("there");
        assert!(
            !owned || (about.uid(), about.gid()) == (4711, 4712),
            "{name}"
        );
    }
    let key = fs::read_to_string(file("trust.key")).expect("a key");
    assert!(key.contains("BEGIN ENCRYPTED PRIVATE KEY"), "{key}");
    drop(Server::start(&place, &with));
}

/// A new key is no secret for a database from before: it would be another one, and nobody told.
#[test]
fn a_database_from_before_the_replacement_is_not_opened_by_the_new_key() {
    let place = Place::new();
    drop(Server::start(&place, &[]));
    copy(&place.join("data"), &place.join("backup"));
    place.run(&["keys", "rotate-trust", "--data", "data"]);
    drop(Server::start(&place, &[]));
    copy(&place.join("data/keys"), &place.join("new"));
    fs::remove_dir_all(place.join("data")).expect("lost");
    copy(&place.join("backup"), &place.join("data"));
    copy(&place.join("new"), &place.join("data/keys"));
    insta::assert_snapshot!(refused(&place), @r"
exit 2
--- out ---
--- err ---
error: the database is from before `keys/trust.key` was replaced, and lacks the secret that this key opens: put the `trust.key` and `trust.pub` of that time in their place, or a later copy of the database
");
    copy(&place.join("backup/keys"), &place.join("data/keys"));
    drop(Server::start(&place, &[]));
}

#[test]
fn a_root_key_is_made_where_none_is_and_opened_by_words_of_its_owner_alone() {
    let place = Place::new();
    fs::create_dir(place.join("second")).expect("a folder");
    insta::assert_snapshot!(place.run(&["keys", "make-root", "second"]), @r"
exit 3
--- out ---
--- err ---
error: cannot make the folder `second`: it is there
hint: name a folder that is not there: keys are never written over others
");
    let words = place.join("second.passphrase");
    assert!(!words.exists(), "nothing is left behind");
    fs::remove_dir(place.join("second")).expect("removed");
    let said = place.run(&["keys", "make-root", "second"]);
    assert!(said.contains("Made a root key"), "{said}");
    let root = fs::read_to_string(place.join("second/root.pub")).expect("a key");
    let nothing = json!({
        "schema_version": 1, "market": "market.example", "root_key": root,
        "roots": [], "successions": [],
    });
    place.write("roots.json", nothing.to_string());
    let sign = [
        "keys",
        "sign-roots",
        "roots.json",
        "--root-key",
        "second/root.key",
    ];
    let said = place.run(&sign);
    assert!(
        said.contains("Time: ") && said.contains("Signed with root key"),
        "{said}"
    );
    fs::set_permissions(&words, fs::Permissions::from_mode(0o644)).expect("changed");
    let said = place.run(&sign);
    assert!(said.contains("can be read by others"), "{said}");
}
