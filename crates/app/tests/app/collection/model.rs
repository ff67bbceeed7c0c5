//! Random pushes, mounts, tags, deletes, submissions, releases and collections, with a moving
//! clock, against a model that only knows what must stay.

use std::collections::{BTreeMap, BTreeSet};

use app::registry::ManifestPush;
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use market::{ProductId, RepositoryId, SubmissionId, SubmissionState};
use oci::{Digest, ErrorCode, RawManifest};
use store::{blobs::BlobStore as _, repositories::Repository, submissions::Submission};

use super::*;
use crate::chance::Chance;

/// Steps of one history.
const STEPS: usize = 70;

#[derive(Debug, Clone)]
struct Named {
    names: Vec<String>,
    subject: Option<String>,
    bytes: Vec<u8>,
}

/// What a repository has, as far as the model knows.
#[derive(Debug, Default)]
struct Place {
    name: String,
    id: String,
    manifests: BTreeMap<String, Named>,
    links: BTreeSet<String>,
    tags: BTreeMap<String, String>,
    submissions: Vec<(SubmissionId, String, Option<DateTime<Utc>>)>,
    released: bool,
    /// When each was last reached, or pushed.
    alive: BTreeMap<String, DateTime<Utc>>,
}

impl Place {
    fn below(&self, roots: impl IntoIterator<Item = String>) -> BTreeSet<String> {
        let mut todo: Vec<String> = roots.into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(digest) = todo.pop() {
            if !seen.insert(digest.clone()) {
                continue;
            }
            if let Some(manifest) = self.manifests.get(&digest) {
                todo.extend(manifest.names.iter().cloned());
            }
            let about = |(_, named): &(&String, &Named)| named.subject.as_ref() == Some(&digest);
            todo.extend(
                self.manifests
                    .iter()
                    .filter(about)
                    .map(|(name, _)| name.clone()),
            );
        }
        seen
    }

    fn reached(&self, now: DateTime<Utc>) -> BTreeSet<String> {
        if self.released {
            return self.manifests.keys().chain(&self.links).cloned().collect();
        }
        let held = |decided: &Option<DateTime<Utc>>| decided.is_none_or(|at| at > now - GRACE);
        let submitted = self.submissions.iter().filter(|(_, _, at)| held(at));
        let submitted = submitted.map(|(_, digest, _)| digest.clone());
        self.below(self.tags.values().cloned().chain(submitted))
    }

    fn touch(&mut self, now: DateTime<Utc>) {
        for digest in self.reached(now) {
            self.alive.insert(digest, now);
        }
    }

    /// What no collection at `now` may take: what is reached, what was so within the grace, and all below.
    fn must_stay(&self, now: DateTime<Utc>) -> BTreeSet<String> {
        let fresh = |at: &DateTime<Utc>| *at > now - GRACE;
        let young = self.alive.iter().filter(|(_, at)| fresh(at));
        let mut stay = self.reached(now);
        stay.extend(self.below(young.map(|(digest, _)| digest.clone())));
        stay
    }
}

struct History<'a> {
    world: &'a World,
    chance: Chance,
    seed: u64,
    places: Vec<Place>,
    blobs: BTreeMap<String, Vec<u8>>,
    made: usize,
}

impl<'a> History<'a> {
    async fn begin(world: &'a World, seed: u64) -> Self {
        let mut places = Vec::new();
        for name in ["a", "b", "released"] {
            places.push(Place {
                name: format!("staging/acme/s{seed}-{name}"),
                released: name == "released",
                ..Place::default()
            });
        }
        places[2].name = format!("acme/s{seed}");
        let mut history = Self {
            world,
            chance: Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            seed,
            places,
            blobs: BTreeMap::new(),
            made: 0,
        };
        for number in 0..3 {
            history.make_repository(number).await;
        }
        history
    }

    /// The released one has a product; that it is one of another name changes nothing here.
    async fn make_repository(&mut self, number: usize) {
        let app = &self.world.app;
        let mut tx = self.world.db.begin().await.expect("a transaction");
        let publisher = store::publishers::find_by_slug(&mut tx, "acme").await;
        let publisher = publisher.expect("read").expect("there").id;
        let product = store::products::find_by_slug(&mut tx, &publisher, "db").await;
        let product = product.expect("read").expect("there").id;
        let place = &mut self.places[number];
        let chance = [number as u8, self.seed as u8, 1, 1, 1, 1, 1, 1, 1, 1];
        let repository = Repository {
            id: RepositoryId::new(app.now(), chance),
            name: place.name.clone(),
            publisher_id: publisher,
            product_id: place.released.then(|| product.to_string()),
            created_at: app.now(),
        };
        let made = store::repositories::find_or_create(&mut tx, &repository).await;
        place.id = made.expect("made").id.to_string();
        tx.commit().await.expect("committed");
    }

