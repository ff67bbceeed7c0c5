//! Submissions that are signed with content trust, as Docker does it.

use std::{collections::BTreeMap, sync::Arc};

use app::{Access, NewKey, TrustError, TrustUploads, WhichFile, market::Decision, oci::Gun};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use trust::tuf::{Role, Signer, sign};

use crate::{
    images::Image,
    publisher::{Delegated, Holders, root, root_signer, signer, targets},
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

/// A repository that its publisher signs in.
struct Signed {
    world: Arc<World>,
    gun: Gun,
    access: Arc<Access>,
}

impl Signed {
    /// With a first root and targets that delegate to `roles`, all to one key.
    async fn begin(world: &Arc<World>, name: &str, roles: &[&str]) -> Self {
        let gun: Gun = format!("{HOST}/staging/acme/{name}")
            .parse()
            .expect("a name");
        let access = world.access(&world.editor, gun.as_str()).await;
        let signed = Self {
            world: Arc::clone(world),
            gun,
            access,
        };
        let key = |role| world.app.trust_key(&signed.gun, role);
        let holders = Holders {
            root: vec![root_signer(signed.gun.as_str(), 1)],
            targets: vec![signer(2)],
            snapshot: vec![key(&Role::Snapshot).await.expect("a key")],
            timestamp: vec![key(&Role::Timestamp).await.expect("a key")],
            threshold: 1,
        };
        let to = [signer(3)];
        let roles: Vec<_> = roles
            .iter()
            .map(|role| Delegated {
                role,
                to: &to,
                threshold: 1,
            })
            .collect();
        let first = targets(&Role::Targets, 1, (&[], &roles), &[signer(2)]);
        let root = root(1, &holders, &holders.root);
        let first = [(Role::Root, root.bytes), (Role::Targets, first.bytes)];
        signed.publish(first).await.expect("published");
        signed
    }

    async fn publish(
        &self,
        files: impl IntoIterator<Item = (Role, Vec<u8>)>,
    ) -> Result<(), TrustError> {
        let files = files.into_iter().collect();
        self.world
            .app
            .publish_trust(&self.access, &self.gun, files)
            .await
    }

    async fn targets(&self, version: i64) -> Result<(), TrustError> {
        let file = targets(&Role::Targets, version, (&["1"], &[]), &[signer(2)]);
        self.publish([(Role::Targets, file.bytes)]).await
    }

    /// Returns how many bytes the newest files have.
    async fn bytes(&self) -> i64 {
        let mut bytes = 0;
        for role in [Role::Root, Role::Targets, Role::Snapshot, Role::Timestamp] {
            let file = self
                .world
                .app
                .trust_file(&self.gun, &role, WhichFile::Newest)
                .await;
            bytes += file.expect("read").expect("there").content.len();
        }
        i64::try_from(bytes).expect("few")
    }

    async fn used(&self) -> i64 {
        let storage = self
            .world
            .app
            .publisher_storage(&self.world.viewer, "acme")
            .await;
        storage.expect("told").used_bytes
    }
}

both! {
    async fn trust_metadata_counts_as_images_do(db: Database) {
        let world = Arc::new(World::new(db).await);
        let signed = Signed::begin(&world, "db", &[]).await;
        let first = signed.bytes().await;
        assert_eq!(signed.used().await, first);
        world.push_blob("staging/acme/db", &[1; 100]).await.expect("pushed");
        assert_eq!(signed.used().await, first + 100);
        signed.targets(2).await.expect("published");
        assert!(signed.used().await > first + 100 + 1_000, "what was replaced is there still");
        world.clock.advance(TimeDelta::days(31));
        signed.targets(3).await.expect("published");
        assert_eq!(signed.used().await, signed.bytes().await + 100, "and then no more");

        let quota = u64::try_from(signed.used().await + 100).expect("positive");
        let set = world.app.set_publisher_quota(&world.operator, "acme", Some(quota)).await;
        set.expect("set");
        let before = signed.bytes().await;
        let refused = signed.targets(4).await.expect_err("too much").to_string();
        assert!(refused.contains(&format!("of {quota} bytes allowed")), "{refused}");
        assert_eq!(signed.used().await, before + 100, "nothing is kept of it");
        // What the market signs itself is signed whatever there is.
        world.clock.advance(TimeDelta::days(10));
        assert_eq!(world.app.renew_trust().await.expect("renewed"), 1);
        assert!(signed.used().await > before + 100);
        world.app.delete_trust(&signed.access, &signed.gun).await.expect("deleted");
        assert_eq!(signed.used().await, 100);
    }

    async fn names_that_nothing_was_pushed_to_are_bounded(db: Database) {
        let world = World::new(db).await;
        let gun = |name: &str| -> Gun { format!("{HOST}/staging/acme/{name}").parse().expect("a name") };
        let key = async |name: &str| world.app.trust_key(&gun(name), &Role::Timestamp).await;
        for number in 0..100 {
            key(&format!("n{number}")).await.expect("a key");
        }
        let refused = key("other").await.expect_err("too many").to_string();
        assert!(refused.contains("push an image to staging/acme/other first"), "{refused}");
        key("n7").await.expect("it is there");
        let access = world.access(&world.editor, gun("other").as_str()).await;
        let rotated = world.app.rotate_trust_key(&access, &gun("other"), &Role::Timestamp).await;
        rotated.expect_err("too many");
        world.push_blob("staging/acme/pushed", b"1").await.expect("pushed");
        key("pushed").await.expect("a key");
        key("other").await.expect_err("too many still");
        world.push_blob("staging/acme/n1", b"1").await.expect("pushed");
        key("other").await.expect("one less");
        let access = world.access(&world.editor, gun("n2").as_str()).await;
        world.app.delete_trust(&access, &gun("n2")).await.expect("deleted");
        key("another").await.expect("one less");
        key("and-another").await.expect_err("too many");
    }

    async fn updates_at_once_are_all_stored(db: Database) {
        let world = Arc::new(World::new(db).await);
        let roles: Vec<_> = (0..12).map(|number| format!("targets/d{number}")).collect();
        let names: Vec<_> = roles.iter().map(String::as_str).collect();
        let signed = Arc::new(Signed::begin(&world, "db", &names).await);
        let publishers: Vec<_> = roles.iter().map(|role| {
            let signed = Arc::clone(&signed);
            let role: Role = role.parse().expect("a role");
            tokio::spawn(async move {
                let file = targets(&role, 1, (&["1"], &[]), &[signer(3)]);
                signed.publish([(role, file.bytes)]).await
            })
        }).collect();
        for publisher in publishers {
            publisher.await.expect("done").expect("published");
        }
        let snapshot = world.app.trust_file(&signed.gun, &Role::Snapshot, WhichFile::Newest).await;
        let snapshot = trust::tuf::File::parse(snapshot.expect("read").expect("there").content.into());
        let snapshot = snapshot.expect("metadata");
        assert_eq!(snapshot.version, 13);
        let named = snapshot.snapshot().expect("a snapshot");
        for role in &roles {
            assert!(named.contains_key(role), "{role}");
        }
    }

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
