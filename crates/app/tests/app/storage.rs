//! Quotas, rules for tags, and scrubs.

use std::fs;

use app::{Actor, UpkeepConfig};
use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::StreamExt as _;
use market::RetentionRules;
use oci::{Digest, ErrorCode, RepoName};
use store::blobs::BlobStore as _;

use crate::world::{World, told};

fn repo(name: &str) -> RepoName {
    name.parse().expect("a name")
}

async fn with_quota(db: store::Database, publisher_quota: u64) -> World {
    let upkeep = UpkeepConfig {
        publisher_quota,
        ..UpkeepConfig::default()
    };
    World::with_upkeep(db, upkeep).await
}

async fn used(world: &World) -> i64 {
    let storage = world.app.publisher_storage(&world.viewer, "acme").await;
    storage.expect("told").used_bytes
}

async fn warning(world: &World) -> Option<String> {
    let warning = world.app.storage_warning(&repo("staging/acme/a")).await;
    warning.expect("asked")
}

async fn collect(world: &World) -> app::CollectionFigures {
    let begun = world.app.start_collection(&world.operator, false).await;
    let begun = begun.expect("begun");
    world.work().await;
    let system = Actor::system();
    let run = world.app.collection(&system, begun.id.as_str());
    run.await.expect("a run").figures
}

async fn scrub(world: &World) -> app::ScrubFigures {
    let begun = world.app.start_scrub(&world.operator, None).await;
    let begun = begun.expect("begun");
    world.work().await;
    let system = Actor::system();
    let run = world.app.scrub_run(&system, begun.id.as_str());
    let run = run.await.expect("a run");
    assert!(run.ended_at.is_some(), "{run:?}");
    run.figures
}

/// Overwrites a stored blob behind the store's back.
fn damage(world: &World, digest: &Digest) {
    let hex = digest.hex();
    let file = world
        .dir
        .path()
        .join("blobs/sha256")
        .join(&hex[..2])
        .join(hex);
    fs::write(file, b"something else").expect("written");
}

