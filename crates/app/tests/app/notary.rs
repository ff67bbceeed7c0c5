//! Submissions that are signed with content trust, as Docker does it.

use std::collections::BTreeMap;

use app::{NewKey, TrustUploads, market::Decision, oci::Gun};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use trust::tuf::{Role, Signer, sign};

use crate::{
    images::Image,
    publisher::{Holders, root, root_signer, signer},
    world::{HOST, World, told},
};

/// Signs a digest under a name in the trust metadata of the staging repository.
async fn sign_image(world: &World, manifest: &[u8], name: &str) -> Signer {
    let gun: Gun = format!("{HOST}/staging/acme/db").parse().expect("a name");
    let key = |role| world.app.trust_key(&gun, role);
    let targets = signer(2);
    let holders = Holders {
        root: vec![root_signer(gun.as_str(), 1)],
        targets: vec![targets.clone()],
        snapshot: vec![key(&Role::Snapshot).await.expect("a key")],
        timestamp: vec![key(&Role::Timestamp).await.expect("a key")],
        threshold: 1,
    };
    let meta = trust::tuf::FileMeta::of(manifest);
    let target = serde_json::json!({
        "length": meta.length, "hashes": { "sha256": STANDARD.encode(meta.sha256.expect("made")) },
    });
    let fields = serde_json::json!({ "targets": { name: target } });
    let ends = world.app.now() + TimeDelta::days(300);
    let file = sign(&Role::Targets, (1, ends), fields, &[&targets]).expect("metadata");
    let root = root(1, &holders, &holders.root);
    let uploads: TrustUploads =
        BTreeMap::from([(Role::Root, root.bytes), (Role::Targets, file.bytes)]);
    let access = world.access(&world.editor, gun.as_str()).await;
    world
        .app
        .publish_trust(&access, &gun, uploads)
        .await
        .expect("published");
    targets
}

both! {
    async fn an_image_that_content_trust_names_is_signed(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = Image::vulnerable("one");
        world.push(Some("1.0"), &image).await;
        let key = sign_image(&world, &image.manifest(), "1.0").await;
        let first = world.submit("1.0").await.expect("submitted");
        world.work().await;
        let reason = |submission: &app::Submission| {
            submission.signature.clone().expect("looked for").0["reason"].to_string()
        };
        let strange = reason(&world.submission(&first).await);
        assert!(strange.contains("keys that the publisher has not registered"), "{strange}");

        let pem = key.signing.public().to_pem().replacen("-----\n", "-----\nrole: docker\n\n", 1);
        let new = NewKey { name: "docker".to_owned(), pem, ..NewKey::default() };
        let added = world.app.add_publisher_key(&world.owner, "acme", &new).await.expect("added");
        world.prove(&added, &key.signing).await;
        let second = world.submit("1.0").await.expect("submitted");
        world.work().await;
        let second = world.submission(&second).await;
        let good = reason(&second);
        assert!(good.contains("`1.0` in targets version 1, stored"), "{good}");
        assert!(good.contains("timestamp 1 says until"), "{good}");
        world.decide(&second, Decision::Approve, "").await.expect("approved");
    }

    async fn a_certificate_of_the_key_counts_as_the_key_does(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = Image::vulnerable("one");
        world.push(Some("1.0"), &image).await;
        let key = sign_image(&world, &image.manifest(), "1.0").await;
        let der = trust::notation::certify(&key.signing, "acme").expect("a certificate");
        let pem = trust::certificate_pem(&der);
        let new = NewKey { name: "docker".to_owned(), pem, ..NewKey::default() };
        let added = world.app.add_publisher_key(&world.owner, "acme", &new).await.expect("added");
        world.prove(&added, &key.signing).await;
        let (_, reason) = world.signature_looked_for().await;
        assert!(reason.contains("`1.0` in targets version 1, stored"), "{reason}");
    }

    async fn another_digest_is_not_signed(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.push(Some("1.0"), &Image::vulnerable("one")).await;
        sign_image(&world, &Image::vulnerable("two").manifest(), "1.0").await;
        let submission = world.submit("1.0").await.expect("submitted");
        world.work().await;
        let submission = world.submission(&submission).await;
        let found = submission.signature.clone().expect("looked for").0;
        let reason = found["reason"].as_str().expect("a reason");
        assert!(reason.starts_with("content trust: the trust metadata does not name this digest; sign "), "{reason}");
        let refused = told(world.decide(&submission, Decision::Approve, "").await);
        assert!(refused.contains("its signature does not verify"), "{refused}");
    }
}
