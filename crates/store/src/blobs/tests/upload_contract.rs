//! What all [`Uploads`] promise, as one suite.

use std::{io, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures_util::{FutureExt, StreamExt, future::join_all, stream};
use market::UploadId;
use oci::Algorithm;

use super::{
    super::{ByteStream, NewUpload, Piece, StreamError, UploadError, UploadKey, Uploads},
    *,
};

pub(super) const LIMIT: u64 = 100 << 20;

/// Uploads and where they end, as one server has them.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) uploads: Arc<dyn Uploads>,
    pub(super) blobs: Arc<dyn BlobStore>,
}

/// Runs the whole suite over servers that share everything; `open` starts one.
pub(super) async fn keep_the_contract(open: impl Fn() -> Server) {
    let server = open();
    pieces_become_a_blob(&server).await;
    whole_blobs_are_put(&server).await;
    an_empty_upload_is_the_empty_blob(&server).await;
    a_broken_stream_keeps_what_arrived(&server).await;
    pieces_out_of_order_are_refused(&server).await;
    the_limit_holds(&server).await;
    a_wrong_digest_keeps_the_upload(&server).await;
    uploads_of_other_repositories_are_unknown(&server).await;
    many_at_once(&server).await;
    another_server_goes_on(&server, &open()).await;
    an_append_may_be_dropped_at_any_moment(&server, &open()).await;
    cancelled_and_old_uploads_go(&server).await;
}

/// Names upload number `number`.
pub(super) fn key(number: u8) -> UploadKey {
    UploadKey {
        repository: "staging/acme/db".parse().expect("a name"),
        id: UploadId::new(DateTime::UNIX_EPOCH, [number; 10]),
    }
}

/// Streams `content` in pieces of 64 KiB.
pub(super) fn whole(content: &Bytes) -> ByteStream {
    let content = content.clone();
    let starts = (0..content.len()).step_by(65_536);
    stream::iter(starts.map(move |at| Ok(content.slice(at..content.len().min(at + 65_536)))))
        .boxed()
}

/// Streams `content`, and then breaks.
fn broken(content: &Bytes) -> ByteStream {
    let error = StreamError::from(io::Error::from(io::ErrorKind::ConnectionReset));
    whole(content).chain(stream::iter([Err(error)])).boxed()
}

/// Streams `content`, and then nothing for ever.
pub(super) fn stalled(content: &Bytes) -> ByteStream {
    whole(content).chain(stream::pending()).boxed()
}

pub(super) fn piece(at: impl Into<Option<u64>>, bytes: ByteStream) -> Piece {
    Piece {
        at: at.into(),
        bytes,
        limit: LIMIT,
    }
}

fn nothing() -> Piece {
    piece(None, stream::empty().boxed())
}

impl Server {
    pub(super) async fn begin(&self, number: u8) -> UploadKey {
        self.begin_with(number, Algorithm::Sha256).await
    }

    pub(super) async fn begin_with(&self, number: u8, algorithm: Algorithm) -> UploadKey {
        let upload = NewUpload {
            key: key(number),
            account: "acc".to_owned(),
            started: DateTime::UNIX_EPOCH,
            algorithm,
        };
        self.uploads.begin(&upload).await.expect("begin");
        upload.key
    }

    pub(super) async fn append(&self, key: &UploadKey, at: u64, content: &Bytes) -> u64 {
        let appended = self.uploads.append(key, piece(at, whole(content))).await;
        appended.expect("append")
    }

    /// Ends an upload, which must be `content` then.
    pub(super) async fn finish(&self, key: &UploadKey, rest: Piece, content: &[u8]) {
        let digest = Digest::of(content);
        let size = self.uploads.finish(key, rest, &digest).await;
        assert_eq!(size.expect("finish"), content.len() as u64);
        self.has(&digest, content).await;
        let gone = self.uploads.offset(key).await;
        assert!(matches!(gone, Err(UploadError::Unknown(_))), "{gone:?}");
    }

    async fn has(&self, digest: &Digest, content: &[u8]) {
        let blob = self.blobs.get(digest, None).await.expect("get");
        assert!(read(blob).await == content);
    }
}

async fn pieces_become_a_blob(server: &Server) {
    let content = bytes(21_000_000, 1);
    let parts = [0..3_000_000, 3_000_000..20_000_000, 20_000_000..21_000_000];
    for (announced, digest) in [
        (Algorithm::Sha256, Digest::of(&content)),
        (Algorithm::Sha512, sha512(&content)),
        (Algorithm::Sha256, sha512(&content)),
    ] {
        let key = server.begin_with(1, announced).await;
        for part in &parts[..2] {
            let offset = server
                .append(&key, part.start as u64, &content.slice(part.clone()))
                .await;
            assert_eq!(offset, part.end as u64);
            let said = server.uploads.offset(&key).await.expect("offset");
            assert_eq!(said, offset);
        }
        let last = piece(20_000_000, whole(&content.slice(parts[2].clone())));
        let size = server.uploads.finish(&key, last, &digest).await;
        assert_eq!(size.expect("finish"), 21_000_000);
        server.has(&digest, &content).await;
        let gone = server.uploads.offset(&key).await;
        assert!(matches!(gone, Err(UploadError::Unknown(_))));
        let gone = server.blobs.delete_older(&digest, DateTime::<Utc>::MAX_UTC);
        gone.await.expect("delete");
    }
}

