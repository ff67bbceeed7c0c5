//! Uploads: pieces, breaks, restarts, rivals, limits, full disks.

use std::{fs, io, path::Path, pin::Pin, sync::Arc, task::Poll};

use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, stream};

use super::{
    super::{FsBlobs, UploadError, Uploads},
    fs::SmallDisk,
    *,
};

const LIMIT: u64 = 100 << 20;

fn open() -> (tempfile::TempDir, Uploads) {
    let dir = tempfile::tempdir().expect("directory");
    let uploads = Uploads::open(&dir.path().join("uploads")).expect("open");
    (dir, uploads)
}

fn store(dir: &Path) -> Arc<FsBlobs> {
    Arc::new(FsBlobs::open(&dir.join("blobs")).expect("open"))
}

/// Streams `content` in pieces of 64 KiB.
fn whole(content: &Bytes) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    stream::iter(pieces(content).into_iter().map(Ok))
}

/// Streams `content`, and then breaks.
fn broken(content: &Bytes) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    whole(content).chain(stream::once(async {
        Err(io::ErrorKind::ConnectionReset.into())
    }))
}

/// Streams `content`, and then nothing for ever.
fn stalled(content: &Bytes) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    whole(content).chain(stream::pending())
}

fn pieces(content: &Bytes) -> Vec<Bytes> {
    let starts = (0..content.len()).step_by(65_536);
    let piece = |at: usize| content.slice(at..content.len().min(at + 65_536));
    starts.map(piece).collect()
}

#[tokio::test]
async fn pieces_become_a_blob() {
    let (dir, uploads) = open();
    let content = bytes(5_000_000, 1);
    for digest in [Digest::of(&content), sha512(&content)] {
        uploads.create("a").await.expect("create");
        let (first, second) = (content.slice(..3_000_000), content.slice(3_000_000..));
        let offset = uploads.append("a", 0, whole(&first), LIMIT).await;
        assert_eq!(offset.expect("append"), 3_000_000);
        let offset = uploads.append("a", 3_000_000, whole(&second), LIMIT).await;
        assert_eq!(offset.expect("append"), 5_000_000);

        let staged = uploads.finish("a", &digest).await.expect("finish");
        assert_eq!((staged.size(), staged.digest()), (5_000_000, &digest));
        let blobs = store(dir.path());
        let stored = staged.store_in(Arc::clone(&blobs) as Arc<dyn BlobStore>);
        stored.await.expect("store");
        let blob = blobs.get(&digest, None).await.expect("get");
        assert!(read(blob).await == content);
        let gone = uploads.offset("a").await;
        assert!(matches!(gone, Err(UploadError::Unknown(_))));
    }
}

#[tokio::test]
async fn an_empty_upload_is_the_empty_blob() {
    let (_dir, uploads) = open();
    uploads.create("a").await.expect("create");
    assert_eq!(uploads.offset("a").await.expect("offset"), 0);
    let staged = uploads.finish("a", &Digest::of(b"")).await;
    assert_eq!(staged.expect("finish").size(), 0);
}

#[tokio::test]
async fn a_broken_stream_keeps_what_arrived() {
    let (_dir, uploads) = open();
    let content = bytes(2_500_001, 2);
    uploads.create("a").await.expect("create");
    let broke = uploads.append("a", 0, broken(&content), LIMIT).await;
    let Err(UploadError::Stream { offset, .. }) = broke else {
        panic!("{broke:?}");
    };
    assert_eq!(offset, 2_500_001);
    assert_eq!(uploads.offset("a").await.expect("offset"), 2_500_001);
    let rest: Bytes = "rest".into();
    let offset = uploads.append("a", offset, whole(&rest), LIMIT).await;
    assert_eq!(offset.expect("append"), 2_500_005);
    let all = [content, rest].concat();
    let staged = uploads.finish("a", &Digest::of(&all)).await;
    staged.expect("the digest is that of both");
}

