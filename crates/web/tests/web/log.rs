//! `/log`, as witnesses, monitors and verifiers read it.

use app::market::ListingEvent;
use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use trust::{
    SigningKey,
    log::{Hash, Page, Statement, Verifier, leaf_hash, root},
};

use crate::fixture::Fixture;

const NAME: &str = "market.example/acme/ship-db";

/// A market whose log has 259 entries: more than one tile.
async fn market() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let submission = fixture.submission("ann", "1.0").await;
    fixture.release(&submission).await;
    let operator = fixture.actor("olga").await;
    for event in [ListingEvent::Hold, ListingEvent::Reinstate].repeat(129) {
        let done = fixture
            .app
            .manage_listing(&operator, "acme", "ship-db", event, "A reason");
        done.await.expect("done");
    }
    fixture
}

/// What was answered.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Reply {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

async fn ask(fixture: &Fixture, path: &str) -> Reply {
    send(fixture, Method::GET, path).await
}

async fn send(fixture: &Fixture, method: Method, path: &str) -> Reply {
    let router = plimsoll_web::router(std::sync::Arc::clone(&fixture.app));
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Body::empty()).expect("a request");
    let (head, body) = router
        .oneshot(request)
        .await
        .expect("an answer")
        .into_parts();
    Reply {
        status: head.status,
        headers: head.headers,
        bytes: body.collect().await.expect("a body").to_bytes().to_vec(),
    }
}

#[track_caller]
fn is_kept(reply: &Reply, kind: &str, kept: &str) {
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    assert_eq!(reply.headers[header::CONTENT_TYPE], kind);
    assert_eq!(reply.headers[header::CACHE_CONTROL], kept);
}

const FOR_GOOD: &str = "public, max-age=31536000, immutable";
const FOR_A_MOMENT: &str = "public, max-age=5";

