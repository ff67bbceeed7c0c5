//! `verify` over a signed layout.

use crate::{sample, support::Place};

const VERIFY: [&str; 4] = ["verify", "oci:image:1.4", "--key", "release.pub"];

#[test]
fn a_signature_holds() {
    let place = Place::new();
    sample::image(&place);
    sample::sign(&place, "market.example/acme/db", 7);
    insta::assert_snapshot!(place.run(&VERIFY), @r#"
exit 0
--- out ---
Verified sha256:5d7ac80524200ac1c4f0108dafbcb24cf498e39f55ea077e8498c14b4c3319b3
  signed as market.example/acme/db
  by key    ce97ec20d43661a19b215cb2e376a698d0b4aa2aa5b4c7854e916bd05082fcee
--- err ---
"#);
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
    insta::assert_snapshot!(place.run(&named), @r#"
exit 4
--- out ---
--- err ---
error: key ce97ec20d43661a19b215cb2e376a698d0b4aa2aa5b4c7854e916bd05082fcee signed the image as `market.example/acme/db`, not as `market.example/evil/db`
hint: for a copy in another registry give the signed name with --identity
"#);
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
    insta::assert_snapshot!(place.run(&VERIFY), @r#"
exit 4
--- out ---
--- err ---
error: the image is not signed: the manifest carries no cosign signature
hint: releases are signed as a whole: verify the tag or the index's digest, not one platform's
"#);
}
