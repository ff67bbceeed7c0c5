//! Single stories: one push, one release, one killed worker.

use std::time::Duration;

use app::KeptBecause;
use market::Decision;
use store::blobs::BlobStore as _;

use super::*;
use crate::{images::Image, world::told};

const NAME: &str = "staging/acme/db";

/// Pushes an image of two blobs; gives its digest and its manifest.
async fn push(world: &World, tag: Option<&str>, seed: &str) -> (String, Vec<u8>) {
    let (config, layer) = (format!("config {seed}"), format!("layer {seed}"));
    for blob in [&config, &layer] {
        world
            .push_blob(NAME, blob.as_bytes())
            .await
            .expect("pushed");
    }
    let manifest = image(&[config.as_bytes(), layer.as_bytes()], None);
    let digest = world.push_manifest(NAME, tag, manifest.clone()).await;
    (digest.expect("pushed").to_string(), manifest)
}

async fn is_there(world: &World, digest: &str) -> bool {
    world.app.find_manifest(&repo(NAME), digest).await.is_ok()
}

fn freed(figures: CollectionFigures) -> (i64, i64, i64) {
    (figures.manifests, figures.links, figures.blobs)
}

both! {
    async fn what_is_untagged_goes_after_its_grace(db: Database) {
        let world = World::new(db).await;
        leave_the_present(&world).await;
        let (old, _) = push(&world, Some("latest"), "old").await;
        let (new, _) = push(&world, Some("latest"), "new").await;
        // Marked now; a dry run says so without marking.
        assert_eq!(collect(&world, true).await.waiting_manifests, 1);
        assert_eq!(collect(&world, false).await.waiting_manifests, 1);
        world.clock.advance(GRACE - TimeDelta::seconds(1));
        assert_eq!(freed(collect(&world, false).await), (0, 0, 0));
        world.clock.advance(TimeDelta::seconds(1));
        assert_eq!(freed(collect(&world, true).await), (1, 0, 0));
        assert!(is_there(&world, &old).await, "a dry run deletes nothing");
        assert_eq!(freed(collect(&world, false).await), (1, 0, 0));
        assert!(!is_there(&world, &old).await);
        world.clock.advance(GRACE);
        let figures = collect(&world, false).await;
        assert_eq!(freed(figures), (0, 2, 2));
        assert_eq!(figures.bytes, i64::try_from("config oldlayer old".len()).expect("small"));
        assert!(is_there(&world, &new).await);
        assert_eq!(freed(collect(&world, false).await), (0, 0, 0));
    }

    async fn whoever_looks_in_order_to_push_has_the_grace_again(db: Database) {
        let world = World::new(db).await;
        leave_the_present(&world).await;
        let blob = world.push_blob(NAME, b"a blob").await.expect("pushed");
        collect(&world, false).await;
        world.clock.advance(GRACE);
        let access = world.access(&world.editor, NAME).await;
        world.app.note_looked_at(&repo(NAME), blob.as_str(), &access).await.expect("noted");
        collect(&world, false).await;
        assert!(world.app.blob_size(&repo(NAME), &blob).await.is_ok());
        // Who may only pull changes nothing.
        world.clock.advance(GRACE);
        let access = world.access(&world.viewer, NAME).await;
        world.app.note_looked_at(&repo(NAME), blob.as_str(), &access).await.expect("looked");
        collect(&world, false).await;
        assert!(world.app.blob_size(&repo(NAME), &blob).await.is_err());
    }

    async fn what_was_released_can_be_pulled_for_ever(db: Database) {
        let world = World::new(db).await;
        leave_the_present(&world).await;
        world.product().await;
        let first = world.released("1.0", &Image::vulnerable("one")).await;
        world.released("2.0", &Image::vulnerable("two")).await;
        for tag in ["1.0", "2.0"] {
            world.app.delete_manifest(&repo(NAME), tag).await.expect("untagged");
        }
        for _ in 0..5 {
            world.clock.advance(GRACE * 2);
            collect(&world, false).await;
        }
        assert!(!is_there(&world, &first.digest).await, "the staged copy is gone");
        let name = repo("acme/db");
        let row = world.app.find_manifest(&name, &first.digest).await.expect("released");
        let manifest = oci::RawManifest::parse(row.content.to_vec(), None).expect("a manifest");
        for named in manifest.references() {
            let blob = world.app.open_blob(&named.digest, None).await.expect("there");
            let pieces: Vec<_> = blob.into_stream().try_collect().await.expect("read");
            assert_eq!(Digest::of(&pieces.concat()), named.digest);
        }
        // The one below is in both.
        let layer = manifest.references()[1].digest.to_string();
        let why = world.app.why_kept(&world.operator, &layer).await.expect("told");
        let [place] = why.kept_in.as_slice() else { panic!("{why:?}") };
        assert_eq!(place.because, KeptBecause::Release { tag: Some("1.0".to_owned()) });
        assert_eq!(place.way, [layer, first.digest]);
    }

    async fn what_is_reviewed_stays_though_untagged(db: Database) {
        let world = World::new(db).await;
        leave_the_present(&world).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        world.app.delete_manifest(&repo(NAME), "1.0").await.expect("untagged");
        for _ in 0..3 {
            world.clock.advance(GRACE * 2);
            collect(&world, false).await;
        }
        let why = world.app.why_kept(&world.operator, &submission.digest).await.expect("told");
        let because = &why.kept_in[0].because;
        assert_eq!(*because, KeptBecause::Submission { submission: submission.id.to_string() });
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
        assert_eq!(world.work().await, 1);
        assert!(world.app.find_manifest(&repo("acme/db"), "1.0").await.is_ok());
    }

    async fn why_names_the_way_and_the_end_of_the_grace(db: Database) {
        let world = World::new(db).await;
        leave_the_present(&world).await;
        let (child, _) = push(&world, None, "child").await;
        let both = world.push_manifest(NAME, Some("both"), index(std::slice::from_ref(&child), None)).await;
        let both = both.expect("pushed").to_string();
        let layer = Digest::of(b"layer child").to_string();
        let why = world.app.why_kept(&world.operator, &layer).await.expect("told");
        assert_eq!((why.stored_bytes, why.picture, why.more), (Some(11), None, false));
        assert_eq!(why.kept_in[0].way, [layer.clone(), child.clone(), both.clone()]);
        assert_eq!(why.kept_in[0].because, KeptBecause::Tag { tag: "both".to_owned() });
        world.app.delete_manifest(&repo(NAME), &both).await.expect("deleted");
        let why = world.app.why_kept(&world.operator, &child).await.expect("told");
        assert_eq!(why.kept_in[0].because, KeptBecause::Grace { until: None });
        collect(&world, false).await;
        let until = Some(world.app.now() + GRACE);
        let why = world.app.why_kept(&world.operator, &child).await.expect("told");
        assert_eq!(why.kept_in[0].because, KeptBecause::Grace { until });
        assert_eq!(told(world.app.why_kept(&world.operator, "sha256:1").await).split(':').next(), Some("invalid"));
    }

    async fn manifests_from_before_are_read_first(db: Database) {
        let world = World::new(db).await;
        leave_the_present(&world).await;
        let (digest, _) = push(&world, Some("1"), "one").await;
        let mut tx = world.db.begin().await.expect("a transaction");
        let forget = ["DELETE FROM manifest_references", "UPDATE manifests SET references_known = FALSE"];
        for statement in forget {
            match &mut tx {
                store::Tx::Sqlite(c) => drop(sqlx::query(statement).execute(&mut **c).await.expect("done")),
                store::Tx::Postgres(c) => drop(sqlx::query(statement).execute(&mut **c).await.expect("done")),
            }
        }
        tx.commit().await.expect("committed");
        for _ in 0..4 {
            world.clock.advance(GRACE * 2);
            collect(&world, false).await;
        }
        assert!(is_there(&world, &digest).await);
        assert!(world.app.blob_size(&repo(NAME), &Digest::of(b"layer one")).await.is_ok());
    }

    async fn a_collection_cut_short_goes_on_where_it_was(db: Database) {
        let world = World::new(db).await;
        leave_the_present(&world).await;
        for number in 0..30 {
            push(&world, Some("latest"), &number.to_string()).await;
        }
        collect(&world, false).await;
        world.clock.advance(GRACE);
        assert_eq!(collect(&world, false).await.manifests, 29);
        world.clock.advance(GRACE);
        let stored = async || world.blobs.list().try_collect::<Vec<_>>().await.expect("listed").len();
        let before = stored().await;
        let begun = world.app.start_collection(&world.operator, false).await.expect("begun");
        let second = world.app.start_collection(&world.operator, false).await;
        assert!(told(second).starts_with("conflict: "));
        for millis in [1, 4, 9, 16] {
            let cut = tokio::time::timeout(Duration::from_millis(millis), world.app.work_once("killed"));
            drop(cut.await);
            // Its lease runs out.
            world.clock.advance(TimeDelta::seconds(31));
        }
        let mut looks = 0;
        let run = loop {
            world.work().await;
            let run = world.app.collection(&world.operator, begun.id.as_str()).await.expect("a run");
            if run.ended_at.is_some() {
                break run;
            }
            // PostgreSQL has not yet heard of what was cut, and keeps the job for it.
            looks += 1;
            assert!(looks < 100, "{run:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(run.figures.links, 58, "each counted once");
        // Bytes that went in the moment of a cut are counted by nobody.
        assert!(run.figures.blobs <= 58, "none counted twice: {run:?}");
        assert_eq!(before - stored().await, 58);
        let line = world.audit(begun.id.as_str()).await;
        assert_eq!(line.len(), 2, "{line:?}");
    }

    async fn a_collection_begins_by_itself_when_it_is_time(db: Database) {
        let world = World::with_upkeep(db, app::UpkeepConfig {
            collect_every: Some(TimeDelta::hours(6)),
            ..app::UpkeepConfig::default()
        }).await;
        assert!(!world.app.collect_if_due().await.expect("asked"), "nothing to do in a new market");
        world.clock.advance(TimeDelta::hours(6));
        assert!(world.app.collect_if_due().await.expect("asked"));
        world.clock.advance(TimeDelta::hours(5));
        assert!(!world.app.collect_if_due().await.expect("asked"));
        assert_eq!(world.work().await, 1);
        world.clock.advance(TimeDelta::hours(1));
        assert!(world.app.collect_if_due().await.expect("asked"));
    }
}
