//! Sigstore bundles: as publishers' signatures, and as what is said of a release.

use app::{
    market::{Decision, SubmissionState},
    oci::{Descriptor, Digest, RawManifest, media_type},
};
use store::contents::{ReferrerPage, referrers};
use trust::{
    SigningKey,
    bundle::{self, BUNDLE, PROVENANCE, SIGNATURE, TEST_RESULT},
    cosign,
    referrer::EMPTY,
};

use crate::{
    images::Image,
    world::{HOST, World, told},
};

const STAGING: &str = "staging/acme/db";

/// Pushes a bundle as cosign 3 does.
async fn push_bundle(world: &World, image: &Image, key: &SigningKey, kind: &str) {
    let manifest = image.manifest();
    let digest = Digest::of(&manifest);
    let subject = Descriptor::new(
        media_type::OCI_MANIFEST,
        digest.clone(),
        manifest.len() as u64,
    );
    let bundle =
        bundle::sign(key, (STAGING, &digest), kind, serde_json::json!({})).expect("signed");
    let carrier = bundle::manifest(&bundle, kind, subject, world.app.now());
    for blob in [EMPTY, &bundle] {
        world.push_blob(STAGING, blob).await.expect("pushed");
    }
    world
        .push_manifest(STAGING, None, carrier.bytes)
        .await
        .expect("pushed");
}

/// Pushes a signature as cosign 2 does with `--registry-referrers-mode=oci-1-1`: under no tag,
/// the kind as its configuration's.
async fn push_referrer(world: &World, image: &Image, key: &SigningKey, named: &Digest) {
    let payload = cosign::payload(&format!("{HOST}/{STAGING}"), named, None);
    let signature = cosign::sign(key, payload).expect("signed");
    let signed = cosign::signature_manifest(&[signature]).expect("a signature's image");
    for blob in signed.payloads.iter().chain([&signed.config]) {
        world.push_blob(STAGING, blob).await.expect("pushed");
    }
    let bytes = image.manifest();
    let subject = Descriptor::new(
        media_type::OCI_MANIFEST,
        Digest::of(&bytes),
        bytes.len() as u64,
    );
    let manifest = serde_json::from_slice(&signed.manifest.bytes);
    let mut manifest: serde_json::Value = manifest.expect("a manifest");
    manifest["config"]["mediaType"] = "application/vnd.dev.cosign.artifact.sig.v1+json".into();
    manifest["subject"] = serde_json::json!(subject);
    let manifest = manifest.to_string().into_bytes();
    let pushed = world.push_manifest(STAGING, None, manifest).await;
    pushed.expect("pushed");
}

both! {
    async fn a_referrer_of_cosign_2_by_a_registered_key_is_a_signature(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = Image::vulnerable("one");
        let digest = world.push(Some("1.0"), &image).await;
        let stranger = SigningKey::from_scalar(&[77; 32]).expect("a key");
        push_referrer(&world, &image, &stranger, &digest).await;
        push_referrer(&world, &image, &world.key, &digest).await;
        let (submission, reason) = world.signature_looked_for().await;
        assert_eq!(reason, "signed by a key the publisher registered");
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
    }

    async fn a_referrer_of_cosign_2_by_another_key_or_of_another_image_is_refused(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = Image::vulnerable("one");
        let digest = world.push(Some("1.0"), &image).await;
        let stranger = SigningKey::from_scalar(&[77; 32]).expect("a key");
        push_referrer(&world, &image, &stranger, &digest).await;
        let (submission, reason) = world.signature_looked_for().await;
        assert!(reason.contains("made by none of the 1 trusted keys"), "{reason}");
        told(world.decide(&submission, Decision::Approve, "").await);

        let other = Image::vulnerable("two");
        world.push(Some("1.0"), &other).await;
        push_referrer(&world, &other, &world.key, &digest).await;
        let (submission, reason) = world.signature_looked_for().await;
        assert!(reason.contains(&format!("signed {digest}, not sha256:")), "{reason}");
        told(world.decide(&submission, Decision::Approve, "").await);
    }

    async fn a_bundle_by_a_registered_key_is_a_signature(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = Image::vulnerable("one");
        world.push(Some("1.0"), &image).await;
        let stranger = SigningKey::from_scalar(&[77; 32]).expect("a key");
        push_bundle(&world, &image, &stranger, SIGNATURE).await;
        push_bundle(&world, &image, &world.key, SIGNATURE).await;
        let (submission, reason) = world.signature_looked_for().await;
        assert_eq!(reason, "signed by a key the publisher registered");
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
    }

    async fn a_bundle_by_another_key_is_refused(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = Image::vulnerable("one");
        world.push(Some("1.0"), &image).await;
        let stranger = SigningKey::from_scalar(&[77; 32]).expect("a key");
        push_bundle(&world, &image, &stranger, SIGNATURE).await;
        let (submission, reason) = world.signature_looked_for().await;
        assert!(reason.contains("signed by none of the 1 trusted keys"), "{reason}");
        told(world.decide(&submission, Decision::Approve, "").await);
    }

    async fn another_statement_is_no_signature(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = Image::vulnerable("one");
        world.push(Some("1.0"), &image).await;
        push_bundle(&world, &image, &world.key, PROVENANCE).await;
        let (_, reason) = world.signature_looked_for().await;
        assert!(reason.contains("and no signature"), "{reason}");
    }

    async fn a_release_says_how_it_came_about(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = Image::vulnerable("one");
        let submission = world.released("1.0", &image).await;
        assert_eq!(submission.state, SubmissionState::Released);
        let digest = Digest::of(&image.manifest());
        let mut tx = world.db.read().await.expect("a connection");
        let repository = store::repositories::find_by_name(&mut tx, "acme/db").await;
        let repository = repository.expect("read").expect("there");
        let page = ReferrerPage {
            subject: digest.as_str(),
            artifact_type: Some(BUNDLE),
            last: "",
            limit: 10,
        };
        let rows = referrers(&mut tx, &repository.id, page).await.expect("read");
        let mut said = std::collections::BTreeMap::new();
        for row in rows {
            let row = store::repositories::find_manifest(&mut tx, &repository.id, &row.digest).await;
            let row = row.expect("read").expect("there");
            assert!(!String::from_utf8_lossy(&row.content).contains("staging"));
            let manifest = RawManifest::parse(row.content, None).expect("a manifest");
            let layer = manifest.image().expect("an image").layers[0].digest.clone();
            let bytes = world.blob(&layer).await;
            let keys = [world.app.release_key()];
            let verified = bundle::verify(&bytes, &digest, &keys).expect("signed");
            said.insert(verified.predicate_type, verified.predicate);
        }
        let kinds: Vec<_> = said.keys().map(String::as_str).collect();
        assert_eq!(kinds, [TEST_RESULT, SIGNATURE, PROVENANCE]);
        let sealed = &said[PROVENANCE]["buildDefinition"]["internalParameters"]["publisherSignature"];
        assert_eq!(sealed["keyId"], world.key.public().key_id());
        assert_eq!(sealed["form"], "cosign");
        assert_eq!(sealed["digest"], digest.as_str());
        assert!(!said[PROVENANCE].to_string().contains("staging"));
        let passed = said[TEST_RESULT]["passedTests"].as_array().expect("a list");
        assert!(!passed.is_empty(), "{}", said[TEST_RESULT]);
    }
}