    fn staging(&mut self) -> usize {
        self.chance.below(2)
    }

    async fn push_blob(&mut self, at: usize, bytes: Vec<u8>) {
        let name = self.places[at].name.clone();
        let digest = self.world.push_blob(&name, &bytes).await.expect("pushed");
        self.blobs.insert(digest.to_string(), bytes);
        let now = self.world.app.now();
        let place = &mut self.places[at];
        place.links.insert(digest.to_string());
        place.alive.insert(digest.to_string(), now);
    }

    fn new_blob(&mut self) -> Vec<u8> {
        self.made += 1;
        // Few enough kinds that histories and repositories share bytes.
        format!("blob {}", (self.made + self.seed as usize) % 9).into_bytes()
    }

    async fn put(&mut self, at: usize, tag: Option<&str>, bytes: Vec<u8>) {
        let manifest = RawManifest::parse(bytes.clone(), None).expect("a manifest");
        let tags: Vec<_> = tag.iter().map(|tag| tag.parse().expect("a tag")).collect();
        let name = repo(&self.places[at].name);
        let put = self
            .world
            .app
            .put_manifest(&name, ManifestPush::new(&manifest, &tags))
            .await;
        let now = self.world.app.now();
        let place = &mut self.places[at];
        let names: Vec<_> = manifest
            .references()
            .iter()
            .map(|d| d.digest.to_string())
            .collect();
        let all = |name: &String| place.links.contains(name) || place.manifests.contains_key(name);
        if let Err(error) = put {
            if error.code == ErrorCode::ManifestInvalid {
                // Indexes stand in one another too deep.
                return;
            }
            assert_eq!(error.code, ErrorCode::ManifestBlobUnknown, "{error}");
            assert!(!names.iter().all(all), "refused without reason: {error}");
            return;
        }
        // An index may name manifests that are not there.
        let whole = manifest.image().is_none() || names.iter().all(all);
        assert!(whole, "accepted though a blob is missing");
        let digest = manifest.digest.to_string();
        let subject = manifest.subject().map(|subject| subject.digest.to_string());
        place.alive.insert(digest.clone(), now);
        place.manifests.insert(
            digest.clone(),
            Named {
                names,
                subject,
                bytes,
            },
        );
        if let Some(tag) = tag {
            place.tags.insert(tag.to_owned(), digest);
        }
    }

    fn some_manifest(&mut self, at: usize) -> Option<String> {
        let all: Vec<_> = self.places[at].manifests.keys().cloned().collect();
        self.chance.pick(&all)
    }

