//! What every [`BlobStore`] promises, as one suite.

use std::{collections::BTreeMap, fs, io::Read, path::Path, sync::Arc};

use futures_util::{TryStreamExt, future::join_all};

use super::{super::BlobEntry, *};

/// Runs the whole suite on an empty store, with `staging` as directory for local files.
pub(super) async fn keeps_the_contract(blobs: Arc<dyn BlobStore>, staging: &Path) {
    blobs.check().await.expect("check");
    absent_blobs_are_typed(&*blobs).await;
    small_blobs_come_back(&*blobs).await;
    ranges_are_cut_or_refused(&*blobs).await;
    wrong_bytes_are_refused(&*blobs).await;
    large_files_are_consumed(&*blobs, staging).await;
    putting_twice_or_at_once_is_fine(&blobs, staging).await;
    blocking_readers_read(&blobs).await;
    lists_and_deletes(&*blobs).await;
}

async fn absent_blobs_are_typed(blobs: &dyn BlobStore) {
    let digest = Digest::of(b"never stored");
    let is_absent = |result| matches!(result, Err(BlobError::NotFound(d)) if d == digest);
    assert!(is_absent(blobs.get(&digest, None).await));
    assert!(is_absent(blobs.get(&digest, Some(0..1)).await));
    assert_eq!(blobs.size(&digest).await.expect("size"), None);
    blobs.delete(&digest).await.expect("delete what is absent");
    let missing = Path::new("/nonexistent/staged");
    assert!(blobs.put_file(&digest, missing).await.is_err());
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

/// Twenty megabytes, which S3 gets in three parts, and just as much as goes in one request.
async fn large_files_are_consumed(blobs: &dyn BlobStore, staging: &Path) {
    for len in [20 << 20, 16 << 20] {
        let content = bytes(len, 3);
        let digest = Digest::of(&content);
        let file = staging.join("large");
        fs::write(&file, &content).expect("stage");
        blobs.put_file(&digest, &file).await.expect("put");
        assert!(!file.exists());

        let blob = blobs.get(&digest, None).await.expect("get");
        assert_eq!(blob.size, content.len() as u64);
        assert!(read(blob).await == content);
        let across_parts = (8 << 20) - 5..(8 << 20) + 5;
        let blob = blobs.get(&digest, Some(across_parts)).await.expect("get");
        assert_eq!(read(blob).await, content[(8 << 20) - 5..(8 << 20) + 5]);
    }
}

async fn putting_twice_or_at_once_is_fine(blobs: &Arc<dyn BlobStore>, staging: &Path) {
    let content = bytes(100_000, 4);
    let digest = Digest::of(&content);
    let puts = (0..8).map(|n| {
        let (blobs, digest) = (Arc::clone(blobs), digest.clone());
        let (file, content) = (staging.join(format!("same-{n}")), content.clone());
        tokio::spawn(async move {
            if n % 2 == 0 {
                fs::write(&file, &content).expect("stage");
                blobs.put_file(&digest, &file).await.expect("put file");
                assert!(!file.exists());
            } else {
                blobs.put_bytes(&digest, content).await.expect("put bytes");
            }
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

    blobs.delete(&digest).await.expect("delete");
    assert_eq!(blobs.size(&digest).await.expect("size"), None);
    assert_eq!(list(blobs).await, before);
    for digest in before.keys() {
        blobs.delete(digest).await.expect("delete");
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
