//! Pushes of the same digests, from many threads, while collections without any grace run in
//! a loop: what was acknowledged and is tagged can be read, always.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use app::registry::{ManifestPush, RegistryError};
use oci::{ErrorCode, RawManifest};

use super::*;

/// Pushes of each pusher.
const PUSHES: usize = 25;
const PUSHERS: usize = 6;

/// Pushes an image until nothing was taken away on the way.
async fn push(world: &World, name: &str, tag: &str, blobs: &[Vec<u8>]) -> usize {
    let blobs: Vec<&[u8]> = blobs.iter().map(Vec::as_slice).collect();
    let manifest = RawManifest::parse(image(&blobs, None), None).expect("a manifest");
    let tags = [tag.parse().expect("a tag")];
    for attempt in 0..500 {
        let pushed = async {
            for blob in &blobs {
                world.push_blob(name, blob).await?;
            }
            let push = ManifestPush::new(&manifest, &tags);
            world.app.put_manifest(&repo(name), push).await
        };
        match pushed.await {
            Ok(_) => return attempt,
            Err(error) => assert!(may_try_again(&error), "{error:?}"),
        }
    }
    panic!("no push got through");
}

fn may_try_again(error: &RegistryError) -> bool {
    matches!(
        error.code,
        ErrorCode::ManifestBlobUnknown | ErrorCode::Unavailable
    )
}

/// What is tagged is whole.
async fn pull(world: &World, name: &str, tag: &str) {
    let row = world
        .app
        .find_manifest(&repo(name), tag)
        .await
        .expect("tagged");
    let manifest =
        RawManifest::parse(row.content.to_vec(), Some(&row.media_type)).expect("a manifest");
    for named in manifest.references() {
        let blob = world.app.open_blob(&named.digest, None).await;
        let pieces: Vec<_> = blob
            .expect("there")
            .into_stream()
            .try_collect()
            .await
            .expect("read");
        assert_eq!(Digest::of(&pieces.concat()), named.digest);
    }
}

async fn pusher(world: Arc<World>, number: usize) -> usize {
    let name = format!("staging/acme/r{}", number % 3);
    let tag = format!("t{number}");
    let mut again = 0;
    for round in 0..PUSHES {
        let shared = format!("layer {}", (round + number) % 4).into_bytes();
        let config = format!("config {}", round % 3).into_bytes();
        again += push(&world, &name, &tag, &[config, shared]).await;
        pull(&world, &name, &tag).await;
        if round % 3 > 0 {
            let deleted = world.app.delete_manifest(&repo(&name), &tag).await;
            deleted.expect("its own tag");
        }
    }
    again
}

async fn race(world: World) {
    leave_the_present(&world).await;
    let world = Arc::new(world);
    let stop = Arc::new(AtomicBool::new(false));
    let collections = Arc::new(AtomicUsize::new(0));
    let collector = {
        let (world, stop) = (Arc::clone(&world), Arc::clone(&stop));
        let collections = Arc::clone(&collections);
        tokio::spawn(async move {
            let mut gone = 0;
            while !stop.load(Ordering::Relaxed) {
                gone += collect(&world, false).await.blobs;
                collections.fetch_add(1, Ordering::Relaxed);
            }
            gone
        })
    };
    let pushers: Vec<_> = (0..PUSHERS)
        .map(|number| tokio::spawn(pusher(Arc::clone(&world), number)))
        .collect();
    for pusher in pushers {
        pusher.await.expect("every push got through");
    }
    stop.store(true, Ordering::Relaxed);
    let gone = collector.await.expect("the collector");
    assert!(collections.load(Ordering::Relaxed) > 0);
    assert!(gone > 0, "the collections had something to do");
    // What is left is whole.
    for number in 0..PUSHERS {
        let (name, tag) = (
            format!("staging/acme/r{}", number % 3),
            format!("t{number}"),
        );
        let tags = world
            .app
            .list_tags(&repo(&name), "", 100)
            .await
            .expect("read");
        if tags.contains(&tag) {
            pull(&world, &name, &tag).await;
        }
    }
}

both! {
    async fn what_was_acknowledged_stays_while_collections_run(db: Database) {
        race(World::without_grace(db).await).await;
    }
}