    fn some_tag(&mut self) -> Option<&'static str> {
        self.chance
            .pick(&[Some("one"), Some("two"), None, None])
            .flatten()
    }

    async fn push_image(&mut self, at: usize) {
        let (config, layer) = (self.new_blob(), self.new_blob());
        self.push_blob(at, config.clone()).await;
        if self.chance.below(5) > 0 {
            self.push_blob(at, layer.clone()).await;
        }
        let subject = match self.chance.below(3) {
            0 => self.some_manifest(at),
            _ => None,
        };
        let tag = self.some_tag();
        self.put(at, tag, image(&[&config, &layer], subject.as_deref()))
            .await;
    }

    async fn push_index(&mut self, at: usize) {
        let children: Vec<_> = (0..2).filter_map(|_| self.some_manifest(at)).collect();
        // An index about one of its own manifests is a ring.
        let subject = children
            .first()
            .filter(|_| self.made.is_multiple_of(2))
            .cloned();
        let tag = self.some_tag();
        self.put(at, tag, index(&children, subject.as_deref()))
            .await;
    }

    async fn tag_again(&mut self, at: usize) {
        let Some(digest) = self.some_manifest(at) else {
            return;
        };
        let bytes = self.places[at].manifests[&digest].bytes.clone();
        self.put(at, Some("two"), bytes).await;
    }

    async fn delete(&mut self, at: usize) {
        let name = repo(&self.places[at].name);
        let place = &self.places[at];
        let what = match self.chance.below(2) {
            0 => self
                .chance
                .pick(&place.tags.keys().cloned().collect::<Vec<_>>()),
            _ => self.some_manifest(at),
        };
        let Some(what) = what else { return };
        let deleted = self.world.app.delete_manifest(&name, &what).await;
        if let Err(error) = deleted {
            assert_eq!(error.code, ErrorCode::Denied, "{error}");
            return;
        }
        let place = &mut self.places[at];
        place.tags.remove(&what);
        place.tags.retain(|_, digest| *digest != what);
        place.manifests.remove(&what);
    }

    async fn mount_or_unlink(&mut self, at: usize) {
        let other = 1 - at;
        let links: Vec<_> = self.places[other].links.iter().cloned().collect();
        let Some(digest) = self.chance.pick(&links) else {
            return;
        };
        let parsed: Digest = digest.parse().expect("a digest");
        let (name, from) = (repo(&self.places[at].name), repo(&self.places[other].name));
        let now = self.world.app.now();
        if self.chance.below(3) > 0 {
            let access = self.world.access(&self.world.editor, from.as_str()).await;
            let mounted = self
                .world
                .app
                .mount_blob(&name, &parsed, Some(&from), &access)
                .await;
            assert!(
                mounted.expect("asked"),
                "what is linked there can be mounted"
            );
            let place = &mut self.places[at];
            place.links.insert(digest.clone());
            place.alive.insert(digest, now);
        } else if self.world.app.delete_blob(&from, &parsed).await.is_ok() {
            self.places[other].links.remove(&digest);
        }
    }

    async fn submit_or_decide(&mut self, at: usize) {
        let now = self.world.app.now();
        let mut tx = self.world.db.begin().await.expect("a transaction");
        let open = self.places[at]
            .submissions
            .iter_mut()
            .find(|(_, _, at)| at.is_none());
        if let Some((id, _, decided)) = open {
            let states = (SubmissionState::InReview, SubmissionState::Rejected);
            let moved = store::submissions::set_state(&mut tx, id, states, now).await;
            assert!(moved.expect("moved"));
            *decided = Some(now);
            return tx.commit().await.expect("committed");
        }
        let tags: Vec<_> = self.places[at].tags.values().cloned().collect();
        let Some(digest) = self.chance.pick(&tags) else {
            return;
        };
        self.made += 1;
        let product = product_id(&mut tx).await;
        let account = self
            .world
            .editor
            .signed_in()
            .expect("an account")
            .id
            .clone();
        let mut chance = [7; 10];
        chance[..8].copy_from_slice(&(self.seed * 1000 + self.made as u64).to_be_bytes());
        let submission = Submission {
            id: SubmissionId::new(now, chance),
            product_id: product,
            number: i64::try_from(self.seed * 1000).expect("small") + self.made as i64,
            state: SubmissionState::InReview,
            manifest: market::ProductManifest::default().into(),
            repository: self.places[at].name.clone(),
            tag: "one".to_owned(),
            digest: digest.clone(),
            media_type: String::new(),
            submitted_by: account,
            submitted_at: now,
            waiting_since: now,
            inspected_at: None,
            signature: None,
            problem: None,
            certifiable: false,
            reviewer_id: None,
            publication: market::Publication::AtOnce,
            publish_at: None,
        };
        store::submissions::create(&mut tx, &submission)
            .await
            .expect("created");
        tx.commit().await.expect("committed");
        self.places[at]
            .submissions
            .push((submission.id, digest, None));
    }

    /// As the release job does: what a tagged manifest names is shared with the released repository.
    async fn release(&mut self, at: usize) {
        let tags: Vec<_> = self.places[at].tags.values().cloned().collect();
        let Some(digest) = self.chance.pick(&tags) else {
            return;
        };
        let named = self.places[at].manifests[&digest].clone();
        if !named
            .names
            .iter()
            .all(|name| self.places[at].links.contains(name))
        {
            return;
        }
        let id: RepositoryId = self.places[2].id.parse().expect("an identifier");
        let now = self.world.app.now();
        let mut tx = self.world.db.begin().await.expect("a transaction");
        store::collection::enter(&mut tx).await.expect("entered");
        for name in &named.names {
            let size = i64::try_from(self.blobs[name].len()).expect("small");
            let blobs = &*self.world.blobs;
            store::repositories::link_blob(&mut tx, blobs, &id, (name, size), now)
                .await
                .expect("linked");
        }
        let row = store::repositories::ManifestRow {
            digest: digest.clone(),
            media_type: media_type::OCI_MANIFEST.to_owned(),
            content: named.bytes.clone(),
            subject: named.subject.clone(),
            artifact_type: None,
            annotations: None,
        };
        store::repositories::put_manifest(&mut tx, &id, &row, &named.names, now)
            .await
            .expect("kept");
        tx.commit().await.expect("committed");
        let released = &mut self.places[2];
        released.links.extend(named.names.iter().cloned());
        released.manifests.insert(digest, named);
    }

    async fn step(&mut self) {
        let at = self.staging();
        match self.chance.below(20) {
            0..=4 => self.push_image(at).await,
            5..=6 => self.push_index(at).await,
            7 => self.tag_again(at).await,
            8..=10 => self.delete(at).await,
            11..=12 => self.mount_or_unlink(at).await,
            13 => self.submit_or_decide(at).await,
            14 => self.release(at).await,
            15..=17 => {
                let hours = i64::try_from(self.chance.below(20)).expect("small");
                self.touch();
                self.world.clock.advance(TimeDelta::hours(hours));
            }
            _ => {
                collect(self.world, self.chance.below(4) == 0).await;
                self.nothing_is_lost().await;
            }
        }
        self.touch();
    }

    fn touch(&mut self) {
        let now = self.world.app.now();
        for place in &mut self.places {
            place.touch(now);
        }
    }

    /// Compares what is there with what must be; what was taken by right, the model forgets.
    async fn nothing_is_lost(&mut self) {
        let now = self.world.app.now();
        for place in &mut self.places {
            let stay = place.must_stay(now);
            let id: RepositoryId = place.id.parse().expect("an identifier");
            let mut tx = self.world.db.read().await.expect("a transaction");
            for digest in place.manifests.keys().cloned().collect::<Vec<_>>() {
                let found = store::repositories::find_manifest(&mut tx, &id, &digest).await;
                if found.expect("read").is_none() {
                    assert!(
                        !stay.contains(&digest),
                        "seed {}: lost {digest} in {}",
                        self.seed,
                        place.name
                    );
                    place.manifests.remove(&digest);
                }
            }
            for digest in place.links.clone() {
                let found = store::repositories::find_blob(&mut tx, &id, &digest).await;
                if found.expect("read").is_none() {
                    assert!(
                        !stay.contains(&digest),
                        "seed {}: lost blob {digest} in {}",
                        self.seed,
                        place.name
                    );
                    place.links.remove(&digest);
                    continue;
                }
                let parsed: Digest = digest.parse().expect("a digest");
                let blob = self.world.blobs.get(&parsed, None).await;
                let blob = blob.unwrap_or_else(|error| panic!("seed {}: {error}", self.seed));
                let pieces: Vec<_> = blob.into_stream().try_collect().await.expect("read");
                assert_eq!(Digest::of(&pieces.concat()), parsed);
            }
        }
    }

    /// After enough time and collections, only what is reached is left.
    async fn all_else_goes(&mut self) {
        for _ in 0..5 {
            self.world.clock.advance(GRACE + TimeDelta::hours(1));
            collect(self.world, false).await;
            self.nothing_is_lost().await;
        }
        for place in &self.places {
            let reached = place.reached(self.world.app.now());
            let left = place.manifests.keys().chain(&place.links);
            let left: Vec<_> = left.filter(|digest| !reached.contains(*digest)).collect();
            assert!(
                left.is_empty(),
                "seed {}: left in {}: {left:?}",
                self.seed,
                place.name
            );
        }
    }
}

