//! `certify` over a small image with a password in its environment.

use crate::{
    sample,
    support::{NOW, Place},
};

#[test]
fn failed_checks_come_with_evidence_and_advice() {
    let place = Place::new();
    sample::image(&place);
    insta::assert_snapshot!(place.run(&["certify", "oci:image:1.4", "--now", NOW]));
}

#[test]
fn json_has_every_check() {
    let place = Place::new();
    sample::image(&place);
    let output = place.output(&["certify", "oci:image:1.4", "--now", NOW, "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["passes"], false);
    let results = document["images"][0]["results"]
        .as_array()
        .expect("results");
    assert_eq!(results.len(), ::certify::CHECKS.len());
}
