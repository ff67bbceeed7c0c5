//! Collections: what goes, what stays, and why; at random, at once, and cut short.

mod at_once;
mod model;
mod pictures;
mod stories;

use app::{Actor, CollectionFigures, UpkeepRun};
use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::TryStreamExt as _;
use oci::{Digest, RepoName, media_type};
use serde_json::{Value, json};

use crate::world::World;

/// One grace, as it is configured unless told otherwise.
const GRACE: TimeDelta = TimeDelta::days(1);

/// Moves the clock behind every time that files and objects can have.
async fn leave_the_present(world: &World) {
    let probe = Bytes::from_static(b"probe");
    let digest = Digest::of(&probe);
    let blobs = &world.blobs;
    store::blobs::BlobStore::put_bytes(&**blobs, &digest, probe)
        .await
        .expect("put");
    let listed: Vec<_> = store::blobs::BlobStore::list(&**blobs)
        .try_collect()
        .await
        .expect("listed");
    let newest = listed.iter().map(|entry| entry.modified).max();
    let ahead = newest.expect("the probe") - world.app.now() + GRACE * 2;
    // Whole seconds: databases keep microseconds, files finer times.
    let ahead = TimeDelta::seconds(ahead.num_seconds().max(0));
    world.clock.advance(ahead);
}

/// Runs a collection to its end.
async fn collect(world: &World, dry_run: bool) -> CollectionFigures {
    let begun = world.app.start_collection(&world.operator, dry_run).await;
    let begun: UpkeepRun<CollectionFigures> = begun.expect("begun");
    assert_eq!(world.work().await, 1);
    let run = world
        .app
        .collection(&Actor::system(), begun.id.as_str())
        .await
        .expect("a run");
    assert!(run.ended_at.is_some(), "{run:?}");
    run.figures
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::of(bytes).to_string(), "size": bytes.len()})
}

/// A manifest over these blobs, the first of which is the configuration.
fn image(blobs: &[&[u8]], subject: Option<&str>) -> Vec<u8> {
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": descriptor(media_type::OCI_CONFIG, blobs[0]),
        "layers": blobs[1..].iter().map(|blob| descriptor(media_type::OCI_LAYER, blob)).collect::<Vec<_>>(),
    });
    if let Some(subject) = subject {
        manifest["subject"] =
            json!({"mediaType": media_type::OCI_MANIFEST, "digest": subject, "size": 2});
    }
    manifest.to_string().into_bytes()
}

/// An index over these manifests.
fn index(children: &[String], subject: Option<&str>) -> Vec<u8> {
    let entry = |digest: &String| json!({"mediaType": media_type::OCI_MANIFEST, "digest": digest, "size": 2});
    let mut index = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_INDEX,
        "manifests": children.iter().map(entry).collect::<Vec<_>>(),
    });
    if let Some(subject) = subject {
        index["subject"] = entry(&subject.to_owned());
    }
    index.to_string().into_bytes()
}

fn repo(name: &str) -> RepoName {
    name.parse().expect("a name")
}
