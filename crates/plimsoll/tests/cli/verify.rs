//! `verify` over a signed layout.

use crate::{sample, support::Place};

const VERIFY: [&str; 4] = ["verify", "oci:image:1.4", "--key", "release.pub"];

#[test]
fn a_signature_holds() {
    let place = Place::new();
    sample::image(&place);
    sample::sign(&place, "market.example/acme/db", 7);
    insta::assert_snapshot!(place.run(&VERIFY));
    let digest = place.output(&[&VERIFY[..], &["--digest"]].concat());
    assert!(String::from_utf8_lossy(&digest.stdout).starts_with("sha256:"));
    let named = [&VERIFY[..], &["--identity", "market.example/acme/db"]].concat();
    assert_eq!(place.output(&named).status.code(), Some(0));
    assert_eq!(place.json(&VERIFY)["verified"], true);
}

#[test]
fn another_name_is_refused() {
    let place = Place::new();
    sample::image(&place);
    sample::sign(&place, "market.example/acme/db", 7);
    let named = [&VERIFY[..], &["--identity", "market.example/evil/db"]].concat();
    insta::assert_snapshot!(place.run(&named));
}

#[test]
fn another_key_is_refused() {
    let place = Place::new();
    sample::image(&place);
    sample::sign(&place, "market.example/acme/db", 7);
    let other = trust::SigningKey::from_scalar(&[8; 32]).expect("a key");
    place.write("release.pub", other.public().to_pem());
    let output = place.output(&[&VERIFY[..], &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(4));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["verified"], false);
}

#[test]
fn unsigned_is_refused() {
    let place = Place::new();
    sample::image(&place);
    let key = trust::SigningKey::from_scalar(&[7; 32]).expect("a key");
    place.write("release.pub", key.public().to_pem());
    insta::assert_snapshot!(place.run(&VERIFY));
}
