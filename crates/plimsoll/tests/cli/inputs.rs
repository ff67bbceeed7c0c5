//! What does not make sense, or is not there: each with a clear word and the right code.

use crate::{sample, support::Place};

#[test]
fn no_such_layout() {
    insta::assert_snapshot!(Place::new().run(&["scan", "oci:missing"]), @r#"
exit 3
--- out ---
--- err ---
warning: there is no advisory database yet: this uses the built-in starter set of 64 advisories, which finds only a few well-known vulnerabilities; run `plimsoll advisories update`
error: there is no `missing`
hint: relative paths count from the current folder
"#);
}

#[test]
fn unknown_tag() {
    let place = Place::new();
    sample::image(&place);
    insta::assert_snapshot!(place.run(&["certify", "oci:image:9.9"]), @r#"
exit 2
--- out ---
--- err ---
error: image has no image `9.9`; it has `1.4`
"#);
}

#[test]
fn no_archive() {
    let place = Place::new();
    place.write("notes.txt", "this is no tar file");
    insta::assert_snapshot!(place.run(&["sbom", "docker-archive:notes.txt"]), @r#"
exit 3
--- out ---
--- err ---
error: notes.txt: no tar file, or a truncated one: 19 bytes are left where 512 are needed; copy it again
"#);
}

#[test]
fn no_reference() {
    insta::assert_snapshot!(Place::new().run(&["scan", "host/UPPER:1"]), @r#"
exit 2
--- out ---
--- err ---
error: invalid value 'host/UPPER:1' for '<IMAGE>': `host/UPPER` is no repository name: use lower-case letters, digits, `.`, `_`, `-`, in parts joined by `/`

For more information, try '--help'.
"#);
}

#[test]
fn nobody_listens_there() {
    let output = Place::new().output(&["sbom", "127.0.0.1:1/a/b:1"]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("127.0.0.1:1"), "{said}");
}

#[test]
fn missing_advisories() {
    let place = Place::new();
    sample::image(&place);
    insta::assert_snapshot!(place.run(&["scan", "oci:image:1.4", "--advisories", "no.db"]), @r#"
exit 3
--- out ---
--- err ---
error: cannot read the advisory database no.db
  caused by: No such file or directory (os error 2)
hint: make one with `plimsoll advisories update` or `plimsoll advisories import`
"#);
}

#[test]
fn no_key() {
    let place = Place::new();
    sample::image(&place);
    place.write("key.pem", "no key");
    insta::assert_snapshot!(place.run(&["verify", "oci:image:1.4", "--key", "key.pem", "--identity", "x/y"]), @r#"
exit 2
--- out ---
--- err ---
error: `key.pem` is no public key
  caused by: this is no key file: expected a PEM block of at most 16384 bytes
"#);
}

#[test]
fn misspelt_command() {
    insta::assert_snapshot!(Place::new().run(&["scna", "oci:image"]), @r#"
exit 2
--- out ---
--- err ---
error: unrecognized subcommand 'scna'

  tip: a similar subcommand exists: 'scan'

Usage: plimsoll [OPTIONS] <COMMAND>

For more information, try '--help'.
"#);
}

#[test]
fn no_marketplace() {
    insta::assert_snapshot!(Place::new().run(&["account", "list", "--data", "nowhere"]), @r#"
exit 2
--- out ---
--- err ---
error: there is no marketplace in `nowhere`
hint: name its data folder with --data or `data.dir`; `plimsoll serve` makes a new one
"#);
}

#[test]
fn a_reader_that_stops_reading_is_no_failure() {
    use std::process::Stdio;
    let place = Place::new();
    sample::image(&place);
    let mut child = place
        .command(&["sbom", "oci:image:1.4"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the binary ends");
    assert_eq!(place.show(&output), "exit 0\n--- out ---\n--- err ---\n");
}