both! {
    async fn each_blob_counts_once_for_its_publisher(db: Database) {
        let world = with_quota(db, 0).await;
        let hundred = vec![1; 100];
        let digest = world.push_blob("staging/acme/a", &hundred).await.expect("pushed");
        world.push_blob("staging/acme/a", &hundred).await.expect("pushed again");
        world.push_blob("staging/acme/b", &hundred).await.expect("pushed elsewhere");
        assert_eq!(used(&world).await, 100);
        world.push_blob("staging/acme/b", &[2; 11]).await.expect("pushed");
        assert_eq!(used(&world).await, 111);
        world.app.delete_blob(&repo("staging/acme/a"), &digest).await.expect("deleted");
        assert_eq!(used(&world).await, 111, "b still has it");
        world.app.delete_blob(&repo("staging/acme/b"), &digest).await.expect("deleted");
        assert_eq!(used(&world).await, 11);
        // Nothing names the other one, so a collection takes it.
        collect(&world).await;
        world.clock.advance(TimeDelta::days(2));
        assert_eq!(collect(&world).await.links, 1);
        assert_eq!(used(&world).await, 0);
    }

    async fn manifests_count_as_blobs_do(db: Database) {
        let world = with_quota(db, 0).await;
        world.push_blob("staging/acme/a", b"{}").await.expect("pushed");
        world.push_blob("staging/acme/b", b"{}").await.expect("pushed");
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": oci::media_type::OCI_MANIFEST, "layers": [],
            "config": {"mediaType": oci::media_type::OCI_EMPTY, "digest": Digest::of(b"{}").to_string(), "size": 2},
        }).to_string().into_bytes();
        let both = 2 + i64::try_from(manifest.len()).expect("small");
        let mut digests = Vec::new();
        for (name, tag) in [("staging/acme/a", "1"), ("staging/acme/a", "2"), ("staging/acme/b", "1")] {
            digests.push(world.push_manifest(name, Some(tag), manifest.clone()).await.expect("pushed"));
            assert_eq!(used(&world).await, both);
        }
        world.app.delete_manifest(&repo("staging/acme/a"), digests[0].as_str()).await.expect("deleted");
        assert_eq!(used(&world).await, both, "b still has it");
        world.app.delete_manifest(&repo("staging/acme/b"), "1").await.expect("untagged");
        for _ in 0..3 {
            collect(&world).await;
            world.clock.advance(TimeDelta::days(2));
        }
        assert_eq!(used(&world).await, 0);
        // What would be too much is not kept.
        world.app.set_publisher_quota(&world.operator, "acme", Some(100)).await.expect("set");
        world.push_blob("staging/acme/a", b"{}").await.expect("pushed");
        let refused = world.push_manifest("staging/acme/a", Some("1"), manifest).await.expect_err("too much");
        assert_eq!(refused.code, ErrorCode::Denied);
        assert_eq!(used(&world).await, 2);
    }

    async fn a_collection_that_failed_for_good_blocks_no_push(db: Database) {
        let world = with_quota(db, 0).await;
        let begun = world.app.start_collection(&world.operator, false).await.expect("begun");
        let digest = Digest::of(b"condemned");
        let mut tx = world.db.begin().await.expect("a transaction");
        store::collection::decide(&mut tx).await.expect("decided");
        let condemned = store::condemned::condemn(&mut tx, digest.as_str(), world.app.now()).await;
        assert!(condemned.expect("condemned"));
        tx.commit().await.expect("committed");
        for _ in 0..store::jobs::MAX_ATTEMPTS {
            let refused = world.push_blob("staging/acme/a", b"condemned").await;
            refused.expect_err("it may be deleted at any moment");
            let mut tx = world.db.begin().await.expect("a transaction");
            let taken = store::jobs::claim(&mut tx, "killed", world.app.now(), TimeDelta::seconds(30));
            taken.await.expect("asked").expect("a job");
            tx.commit().await.expect("committed");
            world.clock.advance(TimeDelta::seconds(31));
        }
        assert_eq!(world.work().await, 1);
        let run = world.app.collection(&world.operator, begun.id.as_str()).await.expect("a run");
        assert!(run.failed.is_some(), "{run:?}");
        world.push_blob("staging/acme/a", b"condemned").await.expect("pushed");
    }

    async fn pushes_at_once_are_counted_right(db: Database) {
        let world = std::sync::Arc::new(with_quota(db, 0).await);
        let pushers: Vec<_> = (0..8_u8).map(|number| {
            let world = std::sync::Arc::clone(&world);
            tokio::spawn(async move {
                for round in 0..10_u8 {
                    let name = format!("staging/acme/r{}", number % 3);
                    world.push_blob(&name, &[round; 10]).await.expect("pushed");
                    world.push_blob(&name, &[100 + number, round]).await.expect("pushed");
                }
            })
        }).collect();
        for pusher in pushers {
            pusher.await.expect("done");
        }
        assert_eq!(used(&world).await, 10 * 10 + 8 * 10 * 2);
    }

    async fn a_full_publisher_is_warned_and_then_refused(db: Database) {
        let world = with_quota(db, 1000).await;
        world.push_blob("staging/acme/a", &[1; 899]).await.expect("pushed");
        assert_eq!(warning(&world).await, None);
        world.push_blob("staging/acme/a", &[2; 1]).await.expect("pushed");
        assert!(warning(&world).await.expect("a warning").contains("900 of 1000 bytes allowed (90 %)"));
        let refused = world.push_blob("staging/acme/a", &[3; 101]).await.expect_err("too much");
        assert_eq!(refused.code, ErrorCode::Denied);
        assert!(refused.message.contains("1001 of 1000 bytes"), "{refused}");
        assert!(refused.message.contains("ask the operator"), "{refused}");
        assert_eq!(used(&world).await, 900, "what was refused does not count");
        world.push_blob("staging/acme/a", &[4; 100]).await.expect("exactly");
        // Full: an upload need not even begin, but what is there already is no more.
        let access = world.access(&world.editor, "staging/acme/a").await;
        let begun = world.app.start_upload(&repo("staging/acme/a"), &access, oci::Algorithm::Sha256).await;
        assert_eq!(begun.expect_err("full").code, ErrorCode::Denied);
        world.app.set_publisher_quota(&world.operator, "acme", Some(2000)).await.expect("set");
        world.push_blob("staging/acme/a", &[3; 101]).await.expect("room again");
        assert_eq!(warning(&world).await, None);
        let storage = world.app.set_publisher_quota(&world.operator, "acme", Some(0)).await.expect("set");
        assert_eq!((storage.quota_bytes, storage.is_own_quota), (None, true));
        let storage = world.app.set_publisher_quota(&world.operator, "acme", None).await.expect("set");
        assert_eq!((storage.quota_bytes, storage.percent(), storage.is_tight()), (Some(1000), Some(110), true));
    }

    async fn what_is_there_takes_no_more_room(db: Database) {
        let world = with_quota(db, 100).await;
        world.push_blob("staging/acme/a", &[1; 100]).await.expect("pushed");
        world.push_blob("staging/acme/a", &[1; 100]).await.expect("mended");
        world.push_blob("staging/acme/b", &[1; 100]).await.expect("shared");
        assert_eq!(used(&world).await, 100);
        let refused = world.push_blob("staging/acme/b", &[2; 1]).await.expect_err("full");
        assert_eq!(refused.code, ErrorCode::Denied);
    }

    async fn what_would_not_fit_is_refused_before_it_has_come(db: Database) {
        let world = with_quota(db, 1000).await;
        // Also where nothing was pushed before.
        let name = repo("staging/acme/never");
        let access = world.access(&world.editor, name.as_str()).await;
        let id = world.app.start_upload(&name, &access, oci::Algorithm::Sha256).await.expect("begun");
        let endless = |byte: u8| futures_util::stream::iter((0..).map(move |_| Ok(Bytes::from(vec![byte; 100])))).boxed();
        let refused = world.app.append_upload(&name, id.as_str(), None, endless(1)).await.expect_err("endless");
        assert_eq!(refused.code, ErrorCode::Denied);
        assert!(refused.message.contains("1001 of 1000 bytes"), "{refused}");
        let refused = world.app.put_blob(&name, endless(2), &Digest::of(b"promised")).await.expect_err("endless");
        assert_eq!(refused.code, ErrorCode::Denied);
        assert_eq!(used(&world).await, 0);
    }

    async fn released_images_do_not_count(db: Database) {
        let world = with_quota(db, 0).await;
        world.product().await;
        let before = used(&world).await;
        assert_eq!(before, 0);
        world.released("1.0", &crate::images::Image::vulnerable("one")).await;
        let staged = used(&world).await;
        for tag in ["1.0"] {
            world.app.delete_manifest(&repo("staging/acme/db"), tag).await.expect("untagged");
        }
        for _ in 0..3 {
            world.clock.advance(TimeDelta::days(2));
            collect(&world).await;
        }
        assert!(used(&world).await < staged);
    }

    async fn tags_go_by_rule_before_a_collection(db: Database) {
        let world = with_quota(db, 0).await;
        for tag in ["1", "2", "3", "latest"] {
            let config = format!("config {tag}");
            world.push_blob("staging/acme/a", config.as_bytes()).await.expect("pushed");
            let manifest = serde_json::json!({
                "schemaVersion": 2, "mediaType": oci::media_type::OCI_MANIFEST, "layers": [],
                "config": {"mediaType": oci::media_type::OCI_CONFIG, "digest": Digest::of(config.as_bytes()).to_string(), "size": config.len()},
            });
            world.push_manifest("staging/acme/a", Some(tag), manifest.to_string().into_bytes()).await.expect("pushed");
            world.clock.advance(TimeDelta::days(1));
        }
        let rules = RetentionRules { keep_newest: Some(1), keep_tags: vec!["2".to_owned()], unused_days: None };
        let preview = world.app.preview_retention(&world.viewer, "acme", Some(&rules)).await.expect("told");
        let names: Vec<_> = preview.iter().map(|tag| tag.tag.as_str()).collect();
        assert_eq!(names, ["1", "3"]);
        collect(&world).await;
        assert_eq!(world.app.list_tags(&repo("staging/acme/a"), "", 9).await.expect("read").len(), 4);
        world.app.set_default_retention(&world.operator, &rules).await.expect("set");
        assert!(!world.app.retention(&world.viewer, "acme").await.expect("told").is_own);
        // Its own rules count instead; and what was pulled lately is in use.
        let own = RetentionRules { keep_newest: None, unused_days: Some(3), keep_tags: Vec::new() };
        world.app.set_retention(&world.owner, "acme", Some(&own)).await.expect("set");
        world.clock.advance(TimeDelta::hours(1));
        let access = world.access(&world.viewer, "staging/acme/a").await;
        let pull = app::registry::PullRequest { reference: "1", user_agent: "", access: &access };
        world.app.pull_manifest(&repo("staging/acme/a"), pull).await.expect("pulled");
        assert_eq!(collect(&world).await.tags, 1);
        assert_eq!(world.app.list_tags(&repo("staging/acme/a"), "", 9).await.expect("read"), ["1", "3", "latest"]);
        world.app.set_retention(&world.owner, "acme", None).await.expect("unset");
        assert_eq!(collect(&world).await.tags, 2);
        assert_eq!(world.app.list_tags(&repo("staging/acme/a"), "", 9).await.expect("read"), ["latest"]);
        let told_of = world.audit("staging/acme/a").await;
        assert!(told_of.contains(&"manage-retention ->dropped 1, 3".to_owned()), "{told_of:?}");
        let wrong = RetentionRules { keep_newest: Some(0), ..RetentionRules::default() };
        assert!(told(world.app.set_retention(&world.owner, "acme", Some(&wrong)).await).starts_with("invalid: "));
    }

    async fn a_scrub_that_gets_on_may_be_begun_as_often_as_it_takes(db: Database) {
        let world = with_quota(db, 0).await;
        world.push_blob("staging/acme/a", b"one").await.expect("pushed");
        let begun = world.app.start_scrub(&world.operator, None).await.expect("begun");
        let mut tx = world.db.begin().await.expect("a transaction");
        let lease = TimeDelta::seconds(30);
        for _ in 0..3 * store::jobs::MAX_ATTEMPTS {
            // A worker that was stopped after it had noted how far it was.
            let job = store::jobs::claim(&mut tx, "stopped", world.app.now(), lease).await;
            let job = job.expect("read").expect("still there");
            assert_eq!(job.kind, "scrub");
            store::jobs::went_on(&mut tx, &job.id).await.expect("noted");
            world.clock.advance(lease * 2);
        }
        tx.commit().await.expect("committed");
        world.work().await;
        let run = world.app.scrub_run(&Actor::system(), begun.id.as_str()).await.expect("a run");
        assert!(run.ended_at.is_some() && run.failed.is_none(), "{run:?}");
    }

    async fn steps_of_a_run_count_its_attempts_anew(db: Database) {
        let world = with_quota(db, 0).await;
        world.push_blob("staging/acme/a", b"one").await.expect("pushed");
        let begun = world.app.start_collection(&world.operator, false).await.expect("begun");
        let mut tx = world.db.begin().await.expect("a transaction");
        let lease = TimeDelta::seconds(30);
        let mut job = None;
        for _ in 0..store::jobs::MAX_ATTEMPTS - 1 {
            job = store::jobs::claim(&mut tx, "killed", world.app.now(), lease).await.expect("read");
            world.clock.advance(lease * 2);
        }
        tx.commit().await.expect("committed");
        let job = job.expect("still there");
        assert_eq!(job.attempts, store::jobs::MAX_ATTEMPTS - 1);
        world.work().await;
        let mut tx = world.db.read().await.expect("a connection");
        let job = store::jobs::find(&mut tx, &job.id).await.expect("read").expect("kept");
        assert_eq!((job.state.as_str(), job.attempts), ("done", 1));
        let run = world.app.collection(&Actor::system(), begun.id.as_str()).await.expect("a run");
        assert!(run.ended_at.is_some(), "{run:?}");
    }

    async fn a_scrub_finds_what_is_wrong_and_a_push_mends_it(db: Database) {
        let world = with_quota(db, 0).await;
        let whole = world.push_blob("staging/acme/a", b"whole").await.expect("pushed");
        let broken = world.push_blob("staging/acme/a", b"broken").await.expect("pushed");
        let missing = world.push_blob("staging/acme/b", b"missing").await.expect("pushed");
        let figures = scrub(&world).await;
        assert_eq!((figures.blobs, figures.bytes, figures.missing, figures.damaged), (3, 18, 0, 0));
        damage(&world, &broken);
        let later = chrono::DateTime::<chrono::Utc>::MAX_UTC;
        world.blobs.delete_older(&missing, later).await.expect("deleted");
        let figures = scrub(&world).await;
        assert_eq!((figures.missing, figures.damaged), (1, 1));
        let found = world.app.damaged_blobs(&world.operator).await.expect("told");
        let mut places: Vec<_> = found.iter().map(|blob| (blob.digest.clone(), blob.repositories.clone())).collect();
        places.sort();
        let mut expected = vec![
            (broken.to_string(), vec!["staging/acme/a".to_owned()]),
            (missing.to_string(), vec!["staging/acme/b".to_owned()]),
        ];
        expected.sort();
        assert_eq!(places, expected);
        // Whoever may push is told that it is not there; nobody can mount it.
        let name = repo("staging/acme/a");
        let access = world.access(&world.editor, name.as_str()).await;
        let looked = world.app.note_looked_at(&name, broken.as_str(), &access).await;
        assert_eq!(looked.expect_err("damaged").code, ErrorCode::BlobUnknown);
        world.app.note_looked_at(&name, whole.as_str(), &access).await.expect("whole");
        let mounted = world.app.mount_blob(&repo("staging/acme/b"), &broken, Some(&name), &access).await;
        assert!(!mounted.expect("asked"));
        world.push_blob("staging/acme/a", b"broken").await.expect("pushed again");
        assert_eq!(world.app.count_damaged_blobs().await.expect("counted"), 1);
        // What comes back by itself counts as mended by the next scrub.
        world.blobs.put_bytes(&missing, Bytes::from_static(b"missing")).await.expect("put");
        let figures = scrub(&world).await;
        assert_eq!((figures.missing, figures.damaged), (0, 0));
        assert_eq!(world.app.count_damaged_blobs().await.expect("counted"), 0);
    }
}