async fn whole_blobs_are_put(server: &Server) {
    for content in [Bytes::new(), bytes(16_384, 30), bytes(20_000_000, 31)] {
        for digest in [Digest::of(&content), sha512(&content)] {
            // Twice: an existing blob is replaced.
            for _ in 0..2 {
                let size = server.uploads.put(&digest, whole(&content), LIMIT).await;
                assert_eq!(size.expect("put"), content.len() as u64);
            }
            server.has(&digest, &content).await;
        }
        let wrong = Digest::of(b"promised");
        let refused = server.uploads.put(&wrong, whole(&content), LIMIT).await;
        assert!(matches!(refused, Err(UploadError::Digest { .. })));
        let refused = server.uploads.put(&wrong, broken(&content), LIMIT).await;
        assert!(matches!(refused, Err(UploadError::Stream { .. })));
        assert_eq!(server.blobs.size(&wrong).await.expect("size"), None);
    }
    let content = bytes(3000, 32);
    let digest = Digest::of(&content);
    let refused = server.uploads.put(&digest, whole(&content), 2999).await;
    assert!(matches!(
        refused,
        Err(UploadError::TooLarge { limit: 2999, .. })
    ));
    assert_eq!(server.blobs.size(&digest).await.expect("size"), None);
}

async fn an_empty_upload_is_the_empty_blob(server: &Server) {
    let key = server.begin(2).await;
    assert_eq!(server.uploads.offset(&key).await.expect("offset"), 0);
    server.finish(&key, nothing(), b"").await;
}

async fn a_broken_stream_keeps_what_arrived(server: &Server) {
    let content = bytes(9_500_001, 2);
    let key = server.begin(3).await;
    let append = piece(0, broken(&content));
    let broke = server.uploads.append(&key, append).await;
    let Err(UploadError::Stream { offset, .. }) = broke else {
        panic!("{broke:?}");
    };
    assert_eq!(offset, 9_500_001);
    let said = server.uploads.offset(&key).await.expect("offset");
    assert_eq!(said, 9_500_001);
    let rest: Bytes = "rest".into();
    assert_eq!(server.append(&key, offset, &rest).await, 9_500_005);
    let all = [content, rest].concat();
    server.finish(&key, nothing(), &all).await;
}

async fn pieces_out_of_order_are_refused(server: &Server) {
    let key = server.begin(4).await;
    let content: Bytes = "bytes".into();
    server.append(&key, 0, &content).await;
    for wrong in [0, 4, 6, u64::MAX] {
        // The answer does not wait for the sender.
        for bytes in [whole(&content), stalled(&content)] {
            let refused = server.uploads.append(&key, piece(wrong, bytes)).await;
            assert!(
                matches!(refused, Err(UploadError::Offset { actual: 5, expected, .. }) if expected == wrong),
                "{refused:?}"
            );
        }
    }
    assert_eq!(server.uploads.offset(&key).await.expect("offset"), 5);
    server.finish(&key, nothing(), b"bytes").await;
}

async fn the_limit_holds(server: &Server) {
    let key = server.begin(5).await;
    let content = bytes(3 << 20, 6);
    let with_limit = |limit| Piece {
        limit,
        ..piece(0, whole(&content))
    };
    let refused = server.uploads.append(&key, with_limit(2_500_000)).await;
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
    assert!(server.uploads.offset(&key).await.expect("offset") <= 2_500_000);
    server.uploads.cancel(&key).await.expect("cancel");

    let key = server.begin(6).await;
    let exact = server.uploads.append(&key, with_limit(3 << 20)).await;
    exact.expect("the limit itself is allowed");
    server.uploads.cancel(&key).await.expect("cancel");
}

async fn a_wrong_digest_keeps_the_upload(server: &Server) {
    let key = server.begin(7).await;
    let content: Bytes = "delivered".into();
    let wrong = Digest::of(b"promised");
    let refused = server
        .uploads
        .finish(&key, piece(0, whole(&content)), &wrong);
    let refused = refused.await;
    assert!(
        matches!(&refused, Err(UploadError::Digest { found, .. }) if *found == Digest::of(&content)),
        "{refused:?}"
    );
    assert_eq!(server.uploads.offset(&key).await.expect("offset"), 9);
    let more = piece(9, whole(&content));
    server.finish(&key, more, b"delivereddelivered").await;
}

