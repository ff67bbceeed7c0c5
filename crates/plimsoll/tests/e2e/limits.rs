//! One client that wants too much, or is too slow, is told so, and others do not feel it.

use std::{
    io::Write as _,
    net::TcpStream,
    time::{Duration, Instant},
};

use oci::{Client, ClientOptions, Credentials, Descriptor, Digest, RepoName, media_type};

use crate::doors::{Doors, REPO, head, header, rest, until};

#[test]
fn slow_clients_do_not_starve_others() {
    let doors = Doors::open("[server.limits]\nheader_time = \"4s\"\nidle_time = \"4s\"\n");
    let pusher = doors.pusher();
    let authorization = pusher.authorization(&doors);
    let silent: Vec<TcpStream> = (0..150).map(|_| doors.connect()).collect();
    let half: Vec<TcpStream> = (0..150)
        .map(|_| {
            let mut stream = doors.connect();
            let head = b"GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Slow: ";
            stream.write_all(head).expect("half a head");
            stream
        })
        .collect();
    let uploads: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = doors.connect();
            let digest = Digest::of(b"never");
            let head = format!(
                "POST /v2/{REPO}/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: x\r\n\
                 {authorization}Content-Length: 5000\r\n\r\nbegin"
            );
            stream.write_all(head.as_bytes()).expect("half a blob");
            stream
        })
        .collect();
    push_and_pull(&doors, &pusher.secret);
    for mut stream in silent.into_iter().chain(half) {
        assert_eq!(rest(&mut stream), "", "who says nothing hears nothing");
    }
    for mut stream in uploads {
        let answer = rest(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("BLOB_UPLOAD_INVALID"), "{answer}");
        assert!(
            answer.contains("nothing of the body came for 4 seconds"),
            "{answer}"
        );
    }
}

fn push_and_pull(doors: &Doors, secret: &str) {
    let credentials = Credentials::Basic {
        user: "ann".to_owned(),
        password: secret.to_owned(),
    };
    let client = Client::new(doors.server.host(), credentials, &ClientOptions::default());
    let (client, repo) = (
        client.expect("a client"),
        REPO.parse::<RepoName>().expect("a name"),
    );
    let begun = Instant::now();
    let bytes = vec![7; 3 << 20];
    let blob = Descriptor::new(
        media_type::OCI_LAYER,
        Digest::of(&bytes),
        bytes.len() as u64,
    );
    client
        .push_blob(&repo, &blob, &mut bytes.as_slice())
        .expect("a push");
    let mut found = Vec::new();
    let mut body = client.blob(&repo, &blob).expect("a pull");
    std::io::Read::read_to_end(&mut body, &mut found).expect("all of it");
    assert!(found == bytes, "the blob changed");
    let took = begun.elapsed();
    assert!(
        took < Duration::from_secs(20),
        "push and pull took {took:?}"
    );
}