#[tokio::test]
async fn a_monitor_follows_the_tiles_to_the_head() {
    let fixture = market().await;
    let key = ask(&fixture, "/log/key").await;
    is_kept(&key, "text/plain; charset=utf-8", "public, max-age=3600");
    let verifier = Verifier::parse(key.text().trim_end()).expect("a key");
    let note = ask(&fixture, "/log/checkpoint").await;
    is_kept(&note, "text/plain; charset=utf-8", FOR_A_MOMENT);
    let head = verifier.open(&note.text()).expect("signed");
    assert_eq!(
        (head.size, head.origin.as_str()),
        (259, "market.example/log")
    );

    let mut leaves = Vec::new();
    for path in ["/log/tile/entries/000", "/log/tile/entries/001.p/3"] {
        let tile = ask(&fixture, path).await;
        is_kept(&tile, "application/octet-stream", FOR_GOOD);
        let mut rest = tile.bytes.as_slice();
        while let Some((length, more)) = rest.split_first_chunk::<2>() {
            let (entry, more) = more.split_at(u16::from_be_bytes(*length).into());
            leaves.push(leaf_hash(entry));
            rest = more;
        }
        assert!(rest.is_empty());
    }
    assert_eq!(root(&leaves), head.root);
    let mut hashes = Vec::new();
    for path in ["/log/tile/0/000", "/log/tile/0/001.p/3"] {
        let tile = ask(&fixture, path).await;
        is_kept(&tile, "application/octet-stream", FOR_GOOD);
        let chunks = tile.bytes.chunks(32);
        hashes.extend(chunks.map(|hash| Hash::try_from(hash).expect("32 bytes")));
    }
    assert_eq!(hashes, leaves);
    let above = ask(&fixture, "/log/tile/1/000.p/1").await;
    assert_eq!(above.bytes, root(&leaves[..256]));
    // Whoever saw an earlier head may still ask for the part of a tile that it had.
    let part = ask(&fixture, "/log/tile/0/000.p/7").await;
    is_kept(&part, "application/octet-stream", FOR_GOOD);
    assert_eq!(part.bytes, leaves[..7].concat());
    for path in ["checkpoint", "key", "tile/0/000", "proof/acme/ship-db"] {
        let posted = send(&fixture, Method::POST, &format!("/log/{path}")).await;
        assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_tile_or_is_not_there_yet_is_not_found() {
    let fixture = market().await;
    for path in [
        // Not there: beyond the head, or not whole.
        "0/001",
        "0/001.p/4",
        "0/002.p/1",
        "1/000",
        "1/000.p/2",
        "2/000.p/1",
        "entries/001",
        "entries/001.p/4",
        "0/x001/000",
        "7/000",
        // No tile's paths.
        "",
        "0",
        "0/",
        "0/0",
        "0/00",
        "0/0000",
        "0/x000/000",
        "0/000/",
        "0/000.p",
        "0/000.p/",
        "0/000.p/0",
        "0/000.p/03",
        "0/000.p/256",
        "0/000.p/-1",
        "8/000",
        "00/000",
        "-1/000",
        "data/000",
        "Entries/000",
        "entries",
        "entries/1",
        "0/x999/x999/x999/x999/x999/x999/999",
        "0/%30%30%30",
        "0/000%2Ep%2F7",
        "0/../0/000",
        "0/000?width=7&x",
        "0/000.p/7/7",
    ] {
        let reply = ask(&fixture, &format!("/log/tile/{path}")).await;
        let fine = path == "0/000?width=7&x" || path == "0/%30%30%30" || path == "0/000%2Ep%2F7";
        let expected = if fine {
            StatusCode::OK
        } else {
            StatusCode::NOT_FOUND
        };
        assert_eq!(reply.status, expected, "{path}");
        // Nobody keeps that something is not there: it may be soon.
        let kept = reply.headers.get(header::CACHE_CONTROL);
        let kept = kept.is_some_and(|kept| kept.to_str().is_ok_and(|kept| kept.contains("public")));
        assert_eq!(kept, fine, "{path}");
    }
    let long = "x001/".repeat(2_000);
    let reply = ask(&fixture, &format!("/log/tile/0/{long}000")).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_proof_says_all_of_one_name_and_that_the_log_goes_on() {
    let fixture = market().await;
    let operator = SigningKey::from_scalar(&[7; 32]).expect("a key").public();
    let reply = ask(&fixture, "/log/proof/acme/ship-db").await;
    is_kept(&reply, "application/json", FOR_A_MOMENT);
    let seen = Statement::parse(&reply.bytes).expect("a statement");
    assert_eq!(seen.consistency, None);
    let seen = seen
        .open(NAME, std::slice::from_ref(&operator))
        .expect("it holds");
    assert_eq!((seen.entries.len(), seen.size), (259, 259));
    let more = "/log/proof/acme/ship-db/more";
    let part = ask(&fixture, &format!("{more}?from=100&size=200")).await;
    is_kept(&part, "application/json", FOR_GOOD);
    let part = Page::parse(&part.bytes).expect("a part");
    assert_eq!((part.entries.len(), part.entries[0].index), (100, 100));
    for (query, status) in [
        ("?from=200&size=200", StatusCode::NOT_FOUND),
        ("?from=1&size=260", StatusCode::NOT_FOUND),
        ("?from=1", StatusCode::BAD_REQUEST),
        ("?from=-1&size=2", StatusCode::BAD_REQUEST),
        ("", StatusCode::BAD_REQUEST),
    ] {
        let reply = ask(&fixture, &format!("{more}{query}")).await;
        assert_eq!(reply.status, status, "{query}");
    }
    let other = ask(&fixture, "/log/proof/acme/other/more?from=1&size=2").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    seen_by_another_name(&reply, &operator);

    let owner = fixture.actor("olga").await;
    let held = fixture
        .app
        .manage_listing(&owner, "acme", "ship-db", ListingEvent::Hold, "Why");
    held.await.expect("held");
    let reply = ask(&fixture, "/log/proof/acme/ship-db?since=259").await;
    let now = Statement::parse(&reply.bytes).expect("a statement");
    let opened = now
        .open(NAME, std::slice::from_ref(&operator))
        .expect("it holds");
    assert_eq!(opened.size, 260);
    now.continues(&opened, (259, &seen.root))
        .expect("the log goes on");
    now.continues(&opened, (259, &[0; 32]))
        .expect_err("it was another log");

    // Sizes that the log never had prove nothing.
    for odd in ["0", "261", "18446744073709551615"] {
        let reply = ask(&fixture, &format!("/log/proof/acme/ship-db?since={odd}")).await;
        let statement = Statement::parse(&reply.bytes).expect("a statement");
        assert!(
            statement
                .consistency
                .is_none_or(|found| found.proof.is_empty()),
            "{odd}"
        );
    }
    for wrong in ["-1", "x", "1.5", "18446744073709551616", ""] {
        let reply = ask(&fixture, &format!("/log/proof/acme/ship-db?since={wrong}")).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    for missing in [
        "acme/other",
        "other/ship-db",
        "acme/%00",
        "acme/ship-db/further",
        "acme",
    ] {
        let reply = ask(&fixture, &format!("/log/proof/{missing}")).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{missing}");
    }
}

/// A statement of one name is none of another.
fn seen_by_another_name(reply: &Reply, operator: &trust::PublicKey) {
    let statement = Statement::parse(&reply.bytes).expect("a statement");
    let other = statement.open("market.example/acme/other", std::slice::from_ref(operator));
    other.expect_err("it is of another name");
}