async fn product_id(tx: &mut store::Tx) -> ProductId {
    let publisher = store::publishers::find_by_slug(tx, "acme").await;
    let publisher = publisher.expect("read").expect("there").id;
    let product = store::products::find_by_slug(tx, &publisher, "db").await;
    product.expect("read").expect("there").id
}

/// Tells histories; afterwards the store has the bytes of what is left, and no others.
pub(super) async fn tell(world: &World, seeds: std::ops::Range<u64>) {
    world.product().await;
    leave_the_present(world).await;
    let mut linked = BTreeSet::new();
    for seed in seeds {
        let mut history = History::begin(world, seed).await;
        for _ in 0..STEPS {
            history.step().await;
        }
        history.all_else_goes().await;
        linked.extend(history.places.iter().flat_map(|place| place.links.clone()));
    }
    let stored: Vec<_> = world.blobs.list().try_collect().await.expect("listed");
    let stored: BTreeSet<_> = stored
        .iter()
        .map(|entry| entry.digest.to_string())
        .collect();
    let mut tx = world.db.read().await.expect("a transaction");
    for digest in &stored {
        let owned = store::condemned::has_owner(&mut tx, digest)
            .await
            .expect("read");
        assert!(owned, "{digest} is nobody's");
    }
    assert!(linked.is_subset(&stored), "bytes are missing");
}

both! {
    async fn nothing_needed_goes_and_all_else_does(db: Database) {
        tell(&World::new(db).await, 1..9).await;
    }
}

#[test]
fn nothing_needed_goes_from_a_bucket() {
    let Some(config) = crate::bucket::fresh_bucket() else {
        return;
    };
    crate::databases::with_sqlite(|db, _| async move {
        let world = World::in_bucket(db, config).await;
        tell(&world, 20..22).await;
    });
}
