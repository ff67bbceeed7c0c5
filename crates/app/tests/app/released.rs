//! The trust metadata of released names, as a client with content trust reads it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, mpsc},
};

use app::{
    Keys, ReviewPolicy, WhichFile,
    market::{Decision, ListingEvent, SubmissionState},
    oci::{Descriptor, Digest, Gun, RawManifest, RepoName, media_type},
};
use chrono::TimeDelta;
use futures_util::TryStreamExt as _;
use serde_json::json;
use store::contents::{ReferrerPage, referrers};
use tokio::sync::oneshot;
use trust::{
    PublicKey, SignError, Signer, SigningKey, bundle,
    cosign::{self, Trusted},
    notation,
    referrer::EMPTY,
    tuf::{File, Role, find_target},
};

use crate::{
    images::Image,
    world::{HOST, World, keys, told},
};

fn gun() -> Gun {
    format!("{HOST}/acme/db").parse().expect("a name")
}

/// Returns the metadata by role.
async fn files(world: &World) -> BTreeMap<Role, File> {
    let mut files = BTreeMap::new();
    for role in [Role::Root, Role::Targets, Role::Snapshot, Role::Timestamp] {
        let found = world.app.trust_file(&gun(), &role, WhichFile::Newest).await;
        let found = found.expect("read").expect("there");
        files.insert(role, File::parse(found.content.to_vec()).expect("metadata"));
    }
    files
}

/// Returns the tags that are signed, verified from the root down.
async fn signed(world: &World) -> Vec<(String, i64)> {
    let files = files(world).await;
    let targets = files[&Role::Targets]
        .targets(&Role::Targets)
        .expect("targets");
    let check = |(name, meta): (&String, &trust::tuf::FileMeta)| {
        let hash = meta.sha256.clone().expect("a hash");
        let found = find_target(
            gun().as_str(),
            &files,
            (&hash, meta.length),
            name,
            world.app.now(),
        );
        (found.expect("signed").name, meta.length)
    };
    targets.targets.iter().map(check).collect()
}

/// Tells whether one of the signatures beside an image of the public name is by a key.
async fn is_signed_by(world: &World, digest: &Digest, key: PublicKey) -> bool {
    let name: RepoName = "acme/db".parse().expect("a name");
    let tag = cosign::signature_tag(digest).expect("a tag");
    let row = world.app.find_manifest(&name, tag.as_str()).await;
    let row = row.expect("there");
    let manifest = RawManifest::parse(row.content.to_vec(), Some(&row.media_type));
    let manifest = manifest.expect("a manifest");
    let mut payloads = HashMap::new();
    for layer in &manifest.image().expect("an image").layers {
        let blob = world.app.open_blob(&layer.digest, None).await;
        let bytes: Vec<_> = blob
            .expect("there")
            .into_stream()
            .try_collect()
            .await
            .expect("read");
        payloads.insert(layer.digest.clone(), bytes.concat());
    }
    let payload_of = |digest: &Digest| payloads.get(digest).cloned();
    cosign::verify(&manifest, &payload_of, digest, Trusted::keys(&[key]), None).is_ok()
}

/// Returns what is attested of an image, by the key that did: statements and Notation's signature.
async fn attested(world: &World, digest: &Digest) -> BTreeMap<String, BTreeSet<String>> {
    let mut tx = world.db.read().await.expect("a connection");
    let repository = store::repositories::find_by_name(&mut tx, "acme/db").await;
    let repository = repository.expect("read").expect("there");
    let find = async |tx: &mut store::Tx, digest: &str| {
        let row = store::repositories::find_manifest(tx, &repository.id, digest).await;
        let row = row.expect("read").expect("there");
        RawManifest::parse(row.content, Some(&row.media_type)).expect("a manifest")
    };
    let image = find(&mut tx, digest.as_str()).await.descriptor();
    let page = ReferrerPage {
        subject: digest.as_str(),
        artifact_type: None,
        last: "",
        limit: 100,
    };
    let mut attested: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in referrers(&mut tx, &repository.id, page)
        .await
        .expect("read")
    {
        let carrier = find(&mut tx, &row.digest).await;
        let layer = &carrier.image().expect("an image").layers[0];
        let content = world.blob(&layer.digest).await;
        for number in [7, 77, 78] {
            let key = SigningKey::from_scalar(&[number; 32])
                .expect("a key")
                .public();
            let by_key = notation::Trusted::Key(&key);
            let envelope = (layer.media_type.as_str(), content.as_slice());
            let said = match bundle::verify(&content, digest, std::slice::from_ref(&key)) {
                Ok(said) => Some(hex::encode(&said.payload)),
                Err(_) => notation::verify(envelope, &image, by_key, world.app.now())
                    .ok()
                    .map(|_| "notation".to_owned()),
            };
            if let Some(said) = said {
                assert!(
                    attested.entry(key.key_id()).or_default().insert(said),
                    "once"
                );
            }
        }
    }
    attested
}