#[test]
fn too_many_connections_are_told_to_come_back() {
    let doors = Doors::open("[server.limits]\nconnections = 6\nconnections_per_address = 4\n");
    // Connections of before may still be counted.
    let alive = || {
        doors
            .get("/healthz")
            .starts_with("HTTP/1.1 200")
            .then_some(())
    };
    until("room", alive);
    let held: Vec<TcpStream> = until("four places", || {
        let mut held: Vec<_> = (0..4).map(|_| doors.connect()).collect();
        let all = held.iter_mut().all(|stream| {
            let sent = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
            sent.is_ok() && head(stream).starts_with("HTTP/1.1 200")
        });
        all.then_some(held)
    });
    let answer = doors.get("/v2/");
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    assert_eq!(header(&answer, "retry-after"), Some("5"));
    assert!(answer.contains(r#""code":"TOOMANYREQUESTS""#), "{answer}");
    drop(held);
    until("room again", alive);
}

#[test]
fn heads_that_are_too_large_are_refused_in_words() {
    let doors = Doors::open("");
    let with = |path: &str, headers: &str| {
        doors.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n"
        ))
    };
    let large = format!("X-Large: {}\r\n", "a".repeat(40 << 10));
    let answer = with("/v2/", &large);
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert!(answer.contains("at most 32768 are read"), "{answer}");
    assert!(answer.contains(r#"{"errors":["#), "{answer}");
    let many = "X-Many: a\r\n".repeat(90);
    let answer = with("/v2/", &many);
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert!(answer.contains("at most 80 are read"), "{answer}");
    let long = "a".repeat(9 << 10);
    let answer = with(&format!("/v2/{long}/tags/list"), "");
    assert!(answer.starts_with("HTTP/1.1 414 "), "{answer}");
    let answer = with(&format!("/search?q={long}"), "");
    assert!(answer.starts_with("HTTP/1.1 414 "), "{answer}");
    assert!(
        !answer.contains("errors"),
        "people get a sentence: {answer}"
    );
    // Far beyond the limit it is the protocol itself that ends.
    let huge = format!("X-Huge: {}\r\n", "a".repeat(600 << 10));
    let answer = with("/v2/", &huge);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
}

#[test]
fn an_account_has_its_share_of_requests_and_uploads() {
    let doors = Doors::open(
        "[server.limits]\nrequests_per_account = 1\n[registry]\nuploads_per_account = 2\n",
    );
    let pusher = doors.pusher();
    let upload = pusher.begin(&doors);
    let authorization = pusher.authorization(&doors);
    let mut under_way = pusher.send(&doors, &upload, b"ab", 4);
    let base = || {
        doors.ask(&format!(
            "GET /v2/ HTTP/1.1\r\nHost: x\r\n{authorization}Connection: close\r\n\r\n"
        ))
    };
    let answer = base();
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    assert_eq!(header(&answer, "retry-after"), Some("1"));
    assert!(answer.contains("TOOMANYREQUESTS"), "{answer}");
    assert!(
        doors.get("/v2/").starts_with("HTTP/1.1 401"),
        "others are not concerned"
    );
    under_way.write_all(b"cd").expect("the rest");
    assert!(head(&mut under_way).starts_with("HTTP/1.1 202"));
    until("a place", || {
        base().starts_with("HTTP/1.1 200").then_some(())
    });
    until("a second upload", || {
        pusher
            .try_begin(&doors)
            .starts_with("HTTP/1.1 202")
            .then_some(())
    });
    let answer = until("an answer", || Some(pusher.try_begin(&doors)));
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    assert!(answer.contains("2 uploads open"), "{answer}");
}

/// One HTTP/2 frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a small frame");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

#[test]
fn a_flood_of_resets_ends_its_own_connection_only() {
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const SETTINGS: u8 = 4;
    const GOAWAY: u8 = 7;
    const CANCEL: [u8; 4] = 8_u32.to_be_bytes();
    let doors = Doors::open("");
    let mut flood = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    flood.extend(frame(SETTINGS, 0, 0, &[]));
    // GET http /, authority x, as HPACK writes it; the head is all of the request.
    let head = [0x82, 0x86, 0x84, 0x41, 1, b'x'];
    for stream in (1..20_000).step_by(2) {
        flood.extend(frame(HEADERS, 0x5, stream, &head));
        flood.extend(frame(RST_STREAM, 0, stream, &CANCEL));
    }
    let mut stream = doors.connect();
    // The server may end it before all is sent.
    drop(stream.write_all(&flood));
    let mut answer = Vec::new();
    drop(std::io::Read::read_to_end(&mut stream, &mut answer));
    let mut frames = answer.as_slice();
    let mut ended = false;
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = frames {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        ended |= *kind == GOAWAY;
        frames = rest.get(length..).unwrap_or_default();
    }
    assert!(ended || answer.is_empty(), "it is told to go away");
    assert!(doors.get("/healthz").starts_with("HTTP/1.1 200"));
}
