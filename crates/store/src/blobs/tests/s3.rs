//! Blobs behind the S3 API: the contract, and what only happens with a service.

use std::{io::Read, sync::Arc, time::Duration};

use super::{
    super::{S3Blobs, S3Config},
    contract::keeps_the_contract,
    moto::Moto,
    *,
};

const SCRATCH: u64 = 8 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn an_s3_service_keeps_the_contract() {
    let Some(server) = Moto::start() else {
        return;
    };
    let dir = tempfile::tempdir().expect("directory");
    let scratch = dir.path().join("scratch");
    for prefix in ["", "some/prefix"] {
        let config = server.bucket("blobs", prefix);
        let blobs = S3Blobs::open(config, &scratch, SCRATCH).expect("open");
        keeps_the_contract(Arc::new(blobs)).await;
    }
    let left = std::fs::read_dir(scratch).expect("read").count();
    assert_eq!(left, 0, "scratch copies leave nothing behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_told_by_the_check() {
    let Some(server) = Moto::start() else {
        return;
    };
    let dir = tempfile::tempdir().expect("directory");
    let mut config = server.bucket("there", "");
    config.bucket = "elsewhere".to_owned();
    let blobs = S3Blobs::open(config, dir.path(), SCRATCH).expect("open");
    let refused = blobs.check().await;
    assert!(matches!(refused, Err(BlobError::S3 { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scratch_space_is_bounded_and_bytes_are_verified() {
    let Some(server) = Moto::start() else {
        return;
    };
    let dir = tempfile::tempdir().expect("directory");
    let config = server.bucket("blobs", "");
    let blobs = Arc::new(S3Blobs::open(config, dir.path(), 2 << 20).expect("open"));
    let (large, half) = (bytes(3 << 20, 1), bytes(1_500_000, 2));
    for content in [&large, &half] {
        let put = blobs.put_bytes(&Digest::of(content), content.clone()).await;
        put.expect("put");
    }
    let too_large = open(&blobs, &Digest::of(&large)).await;
    assert!(matches!(too_large, Err(BlobError::Scratch { .. })));

    let first = open(&blobs, &Digest::of(&half)).await.expect("open");
    let second = {
        let (blobs, digest) = (Arc::clone(&blobs), Digest::of(&half));
        tokio::spawn(async move { open(&blobs, &digest).await })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!second.is_finished(), "the second reader waits for space");
    drop(first);
    let mut seen = Vec::new();
    let mut second = second.await.expect("task").expect("open");
    second.read_to_end(&mut seen).expect("read");
    assert_eq!(seen, half);
    drop(second);

    // An object that somebody else wrote is not taken at its word.
    let promised = Digest::of(b"promised");
    let name = blobs.name(&promised);
    let damaged = blobs.write_object(&name, "premised".into()).await;
    damaged.expect("write");
    let corrupt = open(&blobs, &promised).await;
    assert!(matches!(corrupt, Err(BlobError::Corrupt { .. })));
    let repaired = blobs.put_bytes(&promised, "promised".into()).await;
    repaired.expect("put again");
    open(&blobs, &promised).await.expect("repaired");
}

#[tokio::test]
async fn nobody_at_the_endpoint_is_an_error_and_secrets_are_not_shown() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    let port = listener.local_addr().expect("address").port();
    drop(listener);
    let config = S3Config {
        endpoint: Some(format!("http://127.0.0.1:{port}")),
        region: "us-east-1".to_owned(),
        bucket: "blobs".to_owned(),
        access_key: "AKIA".to_owned(),
        secret_key: "hunter2".to_owned(),
        prefix: String::new(),
        allow_http: true,
        redirect: false,
    };
    assert!(!format!("{config:?}").contains("hunter2"));
    let dir = tempfile::tempdir().expect("directory");
    let blobs = S3Blobs::open(config.clone(), dir.path(), SCRATCH).expect("open");
    assert!(!format!("{blobs:?}").contains("hunter2"));
    let error = blobs.size(&Digest::of(b"")).await.expect_err("nobody");
    assert!(error.to_string().contains("check endpoint"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"));

    let https = S3Config {
        endpoint: Some(format!("https://127.0.0.1:{port}")),
        ..config.clone()
    };
    let blobs = S3Blobs::open(https, dir.path(), SCRATCH).expect("TLS is set up");
    assert!(blobs.size(&Digest::of(b"")).await.is_err());
    let forbidden = S3Config {
        allow_http: false,
        ..config
    };
    let blobs = S3Blobs::open(forbidden, dir.path(), SCRATCH).expect("open");
    assert!(blobs.size(&Digest::of(b"")).await.is_err());
}

async fn open(blobs: &Arc<S3Blobs>, digest: &Digest) -> Result<Box<dyn Read + Send>, BlobError> {
    let (blobs, digest) = (Arc::clone(blobs), digest.clone());
    let opened = tokio::task::spawn_blocking(move || blobs.open_sync(&digest));
    opened.await.expect("task")
}