const STAGING: &str = "staging/acme/db";

/// Releases an index over an image and over what refers to it, all by the publisher; gives the
/// image and what refers to it.
async fn released_with_plants(world: &World, image: &Image) -> (Digest, Vec<Digest>) {
    let stranger = SigningKey::from_scalar(&[78; 32]).expect("a key");
    let digest = world.push(None, image).await;
    let length = image.manifest().len() as u64;
    let (subject, now) = (
        Descriptor::new(media_type::OCI_MANIFEST, digest.clone(), length),
        world.app.now(),
    );
    let predicate = json!({"result": "PASSED"});
    let said = bundle::sign(
        &stranger,
        (STAGING, &digest),
        bundle::TEST_RESULT,
        predicate,
    );
    let said = said.expect("signed");
    let carrier = bundle::manifest(&said, bundle::TEST_RESULT, subject.clone(), now);
    let certificate = notation::certify(&stranger, HOST).expect("a certificate");
    let stranger = notation::Certified::new(&stranger, &certificate);
    let signed = stranger.sign(&subject, now).expect("signed");
    let signature = stranger.manifest(&signed, subject, now);
    let mut children =
        vec![json!({"mediaType": media_type::OCI_MANIFEST, "digest": digest, "size": length})];
    for blob in [EMPTY, &said, &signed] {
        world.push_blob(STAGING, blob).await.expect("pushed");
    }
    let mut plants = Vec::new();
    for plant in [carrier, signature] {
        plants.push(plant.digest.clone());
        children.push(json!({
            "mediaType": plant.media_type, "digest": plant.digest, "size": plant.bytes.len(),
            "artifactType": plant.artifact_type(),
        }));
        let pushed = world.push_manifest(STAGING, None, plant.bytes).await;
        pushed.expect("pushed");
    }
    let index =
        json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": children});
    let index = index.to_string().into_bytes();
    let root = world.push_manifest(STAGING, Some("1.0"), index).await;
    let root = root.expect("pushed");
    world.sign(&world.key, &root).await;
    let submission = world.submit("1.0").await.expect("submitted");
    world.work().await;
    let submission = world.submission(&submission).await;
    let approved = world.decide(&submission, Decision::Approve, "").await;
    approved.expect("approved");
    world.work().await;
    (digest, plants)
}

/// A key that waits, once, until it is told to go on.
#[derive(Debug)]
struct Waiting {
    key: SigningKey,
    asked: Mutex<Option<oneshot::Sender<()>>>,
    told: Mutex<mpsc::Receiver<()>>,
}

impl Signer for Waiting {
    fn public(&self) -> PublicKey {
        self.key.public()
    }

    fn sign_raw(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        if let Some(asked) = self.asked.lock().expect("nobody panics").take() {
            asked.send(()).expect("somebody waits");
            let told = self.told.lock().expect("nobody panics");
            told.recv().expect("told");
        }
        Ok(self.key.sign_raw(message))
    }

    fn derive(&self, salt: &[u8]) -> Result<SigningKey, SignError> {
        Ok(self.key.derive(salt))
    }

    fn check(&self) -> Result<(), SignError> {
        Ok(())
    }
}

/// Returns a key that waits; what tells that it does, and what tells it to go on.
fn waiting(number: u8) -> (Waiting, oneshot::Receiver<()>, mpsc::Sender<()>) {
    let ((asked, was_asked), (tell, told)) = (oneshot::channel(), mpsc::channel());
    let waiting = Waiting {
        key: SigningKey::from_scalar(&[number; 32]).expect("a key"),
        asked: Mutex::new(Some(asked)),
        told: Mutex::new(told),
    };
    (waiting, was_asked, tell)
}

