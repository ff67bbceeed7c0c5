//! cosign's signatures: a recorded one, ours, and what is refused.

use std::collections::BTreeMap;

use oci::{Digest, RawManifest};
use plimsoll_trust::{
    PublicKey,
    cosign::{
        self, AttachError, MAX_SIGNATURES, Signature, SignatureImage, Trusted, Verified,
        VerifyError,
    },
};
use proptest::prelude::*;

use crate::{PAYLOAD, cosign_pub, key};

const REPOSITORY: &str = "127.0.0.1:5061/lab/app";

fn image() -> Digest {
    "sha256:4c1f5aee05907f3ef45cbd88154d16366f31d8b38f792c2ffe69d98d3e1c8778"
        .parse()
        .expect("a digest")
}

fn recorded() -> RawManifest {
    RawManifest::parse(include_bytes!("../fixtures/manifest.json").to_vec(), None)
        .expect("cosign's manifest")
}

/// Signs the image with key `number`, as `repository`.
fn signed(number: u8, repository: &str) -> Signature {
    cosign::sign(&key(number), cosign::payload(repository, &image(), None)).expect("signed")
}

fn carry(signatures: &[Signature]) -> SignatureImage {
    cosign::signature_manifest(signatures).expect("few signatures")
}

fn check(
    carried: &SignatureImage,
    keys: &[PublicKey],
    identity: Option<&str>,
) -> Result<Verified, VerifyError> {
    let fetch = |digest: &Digest| {
        let mut blobs = carried.payloads.iter();
        blobs.find(|p| Digest::of(p) == *digest).cloned()
    };
    cosign::verify(
        &carried.manifest,
        &fetch,
        &image(),
        Trusted::keys(keys),
        identity,
    )
}

#[test]
fn the_recorded_signature_holds() {
    let fetch = |_: &Digest| Some(PAYLOAD.to_vec());
    let verified = cosign::verify(
        &recorded(),
        &fetch,
        &image(),
        Trusted::keys(&[key(1).public(), cosign_pub()]),
        Some(REPOSITORY),
    )
    .expect("cosign's signature");
    assert_eq!(verified.key_id, cosign_pub().key_id());
    assert_eq!(verified.docker_reference, REPOSITORY);
}

#[test]
fn our_payload_and_manifest_are_cosigns_byte_for_byte_but_for_order() {
    assert_eq!(cosign::payload(REPOSITORY, &image(), None), PAYLOAD);
    let theirs = recorded();
    let ours = carry(&[signed(1, REPOSITORY)]);
    let their_image = theirs.image().expect("an image");
    let our_image = ours.manifest.image().expect("an image");
    assert_eq!(our_image.layers[0].digest, their_image.layers[0].digest);
    assert_eq!(our_image.layers[0].size, their_image.layers[0].size);
    assert_eq!(our_image.config.media_type, their_image.config.media_type);
    assert_eq!(our_image.config.size, their_image.config.size);
    let parsed = RawManifest::parse(ours.manifest.bytes.clone(), None).expect("a manifest");
    assert_eq!(parsed, ours.manifest);
    assert_eq!(our_image.config.digest, Digest::of(&ours.config));
}

