//! What does not make sense, or is not there: each with a clear word and the right code.

use crate::{sample, support::Place};

#[test]
fn no_such_layout() {
    insta::assert_snapshot!(Place::new().run(&["scan", "oci:missing"]));
}

#[test]
fn unknown_tag() {
    let place = Place::new();
    sample::image(&place);
    insta::assert_snapshot!(place.run(&["certify", "oci:image:9.9"]));
}

#[test]
fn no_archive() {
    let place = Place::new();
    place.write("notes.txt", "this is no tar file");
    insta::assert_snapshot!(place.run(&["sbom", "docker-archive:notes.txt"]));
}

#[test]
fn no_reference() {
    insta::assert_snapshot!(Place::new().run(&["scan", "host/UPPER:1"]));
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
    insta::assert_snapshot!(place.run(&["scan", "oci:image:1.4", "--advisories", "no.db"]));
}

#[test]
fn no_key() {
    let place = Place::new();
    sample::image(&place);
    place.write("key.pem", "no key");
    insta::assert_snapshot!(place.run(&["verify", "oci:image:1.4", "--key", "key.pem"]));
}

#[test]
fn misspelt_command() {
    insta::assert_snapshot!(Place::new().run(&["scna", "oci:image"]));
}

#[test]
fn no_marketplace() {
    insta::assert_snapshot!(Place::new().run(&["account", "list", "--data", "nowhere"]));
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