async fn uploads_of_other_repositories_are_unknown(server: &Server) {
    let key = server.begin(8).await;
    let elsewhere = UploadKey {
        repository: "staging/rival/db".parse().expect("a name"),
        ..key.clone()
    };
    let unknown = |result: Result<u64, UploadError>| {
        assert!(matches!(result, Err(UploadError::Unknown(_))), "{result:?}");
    };
    let empty = Digest::of(b"");
    let never_begun = UploadKey {
        id: UploadId::new(DateTime::UNIX_EPOCH, [99; 10]),
        ..key.clone()
    };
    for key in [&elsewhere, &never_begun] {
        unknown(server.uploads.offset(key).await);
        unknown(server.uploads.append(key, nothing()).await);
        unknown(server.uploads.finish(key, nothing(), &empty).await);
        unknown(server.uploads.cancel(key).await.map(|()| 0));
    }
    server.uploads.cancel(&key).await.expect("cancel");
    unknown(server.uploads.offset(&key).await);
}

async fn many_at_once(server: &Server) {
    let pushes = (100..116).map(|number| {
        let server = server.clone();
        tokio::spawn(async move {
            let content = bytes(1_000_000 + 10_000 * usize::from(number), number.into());
            let key = server.begin(number).await;
            let first = content.slice(..700_000);
            server.append(&key, 0, &first).await;
            let rest = piece(None, whole(&content.slice(700_000..)));
            server.finish(&key, rest, &content).await;
        })
    });
    for pushed in join_all(pushes).await {
        pushed.expect("task");
    }
}

/// A server gets some bytes and is gone; the other one takes the upload over.
async fn another_server_goes_on(one: &Server, other: &Server) {
    let content = bytes(31_000_000, 5);
    let key = one.begin(9).await;
    let mut at = 0;
    for (server, until) in [
        (one, 600_000),
        (other, 19_000_000),
        (one, 19_000_001),
        (other, 30_000_000),
    ] {
        let said = server.uploads.offset(&key).await.expect("offset");
        assert_eq!(said, at as u64);
        server
            .append(&key, at as u64, &content.slice(at..until))
            .await;
        at = until;
    }
    let rest = piece(None, whole(&content.slice(at..)));
    one.finish(&key, rest, &content).await;
    let gone = other.uploads.append(&key, nothing()).await;
    assert!(matches!(gone, Err(UploadError::Unknown(_))), "{gone:?}");
}

/// Drops an append after ever longer times, at any moment of its writes.
async fn an_append_may_be_dropped_at_any_moment(one: &Server, other: &Server) {
    let content = bytes(40_000_000, 4);
    let key = one.begin(10).await;
    let mut at = 0;
    for patience in 0..40 {
        let server = if patience % 2 == 0 { one } else { other };
        let rest = content.slice(usize::try_from(at).expect("small")..);
        let patience = Duration::from_micros(patience * 137);
        let append = server.uploads.append(&key, piece(at, whole(&rest))).boxed();
        match tokio::time::timeout(patience, append).await {
            Ok(done) => {
                at = done.expect("append");
                break;
            }
            // Adding nothing waits until the write of the append just dropped is over.
            Err(_) => {
                at = server
                    .uploads
                    .append(&key, nothing())
                    .await
                    .expect("offset");
            }
        }
    }
    let rest = content.slice(usize::try_from(at).expect("small")..);
    one.finish(&key, piece(at, whole(&rest)), &content).await;
}

async fn cancelled_and_old_uploads_go(server: &Server) {
    let keys = [
        server.begin(11).await,
        server.begin(12).await,
        server.begin(13).await,
    ];
    server.append(&keys[2], 0, &bytes(9_000_000, 11)).await;
    assert_eq!(server.uploads.count_of("acc").await.expect("count"), 3);
    assert_eq!(server.uploads.count_of("other").await.expect("count"), 0);
    server.uploads.cancel(&keys[0]).await.expect("cancel");
    assert_eq!(server.uploads.count().await.expect("count"), 2);
    let gone = server.uploads.offset(&keys[0]).await;
    assert!(matches!(gone, Err(UploadError::Unknown(_))));
    let long_ago = DateTime::UNIX_EPOCH - chrono::TimeDelta::days(1);
    assert_eq!(server.uploads.sweep(long_ago).await.expect("sweep"), 0);
    let later = DateTime::from_timestamp(100_000_000_000, 0).expect("a time");
    assert_eq!(server.uploads.sweep(later).await.expect("sweep"), 2);
    assert_eq!(server.uploads.sweep(later).await.expect("sweep"), 0);
    let gone = server.uploads.cancel(&keys[1]).await;
    assert!(matches!(gone, Err(UploadError::Unknown(_))));
}
