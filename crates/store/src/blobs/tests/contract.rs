//! What every [`BlobStore`] promises, as one suite.

use std::{collections::BTreeMap, io::Read, sync::Arc};

use chrono::{DateTime, Utc};
use futures_util::{TryStreamExt, future::join_all};

use super::{super::BlobEntry, *};

/// Runs the whole suite on an empty store.
pub(super) async fn keeps_the_contract(blobs: Arc<dyn BlobStore>) {
    blobs.check().await.expect("check");
    absent_blobs_are_typed(&*blobs).await;
    small_blobs_come_back(&*blobs).await;
    ranges_are_cut_or_refused(&*blobs).await;
    wrong_bytes_are_refused(&*blobs).await;
    putting_twice_or_at_once_is_fine(&blobs).await;
    blocking_readers_read(&blobs).await;
    lists_and_deletes(&*blobs).await;
}

async fn absent_blobs_are_typed(blobs: &dyn BlobStore) {
    let digest = Digest::of(b"never stored");
    let is_absent = |result| matches!(result, Err(BlobError::NotFound(d)) if d == digest);
    assert!(is_absent(blobs.get(&digest, None).await));
    assert!(is_absent(blobs.get(&digest, Some(0..1)).await));
    assert_eq!(blobs.size(&digest).await.expect("size"), None);
    let gone = blobs.delete_older(&digest, DateTime::<Utc>::MAX_UTC).await;
    assert_eq!(gone.expect("delete what is absent"), None);
}

async fn small_blobs_come_back(blobs: &dyn BlobStore) {
    for content in [Bytes::new(), Bytes::from_static(b"{}"), bytes(300_000, 1)] {
        for digest in [Digest::of(&content), sha512(&content)] {
            let put = blobs.put_bytes(&digest, content.clone()).await;
            put.expect("put");
            let blob = blobs.get(&digest, None).await.expect("get");
            assert_eq!(blob.size, content.len() as u64);
            assert_eq!(read(blob).await, content);
            let size = blobs.size(&digest).await.expect("size");
            assert_eq!(size, Some(content.len() as u64));
        }
    }
}

async fn ranges_are_cut_or_refused(blobs: &dyn BlobStore) {
    let content = bytes(1000, 2);
    let digest = Digest::of(&content);
    let put = blobs.put_bytes(&digest, content.clone()).await;
    put.expect("put");
    for (asked, given) in [
        (0..1, 0..1),
        (10..500, 10..500),
        (999..1000, 999..1000),
        (990..5000, 990..1000),
        (1..u64::MAX, 1..1000),
    ] {
        let blob = blobs.get(&digest, Some(asked)).await.expect("range");
        assert_eq!(blob.size, 1000);
        assert_eq!(read(blob).await, content.slice(given));
    }
    for asked in [1000..1001, 5..5, 2000..3000] {
        let refused = blobs.get(&digest, Some(asked)).await;
        assert!(
            matches!(refused, Err(BlobError::Range { size: 1000, .. })),
            "{refused:?}"
        );
    }
}

async fn wrong_bytes_are_refused(blobs: &dyn BlobStore) {
    let digest = Digest::of(b"promised");
    let refused = blobs.put_bytes(&digest, "delivered".into()).await;
    assert!(matches!(refused, Err(BlobError::Corrupt { .. })));
    assert_eq!(blobs.size(&digest).await.expect("size"), None);
}

async fn putting_twice_or_at_once_is_fine(blobs: &Arc<dyn BlobStore>) {
    let content = bytes(100_000, 4);
    let digest = Digest::of(&content);
    let puts = (0..8).map(|_| {
        let (blobs, digest, content) = (Arc::clone(blobs), digest.clone(), content.clone());
        tokio::spawn(async move {
            blobs.put_bytes(&digest, content).await.expect("put bytes");
            let blob = blobs.get(&digest, None).await.expect("get");
            read(blob).await
        })
    });
    for seen in join_all(puts).await {
        assert_eq!(seen.expect("task"), content);
    }
}

async fn blocking_readers_read(blobs: &Arc<dyn BlobStore>) {
    let content = bytes(700_000, 5);
    let digest = Digest::of(&content);
    let put = blobs.put_bytes(&digest, content.clone()).await;
    put.expect("put");
    let blobs = Arc::clone(blobs);
    let reading = tokio::task::spawn_blocking(move || {
        let absent = blobs.open_sync(&Digest::of(b"never stored"));
        assert!(matches!(absent, Err(BlobError::NotFound(_))));
        let mut seen = Vec::new();
        let mut reader = blobs.open_sync(&digest).expect("open");
        reader.read_to_end(&mut seen).expect("read");
        seen
    });
    assert_eq!(reading.await.expect("task"), content);
}

async fn lists_and_deletes(blobs: &dyn BlobStore) {
    let before = list(blobs).await;
    assert!(!before.is_empty());
    let content = bytes(77, 6);
    let digest = Digest::of(&content);
    blobs.put_bytes(&digest, content).await.expect("put");
    let with = list(blobs).await;
    assert_eq!(with.len(), before.len() + 1);
    assert_eq!(with[&digest].size, 77);

    let written = with[&digest].modified;
    let kept = blobs.delete_older(&digest, written).await;
    assert_eq!(kept.expect("look"), None, "it is not older than itself");
    assert_eq!(blobs.size(&digest).await.expect("size"), Some(77));
    let later = written + chrono::TimeDelta::seconds(1);
    let gone = blobs.delete_older(&digest, later).await;
    assert_eq!(gone.expect("delete"), Some(77));
    assert_eq!(blobs.size(&digest).await.expect("size"), None);
    assert_eq!(list(blobs).await, before);
    for digest in before.keys() {
        let gone = blobs.delete_older(digest, DateTime::<Utc>::MAX_UTC).await;
        gone.expect("delete");
    }
    assert!(list(blobs).await.is_empty());
}

async fn list(blobs: &dyn BlobStore) -> BTreeMap<Digest, BlobEntry> {
    let entries = blobs.list().map_ok(|entry| (entry.digest.clone(), entry));
    let entries: Vec<_> = entries.try_collect().await.expect("list");
    let count = entries.len();
    let by_digest: BTreeMap<_, _> = entries.into_iter().collect();
    assert_eq!(by_digest.len(), count, "a blob is listed once");
    by_digest
}
