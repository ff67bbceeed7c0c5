//! Uploads into a bucket: the contract on both databases' shared text, servers that are killed.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{FutureExt, StreamExt as _, TryStreamExt};

use super::{
    super::{S3Blobs, S3Config, S3Uploads, UploadError},
    moto::Moto,
    upload_contract::{self, Server, keep_the_contract, piece, stalled, whole},
    *,
};
use crate::{Database, DatabaseUrl};

/// What servers share: a bucket, a database, the time.
struct Cluster {
    blobs: S3Blobs,
    db: Database,
    clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    seconds: Arc<AtomicI64>,
    servers: AtomicU32,
}

impl Cluster {
    async fn new(config: S3Config, dir: &Path) -> Self {
        let url = DatabaseUrl::Sqlite(dir.join("market.db"));
        let seconds = Arc::new(AtomicI64::new(2_000_000_000));
        let (time, start) = (Arc::clone(&seconds), std::time::Instant::now());
        Self {
            blobs: S3Blobs::open(config, &dir.join("scratch"), 1 << 20).expect("open"),
            db: Database::open(&url).await.expect("a database"),
            clock: Arc::new(move || {
                let seconds = time.load(Ordering::Relaxed);
                DateTime::from_timestamp(seconds, 0).expect("a time") + start.elapsed()
            }),
            seconds,
            servers: AtomicU32::new(0),
        }
    }

    fn server(&self) -> Server {
        let node = format!("node{}", self.servers.fetch_add(1, Ordering::Relaxed));
        let clock = Arc::clone(&self.clock);
        let uploads = S3Uploads::new(&self.blobs, self.db.clone(), clock, &node);
        Server {
            uploads: Arc::new(uploads),
            blobs: Arc::new(self.blobs.clone()),
        }
    }