#[tokio::test]
async fn a_request_that_goes_away_frees_the_upload() {
    let (_dir, uploads) = open();
    let content = bytes(5_000_000, 3);
    uploads.create("a").await.expect("create");
    {
        let mut append = Box::pin(uploads.append("a", 0, stalled(&content), LIMIT));
        while uploads.offset("a").await.expect("offset") < 4 << 20 {
            let polled = std::future::poll_fn(|cx| Poll::Ready(append.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            tokio::task::yield_now().await;
        }
        let busy = uploads.append("a", 4 << 20, whole(&content), LIMIT).await;
        assert!(matches!(busy, Err(UploadError::Busy(_))), "{busy:?}");
        let busy = uploads.finish("a", &Digest::of(b"")).await;
        assert!(matches!(busy, Err(UploadError::Busy(_))), "{busy:?}");
        assert!(matches!(
            uploads.cancel("a").await,
            Err(UploadError::Busy(_))
        ));
        let swept = uploads.sweep(DateTime::<Utc>::MAX_UTC).await;
        assert_eq!(swept.expect("sweep"), 0);
    }
    let offset = uploads.offset("a").await.expect("offset");
    let rest = content.slice(usize::try_from(offset).expect("small")..);
    let done = uploads.append("a", offset, whole(&rest), LIMIT).await;
    assert_eq!(done.expect("append"), 5_000_000);
    let staged = uploads.finish("a", &Digest::of(&content)).await;
    staged.expect("nothing is twice or missing");
}

/// Drops an append after ever more polls, at any moment of its writes.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_may_be_dropped_at_any_moment() {
    let (_dir, uploads) = open();
    let content = bytes(40_000_000, 4);
    uploads.create("a").await.expect("create");
    for patience in 0..200 {
        let offset = loop {
            // The write of the append just dropped may go on for a moment.
            let Ok(offset) = uploads.offset("a").await else {
                continue;
            };
            let nothing = whole(&Bytes::new());
            match uploads.append("a", offset, nothing, LIMIT).await {
                Err(UploadError::Busy(_) | UploadError::Offset { .. }) => {}
                other => break other.expect("append"),
            }
        };
        let rest = content.slice(usize::try_from(offset).expect("small")..);
        let append: Pin<Box<dyn Future<Output = _> + Send>> =
            Box::pin(uploads.append("a", offset, whole(&rest), LIMIT));
        let patience = std::time::Duration::from_micros(patience * 37);
        if tokio::time::timeout(patience, append).await.is_ok() {
            break;
        }
    }
    let offset = loop {
        let Ok(offset) = uploads.offset("a").await else {
            continue;
        };
        let rest = content.slice(usize::try_from(offset).expect("small")..);
        match uploads.append("a", offset, whole(&rest), LIMIT).await {
            Err(UploadError::Busy(_) | UploadError::Offset { .. }) => {}
            other => break other.expect("append"),
        }
    };
    assert_eq!(offset, 40_000_000);
    let staged = uploads.finish("a", &Digest::of(&content)).await;
    staged.expect("nothing is twice or missing");
}

#[tokio::test]
async fn a_restart_goes_on_where_it_stopped() {
    let (dir, uploads) = open();
    let content = bytes(1_000_000, 5);
    uploads.create("a").await.expect("create");
    let first = content.slice(..600_000);
    let append = uploads.append("a", 0, whole(&first), LIMIT).await;
    append.expect("append");
    drop(uploads);

    let uploads = Uploads::open(&dir.path().join("uploads")).expect("reopen");
    assert_eq!(uploads.offset("a").await.expect("offset"), 600_000);
    let second = content.slice(600_000..);
    let append = uploads.append("a", 600_000, whole(&second), LIMIT).await;
    append.expect("append");
    let staged = uploads.finish("a", &Digest::of(&content)).await;
    staged.expect("the file is read again");
}

#[tokio::test]
async fn pieces_out_of_order_are_refused() {
    let (_dir, uploads) = open();
    uploads.create("a").await.expect("create");
    let content: Bytes = "bytes".into();
    let append = uploads.append("a", 0, whole(&content), LIMIT).await;
    append.expect("append");
    for wrong in [0, 4, 6, u64::MAX] {
        let refused = uploads.append("a", wrong, whole(&content), LIMIT).await;
        assert!(
            matches!(refused, Err(UploadError::Offset { actual: 5, expected, .. }) if expected == wrong),
            "{refused:?}"
        );
    }
    // The answer does not wait for the sender.
    let refused = uploads.append("a", 6, stalled(&content), LIMIT).await;
    assert!(matches!(refused, Err(UploadError::Offset { .. })));
    assert_eq!(uploads.offset("a").await.expect("offset"), 5);
}

#[tokio::test]
async fn the_limit_holds() {
    let (_dir, uploads) = open();
    uploads.create("a").await.expect("create");
    let content = bytes(3 << 20, 6);
    let refused = uploads.append("a", 0, whole(&content), 2_500_000).await;
    assert!(
        matches!(
            refused,
            Err(UploadError::TooLarge {
                limit: 2_500_000,
                ..
            })
        ),
        "{refused:?}"
    );
    assert!(uploads.offset("a").await.expect("offset") <= 2_500_000);

    uploads.create("exact").await.expect("create");
    let exact = uploads.append("exact", 0, whole(&content), 3 << 20).await;
    exact.expect("the limit itself is allowed");
}

#[tokio::test]
async fn a_wrong_digest_keeps_the_upload() {
    let (dir, uploads) = open();
    uploads.create("a").await.expect("create");
    let content: Bytes = "delivered".into();
    let append = uploads.append("a", 0, whole(&content), LIMIT).await;
    append.expect("append");
    let wrong = uploads.finish("a", &Digest::of(b"promised")).await;
    assert!(
        matches!(&wrong, Err(UploadError::Digest { found, .. }) if *found == Digest::of(&content)),
        "{wrong:?}"
    );
    let staged = uploads.finish("a", &Digest::of(&content)).await;
    let staged = staged.expect("the right digest");
    let busy = uploads.append("a", 9, whole(&content), LIMIT).await;
    assert!(matches!(busy, Err(UploadError::Busy(_))), "{busy:?}");
    assert_eq!(fs::read(staged.path()).expect("read"), content);
    drop(staged);
    // Not stored: the upload goes on.
    let append = uploads.append("a", 9, whole(&content), LIMIT).await;
    assert_eq!(append.expect("append"), 18);
    drop(dir);
}

#[tokio::test]
async fn ids_are_plain_names() {
    let (dir, uploads) = open();
    for bad in ["", ".", "..", "a/b", "../a", "a\0", "ä", &"a".repeat(65)] {
        let refused = uploads.create(bad).await;
        assert!(matches!(refused, Err(UploadError::Id(_))), "{bad:?}");
        let refused = uploads.cancel(bad).await;
        assert!(matches!(refused, Err(UploadError::Id(_))), "{bad:?}");
    }
    assert_eq!(fs::read_dir(dir.path()).expect("read").count(), 1);
    uploads.create("0b9f-A_z").await.expect("create");
    let twice = uploads.create("0b9f-A_z").await;
    assert!(matches!(twice, Err(UploadError::Exists(_))));
    let unknown = uploads.append("other", 0, whole(&"x".into()), LIMIT).await;
    assert!(matches!(unknown, Err(UploadError::Unknown(_))));
}

#[tokio::test]
async fn cancelled_and_old_uploads_go() {
    let (_dir, uploads) = open();
    for id in ["a", "b", "c"] {
        uploads.create(id).await.expect("create");
    }
    uploads.cancel("a").await.expect("cancel");
    assert!(matches!(
        uploads.offset("a").await,
        Err(UploadError::Unknown(_))
    ));
    let long_ago = DateTime::<Utc>::UNIX_EPOCH;
    assert_eq!(uploads.sweep(long_ago).await.expect("sweep"), 0);
    let later = DateTime::<Utc>::MAX_UTC;
    assert_eq!(uploads.sweep(later).await.expect("sweep"), 2);
    assert_eq!(uploads.sweep(later).await.expect("sweep"), 0);
    assert!(matches!(
        uploads.cancel("b").await,
        Err(UploadError::Unknown(_))
    ));
}

#[tokio::test]
async fn a_full_disk_cuts_back_and_the_upload_goes_on_later() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let uploads = Uploads::open(&disk.join("uploads")).expect("open");
    uploads.create("a").await.expect("create");
    let first = bytes(300_000, 7);
    let append = uploads.append("a", 0, whole(&first), LIMIT).await;
    append.expect("append");
    let ballast = disk.join("ballast");
    fs::write(&ballast, bytes(500_000, 8)).expect("write");

    let (second, much) = (bytes(600_000, 9), bytes(1_100_000, 10));
    for full in [
        uploads.append("a", 300_000, whole(&second), LIMIT).await,
        uploads.append("a", 300_000, stalled(&much), LIMIT).await,
    ] {
        assert!(
            matches!(full, Err(UploadError::Disk(BlobError::Full { .. }))),
            "{full:?}"
        );
    }
    assert_eq!(uploads.offset("a").await.expect("offset"), 300_000);
    let file = fs::metadata(disk.join("uploads/a")).expect("read");
    assert_eq!(file.len(), 300_000);

    fs::remove_file(ballast).expect("remove");
    let append = uploads.append("a", 300_000, whole(&second), LIMIT).await;
    assert_eq!(append.expect("append"), 900_000);
    let digest = Digest::of(&[first, second].concat());
    uploads.finish("a", &digest).await.expect("finish");
}