both! {
    async fn what_publishers_put_beside_an_image_is_offered_to_nobody(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let (image, plants) = released_with_plants(&world, &Image::vulnerable("one")).await;
        let name: RepoName = "acme/db".parse().expect("a name");
        for plant in &plants {
            let found = world.app.find_manifest(&name, plant.as_str()).await;
            assert_eq!(found.expect("the index is whole").digest, plant.as_str());
        }
        let mut tx = world.db.read().await.expect("a connection");
        let [staged, released] = ["staging/acme/db", "acme/db"];
        for (name, count) in [(staged, 2), (released, 0)] {
            let row = store::repositories::find_by_name(&mut tx, name).await.expect("read");
            let all = ReferrerPage { subject: image.as_str(), artifact_type: None, last: "", limit: 9 };
            let found = referrers(&mut tx, &row.expect("there").id, all).await.expect("read");
            assert_eq!(found.iter().filter(|row| plants.iter().any(|plant| plant.as_str() == row.digest)).count(), count);
        }
        drop(tx);
        let key = |number| SigningKey::from_scalar(&[number; 32]).expect("a key");
        let before = attested(&world, &image).await;
        assert!(!before.contains_key(&key(78).public().key_id()), "{before:?}");
        let keys = Keys { release: Arc::new(key(77)), ..keys() };
        let node = world.node_with(ReviewPolicy::default(), keys).await;
        assert_eq!(node.sign_releases_again(&BTreeSet::new()).await.expect("signed"), 1);
        let after = attested(&world, &image).await;
        assert!(!after.contains_key(&key(78).public().key_id()), "nor is it signed: {after:?}");
    }

    async fn another_release_of_an_image_takes_no_signature_away(db: Database) {
        let world = World::new(db).await;
        let mut draft = world.product().await;
        let image = Image::vulnerable("one");
        let first = world.released("1.0", &image).await;
        let digest: Digest = first.digest.parse().expect("a digest");
        let key = |number| SigningKey::from_scalar(&[number; 32]).expect("a key");
        let keys = Keys { release: Arc::new(key(77)), ..keys() };
        let node = world.node_with(ReviewPolicy::default(), keys).await;
        assert_eq!(node.sign_releases_again(&BTreeSet::new()).await.expect("signed"), 1);
        draft.short_description = "A small and slim database.".to_owned();
        world.app.save_draft(&world.editor, "acme", "db", &draft).await.expect("saved");
        let second = world.submitted("1.0-slim", &image).await;
        assert_eq!(second.digest, first.digest);
        world.decide(&second, Decision::Approve, "").await.expect("approved");
        while node.work_once("worker").await.expect("the queue") {}
        assert_eq!(world.submission(&second).await.state, SubmissionState::Released);
        for number in [7, 77] {
            assert!(is_signed_by(&world, &digest, key(number).public()).await, "{number}");
        }
    }

    async fn what_is_revoked_meanwhile_is_not_signed_again(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let (waiting, was_asked, tell) = waiting(77);
        let keys = Keys { release: Arc::new(waiting), ..keys() };
        let node = world.node_with(ReviewPolicy::default(), keys).await;
        let revoke = async {
            was_asked.await.expect("asked");
            for event in [ListingEvent::Hold, ListingEvent::Revoke] {
                let done = world.app.manage_listing(&world.operator, "acme", "db", event, "A reason");
                done.await.expect("done");
            }
            tell.send(()).expect("it waits");
        };
        let none = BTreeSet::new();
        let (count, ()) = tokio::join!(node.sign_releases_again(&none), revoke);
        assert_eq!(count.expect("left alone"), 0);
        assert!(signed(&world).await.is_empty());
    }

    async fn what_a_key_signed_that_is_revoked_while_it_is_released_goes_back(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
        let (waiting, was_asked, tell) = waiting(77);
        let keys = Keys { release: Arc::new(waiting), ..keys() };
        let node = world.node_with(ReviewPolicy::default(), keys).await;
        let revoke = async {
            was_asked.await.expect("asked");
            let mut tx = world.db.read().await.expect("a connection");
            let product = store::products::find(&mut tx, &submission.product_id).await.expect("read").expect("there");
            let keys = store::publishers::keys(&mut tx, &product.publisher_id).await.expect("keys");
            drop(tx);
            let done = world.app.revoke_publisher_key(&world.owner, "acme", keys[0].id.as_str(), None);
            done.await.expect("revoked");
            tell.send(()).expect("it waits");
        };
        let (worked, ()) = tokio::join!(node.work_once("worker"), revoke);
        assert!(worked.expect("worked"));
        assert_eq!(world.submission(&submission).await.state, SubmissionState::InReview);
        let mut tx = world.db.read().await.expect("a connection");
        assert!(store::repositories::find_by_name(&mut tx, "acme/db").await.expect("read").is_none());
        let records = store::audit::of_subject(&mut tx, submission.id.as_str()).await.expect("read");
        let why = "was revoked since: the publisher signs with another one";
        let says_why = |reason: &str| reason.contains(why);
        assert!(records.iter().any(|record| record.reason.as_deref().is_some_and(says_why)), "{records:?}");
    }

    async fn the_release_key_is_replaced_and_clients_go_on(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let mut digests = Vec::new();
        for tag in ["1.0", "1.1"] {
            let released = world.released(tag, &Image::vulnerable(tag)).await;
            digests.push(released.digest.parse::<Digest>().expect("a digest"));
        }
        let before = files(&world).await;
        let key = |number| SigningKey::from_scalar(&[number; 32]).expect("a key");
        let with = async |release, root| {
            let keys = Keys { release: Arc::new(key(release)), root, ..keys() };
            let node = world.node_with(ReviewPolicy::default(), keys).await;
            node.sign_releases_again(&BTreeSet::new()).await
        };
        for root in [None, Some(key(79))] {
            let refused = told(with(77, root).await.map(drop));
            assert!(refused.contains("put `keys/root.key` back"), "{refused}");
            assert_eq!(files(&world).await, before, "nothing is half done");
        }
        assert_eq!(with(77, keys().root).await.expect("signed"), 1);
        let after = files(&world).await;
        assert_eq!((after[&Role::Root].version, after[&Role::Targets].version), (2, 3));
        // The root key that clients know signed it, in the same certificate.
        let root = |file: &File| file.root().expect("a root").role(&Role::Root).cloned();
        assert_eq!(root(&after[&Role::Root]), root(&before[&Role::Root]));
        assert_eq!(signed(&world).await.len(), 2);
        for digest in &digests {
            for number in [7, 77] {
                assert!(is_signed_by(&world, digest, key(number).public()).await, "{number}");
            }
            assert!(!is_signed_by(&world, digest, key(78).public()).await);
            let attested = attested(&world, digest).await;
            let [old, new] = [7, 77].map(|number| &attested[&key(number).public().key_id()]);
            assert!(old == new && old.len() == 4, "the same is said: {attested:?}");
            assert_eq!(attested.len(), 2);
        }
        assert_eq!(with(77, keys().root).await.expect("signed"), 0);
        assert_eq!(files(&world).await, after, "and only once");
        assert_eq!(with(7, keys().root).await.expect("signed"), 1, "and back");
        assert_eq!(files(&world).await[&Role::Root].version, 3);
        assert_eq!(signed(&world).await.len(), 2);
    }

    async fn every_released_tag_is_signed_until_the_product_is_revoked(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let (one, two) = (Image::vulnerable("one"), Image::vulnerable("two"));
        let length = |image: &Image| i64::try_from(image.manifest().len()).expect("small");
        world.released("1.0", &one).await;
        assert_eq!(signed(&world).await, [("1.0".to_owned(), length(&one))]);
        world.released("1.1", &two).await;
        let both = [("1.0".to_owned(), length(&one)), ("1.1".to_owned(), length(&two))];
        assert_eq!(signed(&world).await, both);

        let manage = async |event| {
            let done = world.app.manage_listing(&world.operator, "acme", "db", event, "A reason");
            done.await.expect("done");
        };
        let before = files(&world).await;
        manage(ListingEvent::Hold).await;
        assert_eq!(files(&world).await, before, "a hold changes nothing signed");
        manage(ListingEvent::Revoke).await;
        assert!(signed(&world).await.is_empty());
        assert_eq!(files(&world).await[&Role::Root], before[&Role::Root]);
    }

    async fn timestamps_of_released_names_are_renewed(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        world.clock.advance(TimeDelta::days(10));
        assert_eq!(world.app.renew_trust().await.expect("renewed"), 1);
        assert_eq!(files(&world).await[&Role::Timestamp].version, 2);
        assert_eq!(signed(&world).await.len(), 1);
    }
}