    /// Lists what there is beside blobs.
    async fn left(&self) -> Vec<String> {
        let listed = self.blobs.list_objects("uploads").map_ok(|(name, _)| name);
        listed.try_collect().await.expect("list")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_keeps_the_contract() {
    let Some(moto) = Moto::start() else {
        return;
    };
    let dir = tempfile::tempdir().expect("directory");
    let cluster = Cluster::new(moto.bucket("blobs", "some/prefix"), dir.path()).await;
    keep_the_contract(|| cluster.server()).await;
    assert_eq!(cluster.left().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upload_of_a_killed_server_is_taken_over_when_its_lease_is_over() {
    let Some(moto) = Moto::start() else {
        return;
    };
    let dir = tempfile::tempdir().expect("directory");
    let cluster = Cluster::new(moto.bucket("blobs", ""), dir.path()).await;
    let (one, other) = (cluster.server(), cluster.server());
    let content = bytes(90_000_000, 3);
    let key = one.begin(1).await;
    // The eighth part is noted when the ninth is full.
    let sent = content.slice(..80_000_000);
    let mut append = one.uploads.append(&key, piece(0, stalled(&sent))).boxed();
    while other.uploads.offset(&key).await.expect("offset") < 64 << 20 {
        assert!((&mut append).now_or_never().is_none());
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    // Until it waits for nothing but its client: a killed server's connection to the database
    // goes with it, the one of a future that is forgotten does not.
    for _ in 0..500 {
        assert!((&mut append).now_or_never().is_none());
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    // Killed: it neither goes on nor gives back what it has.
    std::mem::forget(append);
    cluster.seconds.fetch_add(3600, Ordering::Relaxed);
    let at = 64 << 20;
    let rest = content.slice(at..);
    let last = piece(at as u64, whole(&rest));
    other.finish(&key, last, &content).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_left_in_the_bucket_is_swept() {
    let Some(moto) = Moto::start() else {
        return;
    };
    let dir = tempfile::tempdir().expect("directory");
    let cluster = Cluster::new(moto.bucket("blobs", ""), dir.path()).await;
    let (one, other) = (cluster.server(), cluster.server());
    let content = bytes(20_000_000, 3);
    let promised = Digest::of(b"promised");
    let mut put = one.uploads.put(&promised, stalled(&content), 1 << 30);
    let parts = async || {
        let mut tx = cluster.db.read().await.expect("read");
        let far = DateTime::from_timestamp(4_000_000_000, 0).expect("a time");
        let rows = crate::uploads::abandoned(&mut tx, far, far).await;
        rows.expect("rows")
    };
    while parts().await.is_empty() {
        assert!((&mut put).now_or_never().is_none());
    }
    // Until it waits for nothing but its client, and has no connection to the database.
    for _ in 0..500 {
        assert!((&mut put).now_or_never().is_none());
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    std::mem::forget(put);
    let row = parts().await.remove(0);
    let multipart = row.multipart.expect("a multipart upload");
    let orphan = cluster.blobs.write_object("uploads/gone/77", "tail".into());
    orphan.await.expect("write");

    let far = DateTime::from_timestamp(3_000_000_000, 0).expect("a time");
    let early = other.uploads.sweep(far).await.expect("sweep");
    assert_eq!(early, 0, "the lease holds");
    let later = TimeDelta::hours(1).num_seconds();
    cluster.seconds.fetch_add(later, Ordering::Relaxed);
    assert_eq!(other.uploads.sweep(far).await.expect("sweep"), 1);
    assert_eq!(cluster.left().await, Vec::<String>::new());
    let object = row.object.expect("an object");
    let gone = cluster.blobs.put_part(&object, &multipart, 1, "x".into());
    assert!(gone.await.is_err(), "the parts are gone");
    let unknown = other.uploads.cancel(&upload_contract::key(1)).await;
    assert!(matches!(unknown, Err(UploadError::Unknown(_))));
}

/// More than there is room for in memory, each with nearly a part.
#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_keep_nobody_waiting() {
    let Some(moto) = Moto::start() else {
        return;
    };
    let dir = tempfile::tempdir().expect("directory");
    let cluster = Cluster::new(moto.bucket("blobs", ""), dir.path()).await;
    let server = cluster.server();
    let slow = bytes(7_000_000, 5);
    let mut sending = Vec::new();
    for number in 0..20 {
        let key = server.begin(10 + number).await;
        let (uploads, piece) = (Arc::clone(&server.uploads), piece(0, stalled(&slow)));
        sending.push(tokio::spawn(
            async move { uploads.append(&key, piece).await },
        ));
    }
    let content = bytes(20_000_000, 6);
    let key = server.begin(1).await;
    let finished = server.finish(&key, piece(0, whole(&content)), &content);
    let in_time = tokio::time::timeout(std::time::Duration::from_secs(60), finished).await;
    in_time.expect("the others wait for their senders, not this one for them");
    for task in &sending {
        assert!(!task.is_finished(), "it waits for its sender");
        task.abort();
    }
}

/// To be hashed another way than announced, the parts have to be put together first.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_upload_that_has_neither_digest_is_over() {
    let Some(moto) = Moto::start() else {
        return;
    };
    let dir = tempfile::tempdir().expect("directory");
    let cluster = Cluster::new(moto.bucket("blobs", ""), dir.path()).await;
    let server = cluster.server();
    let content = bytes(20_000_000, 7);
    let key = server.begin(1).await;
    server.append(&key, 0, &content).await;
    let promised = Digest::by(oci::Algorithm::Sha512, b"promised");
    let nothing = piece(None, futures_util::stream::empty().boxed());
    let refused = server.uploads.finish(&key, nothing, &promised).await;
    assert!(
        matches!(refused, Err(UploadError::Digest { .. })),
        "{refused:?}"
    );
    let after = server.uploads.offset(&key).await;
    assert!(matches!(after, Err(UploadError::Unknown(_))), "{after:?}");
    assert_eq!(cluster.left().await, Vec::<String>::new());
}
