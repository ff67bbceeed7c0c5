//! Sigstore bundles: one of cosign 3's own, and ours.

use oci::{Descriptor, Digest, media_type};
use plimsoll_trust::{
    PublicKey,
    bundle::{self, BUNDLE, BundleError, PROVENANCE, SIGNATURE},
    referrer::EMPTY,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::key;

const NAME: &str = "market.example/acme/db";

/// A bundle in cosign 3's own form: no name, annotations beside the digest.
fn as_cosign(bundle: &[u8]) -> Value {
    serde_json::from_slice(bundle).expect("JSON")
}

#[test]
fn a_statement_holds_for_its_image_and_key_only() {
    let (image, other) = (Digest::of(b"image"), Digest::of(b"other"));
    let bytes = bundle::sign(&key(7), (NAME, &image), SIGNATURE, json!({})).expect("signed");
    assert_eq!(
        bytes,
        bundle::sign(&key(7), (NAME, &image), SIGNATURE, json!({})).expect("signed")
    );
    let keys: Vec<PublicKey> = vec![key(8).public(), key(7).public()];
    let verified = bundle::verify(&bytes, &image, &keys).expect("it holds");
    assert_eq!(verified.key_id, key(7).public().key_id());
    assert_eq!(verified.predicate_type, SIGNATURE);
    assert!(matches!(
        bundle::verify(&bytes, &other, &keys),
        Err(BundleError::OtherDigest { .. })
    ));
    assert!(matches!(
        bundle::verify(&bytes, &image, &keys[..1]),
        Err(BundleError::UnknownKey(tried)) if tried.len() == 1
    ));

    let mut altered = as_cosign(&bytes);
    let provenance =
        bundle::sign(&key(9), (NAME, &image), PROVENANCE, json!({"a": 1})).expect("signed");
    altered["dsseEnvelope"]["payload"] = as_cosign(&provenance)["dsseEnvelope"]["payload"].clone();
    let altered = altered.to_string();
    assert!(matches!(
        bundle::verify(altered.as_bytes(), &image, &keys),
        Err(BundleError::UnknownKey(_))
    ));
    let mut kind = as_cosign(&bytes);
    kind["mediaType"] = json!("application/vnd.dev.sigstore.bundle.v0.4+json");
    assert!(matches!(
        bundle::verify(kind.to_string().as_bytes(), &image, &keys),
        Err(BundleError::Kind(_))
    ));
    let blob = json!({ "mediaType": BUNDLE, "messageSignature": {} }).to_string();
    assert!(matches!(
        bundle::verify(blob.as_bytes(), &image, &keys),
        Err(BundleError::Kind(_))
    ));
    assert_eq!(
        bundle::verify(&vec![b' '; bundle::MAX_BUNDLE_BYTES + 1], &image, &keys),
        Err(BundleError::TooLarge)
    );
}

#[test]
fn a_statement_is_signed_again_by_another_key() {
    let image = Digest::of(b"image");
    let first = bundle::sign(&key(7), (NAME, &image), PROVENANCE, json!({"a": 1})).expect("signed");
    let keys = [key(9).public(), key(7).public()];
    let said = bundle::verify(&first, &image, &keys).expect("it holds");
    assert_eq!(said.key_id, key(7).public().key_id());
    let second = bundle::seal(&key(9), &said.payload).expect("signed");
    let verified = bundle::verify(&second, &image, &keys).expect("it holds");
    let key_id = key(9).public().key_id();
    assert_eq!(verified, bundle::Verified { key_id, ..said });
}

#[test]
fn a_bundle_lies_beside_its_image_as_cosigns_do() {
    let image = Digest::of(b"image");
    let subject = Descriptor::new(media_type::OCI_MANIFEST, image.clone(), 5);
    let bytes = bundle::sign(&key(7), (NAME, &image), SIGNATURE, json!({})).expect("signed");
    let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    let manifest = bundle::manifest(&bytes, SIGNATURE, subject.clone(), now);
    let read = oci::RawManifest::parse(manifest.bytes.clone(), None).expect("a manifest");
    assert_eq!(read.artifact_type(), Some(BUNDLE));
    let image = read.image().expect("an image manifest");
    assert_eq!(image.subject, Some(subject));
    assert_eq!(image.config.digest, Digest::of(EMPTY));
    assert_eq!(image.layers[0].digest, Digest::of(&bytes));
    assert_eq!(
        image.annotations.as_ref().expect("some")["dev.sigstore.bundle.predicateType"],
        SIGNATURE
    );
}

proptest! {
    #[test]
    fn what_is_no_bundle_is_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(bundle::verify(&bytes, &Digest::of(b"image"), &[key(7).public()]).is_err());
    }
}

/// The recorded bundle of cosign 3.1.1; its key is not kept, so that it must be refused by it.
const RECORDED: &str = r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"kaH8RUdoKeL7xBUPdrzEWAIx8N7sVCwbpNfuAVSALo8="}},"dsseEnvelope":{"payload":"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJkaWdlc3QiOnsic2hhMjU2IjoiYzY3NjY1ODk1YzM3ZDI4MjQ3ZGQxYTJjNTliYTk4NzM1ZWFlNDVhYzlhMGZmOWRkZWMxNGJjOTdhN2I3NzdkNSJ9LCJhbm5vdGF0aW9ucyI6e319XSwicHJlZGljYXRlVHlwZSI6Imh0dHBzOi8vc2lnc3RvcmUuZGV2L2Nvc2lnbi9zaWduL3YxIiwicHJlZGljYXRlIjp7fX0=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"MEQCIDdCjkqt4D3FKwI5j0ZmmMW1jw/wf4Hy0GZNUow5B1WLAiBjlJ57UT6mHA1WnHCPoNhb1uTVS26Zk+d5NnL+bVy/Hg=="}]}}"#;

#[test]
fn cosigns_own_form_is_read() {
    let digest: Digest = "sha256:c67665895c37d28247dd1a2c59ba98735eae45ac9a0ff9ddec14bc97a7b777d5"
        .parse()
        .expect("a digest");
    let refused = bundle::verify(RECORDED.as_bytes(), &digest, &[key(7).public()]);
    assert!(
        matches!(refused, Err(BundleError::UnknownKey(_))),
        "{refused:?}"
    );
    // Signed anew by a key that is at hand, it holds: form and subject are as they must be.
    let mut bundle = as_cosign(RECORDED.as_bytes());
    let payload = bundle["dsseEnvelope"]["payload"]
        .as_str()
        .expect("text")
        .to_owned();
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let payload = STANDARD.decode(payload).expect("base64");
    let head = format!("DSSEv1 28 application/vnd.in-toto+json {} ", payload.len());
    let signature = key(7).sign_der(&[head.as_bytes(), &payload].concat());
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = json!(STANDARD.encode(signature));
    let verified = bundle::verify(bundle.to_string().as_bytes(), &digest, &[key(7).public()]);
    assert_eq!(verified.expect("it holds").predicate_type, SIGNATURE);
}
