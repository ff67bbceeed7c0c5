//! Uploads as files: the contract, kill -9 in the middle, rivals, full disks.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::DateTime;
use futures_util::{FutureExt, StreamExt, stream};

use super::{
    super::{FsBlobs, FsUploads, UploadError},
    fs::SmallDisk,
    upload_contract::{Server, keep_the_contract, piece, stalled, whole},
    *,
};

fn server(dir: &Path) -> Server {
    let blobs = FsBlobs::open(&dir.join("blobs")).expect("open");
    let uploads = FsUploads::open(&dir.join("uploads"), &blobs).expect("open");
    Server {
        uploads: Arc::new(uploads),
        blobs: Arc::new(blobs),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_keep_the_contract() {
    let dir = tempfile::tempdir().expect("directory");
    keep_the_contract(|| server(dir.path())).await;
    let left = fs::read_dir(dir.path().join("uploads")).expect("read");
    assert_eq!(left.count(), 0, "nothing is left behind");
}

/// What kill -9 leaves: bytes after the last checkpoint, or a checkpoint that never came about.
#[tokio::test]
async fn a_killed_server_has_only_the_last_bytes_hashed_again() {
    let dir = tempfile::tempdir().expect("directory");
    let content = bytes(1_000_000, 5);
    let key = server(dir.path()).begin(1).await;
    let path = dir.path().join("uploads").join(key.id.as_str());
    server(dir.path())
        .append(&key, 0, &content.slice(..600_000))
        .await;
    let file = fs::OpenOptions::new().write(true).open(&path);
    let file = file.expect("open");
    file.write_all_at(&content[600_000..700_000], 600_000)
        .expect("write");
    // Were the first bytes hashed again, this would be noticed.
    file.write_all_at(b"other", 0).expect("write");

    let server = server(dir.path());
    let offset = server.uploads.offset(&key).await.expect("offset");
    assert_eq!(offset, 700_000);
    server
        .append(&key, 700_000, &content.slice(700_000..))
        .await;
    let digest = Digest::of(&content);
    let size = server.uploads.finish(&key, nothing(), &digest).await;
    assert_eq!(size.expect("the digest is carried on"), 1_000_000);
}

#[tokio::test]
async fn after_power_loss_only_flushed_bytes_are_trusted() {
    let dir = tempfile::tempdir().expect("directory");
    let content = bytes(20_000_000, 5);
    let server = server(dir.path());
    let key = server.begin(1).await;
    server.append(&key, 0, &content).await;
    let path = dir.path().join("uploads").join(key.id.as_str());
    let state = path.with_extension("state");
    // The early flush notes that it is done.
    let end = Instant::now() + Duration::from_secs(30);
    while fs::metadata(&state).expect("state").len() <= 2048 {
        assert!(Instant::now() < end, "the bytes are not flushed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let file = fs::OpenOptions::new().read(true).write(true).open(&state);
    let file = file.expect("open");
    // Another run of the machine: what the last one noted without a flush is worth nothing.
    file.write_all_at(&[b' '; 1024], 1024).expect("write");
    let bytes = fs::OpenOptions::new().write(true).open(&path);
    bytes
        .expect("open")
        .write_all_at(&[0; 4096], 19_000_000)
        .expect("lose a page");
    let digest = Digest::of(&content);
    let damaged = server.uploads.finish(&key, nothing(), &digest).await;
    assert!(
        matches!(damaged, Err(UploadError::Digest { .. })),
        "{damaged:?}"
    );
}

#[tokio::test]
async fn an_upload_in_use_is_waited_for_and_then_busy() {
    let dir = tempfile::tempdir().expect("directory");
    let (one, other) = (server(dir.path()), server(dir.path()));
    let content = bytes(1_000_000, 3);
    let key = one.begin(1).await;
    let mut append = one
        .uploads
        .append(&key, piece(0, stalled(&content)))
        .boxed();
    while other.uploads.offset(&key).await.expect("offset") == 0 {
        assert!((&mut append).now_or_never().is_none());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let far = DateTime::from_timestamp(100_000_000_000, 0).expect("a time");
    assert_eq!(other.uploads.sweep(far).await.expect("sweep"), 0);
    let busy = other.uploads.append(&key, nothing()).await;
    assert!(matches!(busy, Err(UploadError::Busy(_))), "{busy:?}");

    let waiting = tokio::spawn({
        let (other, key) = (other.clone(), key.clone());
        async move { other.uploads.append(&key, nothing()).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    drop(append);
    let offset = waiting.await.expect("task").expect("append");
    let rest = content.slice(usize::try_from(offset).expect("small")..);
    other
        .finish(&key, piece(offset, whole(&rest)), &content)
        .await;
}

#[tokio::test]
async fn a_full_disk_cuts_back_and_the_upload_goes_on_later() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let server = server(disk.path());
    let key = server.begin(1).await;
    let first = bytes(300_000, 7);
    server.append(&key, 0, &first).await;
    let ballast = disk.join("ballast");
    fs::write(&ballast, bytes(400_000, 8)).expect("write");

    let (second, much) = (bytes(600_000, 9), bytes(1_100_000, 10));
    let mut at = 300_000;
    for full in [whole(&second), stalled(&much)] {
        let full = server.uploads.append(&key, piece(at, full)).await;
        assert!(
            matches!(full, Err(UploadError::Disk(BlobError::Full { .. }))),
            "{full:?}"
        );
        let offset = server.uploads.offset(&key).await.expect("offset");
        assert!((at..600_000).contains(&offset), "{offset}");
        server.uploads.cancel(&key).await.expect("cancel");
        server.begin(1).await;
        at = server.append(&key, 0, &first).await;
    }
    fs::remove_file(ballast).expect("remove");
    let all = [first, second.clone()].concat();
    server.finish(&key, piece(at, whole(&second)), &all).await;
}

fn nothing() -> super::super::Piece {
    piece(None, stream::empty().boxed())
}
