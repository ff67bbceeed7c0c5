//! Keys and certificates: proving that they are one's own, when they count, and Notation.

use app::{
    AppError, NewKey, PublisherKey, Submission,
    market::Decision,
    oci::{Digest, RawManifest, media_type},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use store::contents::{ReferrerPage, referrers};
use trust::{
    SigningKey, certificate_pem,
    notation::{self, Certificate, Certified, Trusted, certify},
    referrer::EMPTY,
};

use crate::{
    images::Image,
    world::{World, told},
};

const STAGING: &str = "staging/acme/db";

fn key(number: u8) -> SigningKey {
    SigningKey::from_scalar(&[number; 32]).expect("a key")
}

/// Registers a key or certificate without proving it.
async fn add(world: &World, pem: String) -> PublisherKey {
    let new = NewKey {
        name: "fresh".to_owned(),
        pem,
        valid_from: None,
    };
    let added = world.app.add_publisher_key(&world.owner, "acme", &new);
    added.await.expect("added")
}

async fn prove(
    world: &World,
    added: &PublisherKey,
    proof: &[u8],
) -> Result<PublisherKey, AppError> {
    let (id, proof) = (added.id.as_str(), STANDARD.encode(proof));
    let proven = (world.app).prove_publisher_key(&world.owner, "acme", id, &proof);
    proven.await
}

fn is_verified(submission: &Submission) -> bool {
    submission
        .signature
        .as_ref()
        .is_some_and(|found| found.0["verified"] == true)
}

/// Pushes an image and Notation's signature of it.
async fn push_notation(world: &World, signer: Certified<'_>) -> Image {
    let image = Image::vulnerable("one");
    world.push(Some("1.0"), &image).await;
    let manifest = RawManifest::parse(image.manifest(), Some(media_type::OCI_MANIFEST));
    let subject = manifest.expect("a manifest").descriptor();
    let envelope = signer.sign(&subject, world.app.now()).expect("signed");
    let carrier = signer.manifest(&envelope, subject, world.app.now());
    for blob in [EMPTY, &envelope] {
        world.push_blob(STAGING, blob).await.expect("pushed");
    }
    let pushed = world.push_manifest(STAGING, None, carrier.bytes).await;
    pushed.expect("pushed");
    image
}

both! {
    async fn a_key_counts_once_it_is_proven(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let added = add(&world, key(42).public().to_pem()).await;
        let digest = world.push(Some("1.0"), &Image::vulnerable("one")).await;
        world.sign(&key(42), &digest).await;
        let (submission, reason) = world.signature_looked_for().await;
        assert!(reason.contains("signed by the key `fresh`, which is not proven"), "{reason}");
        told(world.decide(&submission, Decision::Approve, "").await);
        world.prove(&added, &key(42)).await;
        let (submission, _) = world.signature_looked_for().await;
        assert!(is_verified(&submission));
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
    }

    async fn a_proof_is_for_one_key_one_publisher_and_once(db: Database) {
        let world = World::new(db).await;
        let added = add(&world, key(42).public().to_pem()).await;
        let text = added.challenge.clone().expect("a text");
        assert!(text.starts_with("acme at market.example holds the key "), "{text}");
        let other = key(43).sign_der(text.as_bytes());
        told(prove(&world, &added, &other).await);
        told(prove(&world, &added, &key(42).sign_der(b"something else")).await);
        told(prove(&world, &added, b"no signature").await);
        let id = added.id.as_str();
        let renewed = world.app.renew_key_challenge(&world.owner, "acme", id).await.expect("renewed");
        assert_ne!(renewed.challenge, added.challenge);
        let late = key(42).sign_der(text.as_bytes());
        told(prove(&world, &added, &late).await);
        world.clock.advance(TimeDelta::days(1));
        let text = renewed.challenge.clone().expect("a text");
        told(prove(&world, &added, &key(42).sign_der(text.as_bytes())).await);
        let renewed = world.app.renew_key_challenge(&world.owner, "acme", id).await.expect("renewed");
        let proven = world.prove(&renewed, &key(42)).await;
        assert!(proven.proven_at.is_some());
        told(prove(&world, &added, &late).await);
        told(world.app.renew_key_challenge(&world.owner, "acme", id).await);
        let kinds = world.audit(proven.publisher_id.as_str()).await;
        let proofs = kinds.iter().filter(|line| line.contains("key-proven")).count();
        assert_eq!(proofs, 2, "the world's own and this: {kinds:?}");
    }

    async fn keys_begin_and_end_on_their_day(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let now = world.app.now();
        let new = NewKey {
            name: "next".to_owned(),
            pem: key(42).public().to_pem(),
            valid_from: Some(now + TimeDelta::days(2)),
        };
        let added = world.app.add_publisher_key(&world.owner, "acme", &new).await.expect("added");
        let added = world.prove(&added, &key(42)).await;
        let id = added.id.as_str();
        let end = |days| world.app.revoke_publisher_key(&world.owner, "acme", id, Some(now + TimeDelta::days(days)));
        told(end(-1).await);
        end(4).await.expect("it ends in four days");
        let digest = world.push(Some("1.0"), &Image::vulnerable("one")).await;
        world.sign(&key(42), &digest).await;
        let (_, reason) = world.signature_looked_for().await;
        assert!(reason.contains("the key `next`, which counts from"), "{reason}");
        world.clock.advance(TimeDelta::days(3));
        let (submission, _) = world.signature_looked_for().await;
        assert!(is_verified(&submission));
        world.clock.advance(TimeDelta::days(1));
        let error = world.decide(&submission, Decision::Approve, "").await.expect_err("it ended");
        assert!(error.to_string().contains("was revoked since"), "{error}");
        world.decide(&submission, Decision::RequestChanges, "Sign again.").await.expect("asked");
    }

    async fn notation_counts_by_a_registered_certificate(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let key42 = key(42);
        let certificate = certify(&key42, "Acme").expect("a name");
        push_notation(&world, Certified::new(&key42, &certificate)).await;
        let (_, reason) = world.signature_looked_for().await;
        assert!(reason.contains("register the signing certificate"), "{reason}");
        let added = add(&world, certificate_pem(&certificate)).await;
        world.prove(&added, &key(42)).await;
        let (submission, reason) = world.signature_looked_for().await;
        assert!(is_verified(&submission), "{reason}");
        assert!(reason.contains("signed with Notation (ES256) by `CN=Acme` on 2026-11-01"), "{reason}");
        let found = submission.signature.clone().expect("looked for").0;
        assert_eq!(found["key_id"], added.fingerprint);
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
    }

    async fn a_release_is_signed_for_notation(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = Image::vulnerable("one");
        world.released("1.0", &image).await;
        let manifest = RawManifest::parse(image.manifest(), Some(media_type::OCI_MANIFEST));
        let descriptor = manifest.expect("a manifest").descriptor();
        let mut tx = world.db.read().await.expect("a connection");
        let repository = store::repositories::find_by_name(&mut tx, "acme/db").await;
        let repository = repository.expect("read").expect("there");
        let page = ReferrerPage {
            subject: descriptor.digest.as_str(),
            artifact_type: Some(notation::SIGNATURE),
            last: "",
            limit: 10,
        };
        let rows = referrers(&mut tx, &repository.id, page).await.expect("read");
        assert_eq!(rows.len(), 1);
        let row = store::repositories::find_manifest(&mut tx, &repository.id, &rows[0].digest).await;
        let row = row.expect("read").expect("there");
        let carrier = RawManifest::parse(row.content, None).expect("a manifest");
        let layer: &Digest = &carrier.image().expect("an image").layers[0].digest;
        let envelope = world.blob(layer).await;
        let certificate = world.app.release_certificate().await.expect("a certificate");
        let trusted = [Certificate::from_pem(&certificate).expect("a certificate")];
        let trusted = Trusted::Certificates(&trusted);
        let now = world.app.now();
        let verified = notation::verify((notation::JWS, &envelope), &descriptor, trusted, now);
        assert_eq!(verified.expect("it holds").subject, "CN=market.example");
    }
}
