//! Blobs on a filesystem: the contract, damage, left-overs, full disks.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use chrono::{DateTime, Utc};

use super::{
    super::{FsBlobs, FsUploads, UploadError, Uploads},
    contract::keeps_the_contract,
    upload_contract::whole,
    *,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_filesystem_keeps_the_contract() {
    let dir = tempfile::tempdir().expect("directory");
    let blobs = FsBlobs::open(&dir.path().join("deep/blobs")).expect("open");
    keeps_the_contract(Arc::new(blobs)).await;
}

#[tokio::test]
async fn blobs_lie_where_the_design_says_and_survive_reopening() {
    let dir = tempfile::tempdir().expect("directory");
    let digest = Digest::of(b"kept");
    let blobs = FsBlobs::open(dir.path()).expect("open");
    blobs.put_bytes(&digest, "kept".into()).await.expect("put");
    let hex = digest.hex();
    let file = dir.path().join("sha256").join(&hex[..2]).join(hex);
    assert_eq!(fs::read(file).expect("read"), b"kept");

    let blobs = FsBlobs::open(dir.path()).expect("reopen");
    let blob = blobs.get(&digest, None).await.expect("get");
    assert_eq!(read(blob).await, "kept");
}

#[tokio::test]
async fn a_blob_cut_short_is_repaired_by_putting_it_again() {
    let dir = tempfile::tempdir().expect("directory");
    let blobs = FsBlobs::open(dir.path()).expect("open");
    let content = bytes(400_000, 1);
    let digest = Digest::of(&content);
    let put = blobs.put_bytes(&digest, content.clone()).await;
    put.expect("put");
    let open_before = blobs.get(&digest, None).await.expect("get");
    let hex = digest.hex();
    let file = dir.path().join("sha256").join(&hex[..2]).join(hex);
    let damaged = fs::OpenOptions::new().write(true).open(file);
    damaged.expect("open").set_len(300_000).expect("cut");

    let cut: Result<Vec<Bytes>, _> = open_before.into_stream().try_collect().await;
    assert!(cut.is_err(), "a reader learns that bytes are missing");
    let put = blobs.put_bytes(&digest, content.clone()).await;
    put.expect("put again");
    let blob = blobs.get(&digest, None).await.expect("get");
    assert_eq!(read(blob).await, content);
}

#[tokio::test]
async fn what_a_killed_process_left_is_never_listed_and_swept_when_old() {
    let dir = tempfile::tempdir().expect("directory");
    let blobs = FsBlobs::open(dir.path()).expect("open");
    fs::write(dir.path().join("tmp/.tmpLeft"), "half").expect("write");
    let listed: Vec<_> = blobs.list().try_collect().await.expect("list");
    assert_eq!(listed, []);
    let long_ago = DateTime::<Utc>::UNIX_EPOCH;
    assert_eq!(blobs.sweep(long_ago).await.expect("sweep"), 0);
    let later = DateTime::<Utc>::MAX_UTC;
    assert_eq!(blobs.sweep(later).await.expect("sweep"), 1);
}

#[tokio::test]
async fn a_full_disk_is_typed_and_harms_nothing() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let staging = tempfile::tempdir().expect("directory");
    let blobs = FsBlobs::open(disk.path()).expect("open");
    let small = Digest::of(b"small");
    blobs.put_bytes(&small, "small".into()).await.expect("put");

    let content = bytes(2 << 20, 1);
    let digest = Digest::of(&content);
    let uploads = FsUploads::open(staging.path(), &blobs).expect("open");
    for full in [
        // On its way it is on another filesystem, so it is copied.
        uploads
            .put(&digest, whole(&content), 4 << 20)
            .await
            .map(drop),
        blobs
            .put_bytes(&digest, content.clone())
            .await
            .map_err(UploadError::from),
    ] {
        let is_full = matches!(full, Err(UploadError::Disk(BlobError::Full { .. })));
        assert!(is_full, "{full:?}");
    }
    assert_eq!(blobs.size(&digest).await.expect("size"), None);
    let left = fs::read_dir(disk.path().join("tmp")).expect("read").count();
    assert_eq!(left, 0);
    let blob = blobs.get(&small, None).await.expect("get");
    assert_eq!(read(blob).await, "small");

    let content = bytes(1000, 2);
    let digest = Digest::of(&content);
    let put = uploads.put(&digest, whole(&content), 1000);
    put.await.expect("there is room for this one");
    let left = fs::read_dir(staging.path()).expect("read").count();
    assert_eq!(left, 0);
}

/// A filesystem of one megabyte, gone when dropped.
pub(super) struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts one, or says why not.
    pub(super) fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().expect("directory");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(dir.path())
            .output();
        if mount.is_ok_and(|done| done.status.success()) {
            return Some(Self(dir));
        }
        eprintln!("skipped: a full disk can only be tested where tmpfs may be mounted (as root)");
        None
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmount = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(unmount.is_ok_and(|done| done.success()), "umount");
    }
}