#[test]
fn annotations_are_signed() {
    let extra = BTreeMap::from([("plimsoll.certified".to_owned(), "yes".to_owned())]);
    let payload = cosign::payload("h.example/a", &image(), Some(&extra));
    insta::assert_snapshot!(String::from_utf8(payload).expect("JSON"), @r#"{"critical":{"identity":{"docker-reference":"h.example/a"},"image":{"docker-manifest-digest":"sha256:4c1f5aee05907f3ef45cbd88154d16366f31d8b38f792c2ffe69d98d3e1c8778"},"type":"cosign container image signature"},"optional":{"plimsoll.certified":"yes"}}"#);
}

#[test]
fn the_tag_is_where_clients_look() {
    let tag = cosign::signature_tag(&Digest::of(b"")).expect("a tag");
    insta::assert_snapshot!(tag, @"sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.sig");
    let long = format!("sha512:{}", "0".repeat(128))
        .parse()
        .expect("a digest");
    assert_eq!(cosign::signature_tag(&long), None);
}

#[test]
fn signatures_are_added_once() {
    let first = carry(&[signed(1, REPOSITORY)]);
    let again = cosign::append(&first.manifest, &[signed(1, REPOSITORY)]).expect("room");
    assert_eq!(again.manifest, first.manifest);
    assert!(again.payloads.is_empty());
    let both = cosign::append(&recorded(), &[signed(2, REPOSITORY)]).expect("room");
    assert_eq!(both.manifest.image().expect("an image").layers.len(), 2);
    let fetch = |_: &Digest| Some(PAYLOAD.to_vec());
    for key in [cosign_pub(), key(2).public()] {
        cosign::verify(
            &both.manifest,
            &fetch,
            &image(),
            Trusted::keys(&[key]),
            None,
        )
        .expect("both hold");
    }
}

#[test]
fn there_is_a_limit() {
    let many: Vec<_> = (0..=MAX_SIGNATURES)
        .map(|n| cosign::sign(&key(1), n.to_string().into_bytes()).expect("signed"))
        .collect();
    assert_eq!(
        cosign::signature_manifest(&many),
        Err(AttachError::TooMany(MAX_SIGNATURES + 1))
    );
}

#[test]
fn the_repository_is_compared_without_the_tag() {
    let carried = carry(&[signed(1, "index.docker.io/acme/db:1.4")]);
    let keys = [key(1).public()];
    assert!(check(&carried, &keys, Some("docker.io/acme/db")).is_ok());
    assert!(check(&carried, &keys, Some("h.example/acme/db")).is_err());
}

#[test]
fn says_why_a_signature_is_refused() {
    let keys = [key(1).public()];
    let refused = |carried: &SignatureImage, identity| {
        check(carried, &keys, identity)
            .expect_err("refused")
            .to_string()
    };
    insta::assert_snapshot!(refused(&carry(&[]), None), @"the image is not signed: the manifest carries no cosign signature");
    insta::assert_snapshot!(refused(&carry(&[signed(2, REPOSITORY)]), None), @"the signature over sha256:a791b1d584dee5a292794c98cfd1df408a415dd4564e7db5cd1babb07edebcc2 was made by none of the 1 trusted keys (f857ae4ed6e34e33761aea25caaee3fe54a15960fb92dcd63a375ab121deb2a9), or the payload was altered");
    insta::assert_snapshot!(refused(&carry(&[signed(1, "h.example/other")]), Some("h.example/this")), @"key f857ae4ed6e34e33761aea25caaee3fe54a15960fb92dcd63a375ab121deb2a9 signed the image as `h.example/other`, not as `h.example/this`");
    let elsewhere = cosign::payload(REPOSITORY, &Digest::of(b"other"), None);
    let other = carry(&[cosign::sign(&key(1), elsewhere).expect("signed")]);
    insta::assert_snapshot!(refused(&other, None), @"key f857ae4ed6e34e33761aea25caaee3fe54a15960fb92dcd63a375ab121deb2a9 signed sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa, not sha256:4c1f5aee05907f3ef45cbd88154d16366f31d8b38f792c2ffe69d98d3e1c8778");
    let no_json = carry(&[cosign::sign(&key(1), b"hello".to_vec()).expect("signed")]);
    insta::assert_snapshot!(refused(&no_json, None), @"key f857ae4ed6e34e33761aea25caaee3fe54a15960fb92dcd63a375ab121deb2a9 signed something else than an image: expected value at line 1 column 1");
    let mut lost = carry(&[signed(1, REPOSITORY)]);
    lost.payloads.clear();
    insta::assert_snapshot!(refused(&lost, None), @"the signed payload sha256:a791b1d584dee5a292794c98cfd1df408a415dd4564e7db5cd1babb07edebcc2 is missing: push the signature again");
    let mut odd = signed(1, REPOSITORY);
    odd.signature = "!".to_owned();
    insta::assert_snapshot!(refused(&carry(&[odd]), None), @"the signature is malformed: the signature is not base64");
}

#[test]
fn an_altered_payload_is_told_from_an_unknown_key() {
    let carried = carry(&[signed(1, REPOSITORY)]);
    let fetch = |_: &Digest| Some(b"altered".to_vec());
    let reason = cosign::verify(
        &carried.manifest,
        &fetch,
        &image(),
        Trusted::keys(&[key(1).public()]),
        None,
    );
    assert!(matches!(reason, Err(VerifyError::PayloadAltered { .. })));
}

#[test]
fn one_good_signature_among_bad_ones_is_enough() {
    let elsewhere = cosign::payload(REPOSITORY, &Digest::of(b"other"), None);
    let carried = carry(&[
        signed(2, REPOSITORY),
        cosign::sign(&key(1), elsewhere).expect("signed"),
        signed(1, REPOSITORY),
    ]);
    let verified = check(&carried, &[key(1).public()], Some(REPOSITORY)).expect("the third holds");
    assert_eq!(verified.key_id, key(1).public().key_id());
}

proptest! {
    #[test]
    fn never_panics(payload in prop::collection::vec(any::<u8>(), 0..100), text in "\\PC{0,60}") {
        let by_key = carry(&[cosign::sign(&key(1), payload.clone()).expect("signed")]);
        prop_assert!(check(&by_key, &[key(1).public()], Some(&text)).is_err());
        let wild = carry(&[Signature { payload, signature: text }]);
        prop_assert!(check(&wild, &[key(1).public()], None).is_err());
    }
}
