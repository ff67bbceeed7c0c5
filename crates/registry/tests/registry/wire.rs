//! Over a real connection: what a transport does that a call does not.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use oci::{Digest, Digester};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::market::{Market, STAGING};

async fn listen(market: &Market) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = market.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn talk(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_truncated_upload_is_kept_and_is_no_blob() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let address = listen(&market).await;
    let call = format!("POST /v2/{STAGING}/blobs/uploads/");
    let location = market
        .get(&token, &call)
        .await
        .header("location")
        .to_owned();
    let digest = Digest::of(&[b'x'; 1000]);
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PUT {location}?digest={digest} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 1000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[b'x'; 300]).await.unwrap();
    stream.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(stream);
    let mut range = String::new();
    for _ in 0..100 {
        let status = market.get(&token, &format!("GET {location}")).await;
        assert_eq!(status.status, 204);
        range = status.header("range").to_owned();
        if range == "0-299" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(range, "0-299");
    let blob = format!("GET /v2/{STAGING}/blobs/{digest}");
    assert_eq!(market.get(&token, &blob).await.status, 404);
    let call = format!("PUT {location}?digest={digest}");
    let rest = [("content-range", "300-999")];
    let done = market.ask(&token, &call, &rest, vec![b'x'; 700]).await;
    assert_eq!(done.status, 201, "{}", done.summary());
    assert_eq!(market.get(&token, &blob).await.body.len(), 1000);
}

#[tokio::test]
async fn a_head_has_the_length_and_no_body() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let digest = market.push_blob(&token, STAGING, b"0123456789").await;
    let address = listen(&market).await;
    let ask = async |path: &str| {
        let request = format!(
            "HEAD {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        talk(address, &request).await.to_lowercase()
    };
    let blob = ask(&format!("/v2/{STAGING}/blobs/{digest}")).await;
    assert!(blob.starts_with("http/1.1 200"), "{blob}");
    assert!(blob.contains("\r\ncontent-length: 10\r\n") && blob.ends_with("\r\n\r\n"));
    let absent = ask(&format!("/v2/{STAGING}/manifests/none")).await;
    assert!(absent.starts_with("http/1.1 404"), "{absent}");
    assert!(absent.ends_with("\r\n\r\n"));
    let tags = ask(&format!("/v2/{STAGING}/tags/list")).await;
    assert!(tags.starts_with("http/1.1 200") && tags.ends_with("\r\n\r\n"));
}

#[tokio::test]
async fn nothing_in_a_request_becomes_a_header() {
    let market = Market::new().await;
    let address = listen(&market).await;
    for path in [
        "/v2/a%0d%0aX-Evil:%201/tags/list",
        "/v2/a/manifests/x%0d%0aX-Evil:1",
        "/v2/_catalog?last=%0d%0aX-Evil:1",
        "/token?scope=repository:a%0d%0aX-Evil:1:pull",
        "/token?service=%0d%0aX-Evil:1",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = talk(address, &request).await;
        let head = answer.split("\r\n\r\n").next().unwrap();
        assert!(!head.to_lowercase().contains("\r\nx-evil"), "{answer}");
    }
}

#[tokio::test]
async fn large_blobs_are_streamed_both_ways() {
    const PIECE: usize = 1 << 20;
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let piece = Bytes::from(vec![7; PIECE]);
    let mut digester = Digester::new(oci::Algorithm::Sha256);
    (0..48).for_each(|_| digester.update(&piece));
    let digest = digester.finish();
    let pieces = (0..48).map(move |_| Ok::<_, std::io::Error>(piece.clone()));
    let call = format!("POST /v2/{STAGING}/blobs/uploads/?digest={digest}");
    let body = Body::from_stream(stream::iter(pieces));
    let answer = market.ask(&token, &call, &[], body).await;
    assert_eq!(answer.status, 201, "{}", answer.summary());
    let blob = market
        .get(&token, &format!("GET /v2/{STAGING}/blobs/{digest}"))
        .await;
    assert_eq!(Digest::of(&blob.body), digest);
    assert_eq!(blob.header("content-length"), (48 * PIECE).to_string());
}

#[tokio::test]
async fn a_stream_that_breaks_is_an_error_and_what_came_is_kept() {
    let market = Market::new().await;
    let token = Arc::new(market.token("owner", &[STAGING]).await);
    let call = format!("POST /v2/{STAGING}/blobs/uploads/");
    let location = market
        .get(&token, &call)
        .await
        .header("location")
        .to_owned();
    let pieces = [
        Ok(Bytes::from_static(b"hello")),
        Err(std::io::Error::other("gone")),
    ];
    let body = Body::from_stream(stream::iter(pieces));
    let answer = market
        .ask(&token, &format!("PATCH {location}"), &[], body)
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("range"), "0-4");
    let status = market.get(&token, &format!("GET {location}")).await;
    assert_eq!(status.header("range"), "0-4");
}
