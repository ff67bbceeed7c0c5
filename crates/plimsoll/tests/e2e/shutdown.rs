//! How the server stops: uploads that are under way are finished, or can be resumed.

use std::{io::Write as _, time::Instant};

use oci::Digest;

use crate::doors::{Doors, head, header, until};

const BLOB: &[u8] = b"a blob that takes its time";

#[test]
fn an_upload_under_way_is_finished() {
    let mut doors = Doors::open("[server]\nshutdown_grace = \"50s\"\n");
    let pusher = doors.pusher();
    let authorization = pusher.authorization(&doors);
    let upload = pusher.begin(&doors);
    let mut stream = pusher.send(&doors, &upload, &BLOB[..10], BLOB.len());
    doors.signal("-TERM");
    let answer = until("not ready", || {
        let answer = doors.get("/readyz");
        answer.starts_with("HTTP/1.1 503").then_some(answer)
    });
    assert!(answer.contains("stopping"), "{answer}");
    assert!(doors.get("/healthz").starts_with("HTTP/1.1 200"));
    let answer = doors.get("/v2/");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert_eq!(header(&answer, "retry-after"), Some("5"));
    assert!(answer.contains("UNAVAILABLE"), "{answer}");
    stream.write_all(&BLOB[10..]).expect("the rest");
    let answer = head(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let digest = Digest::of(BLOB).to_string();
    let answer = pusher.finish(&doors, &upload, &authorization, &digest);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let begun = Instant::now();
    let status = doors.server.wait().expect("it ends");
    assert!(status.success(), "{status}");
    assert!(
        begun.elapsed().as_secs() < 30,
        "it does not wait for the grace to pass"
    );
}

#[test]
fn an_upload_that_is_cut_can_be_resumed() {
    let mut doors = Doors::open("[server]\nshutdown_grace = \"1s\"\n");
    let pusher = doors.pusher();
    let upload = pusher.begin(&doors);
    let mut stream = pusher.send(&doors, &upload, &BLOB[..10], BLOB.len());
    std::thread::sleep(std::time::Duration::from_millis(300));
    doors.signal("-TERM");
    let answer = head(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert_eq!(header(&answer, "range"), Some("0-9"), "{answer}");
    assert_eq!(header(&answer, "retry-after"), Some("5"), "{answer}");
    let status = doors.server.wait().expect("it ends");
    assert!(status.success(), "{status}");
    doors.open_again();
    let authorization = pusher.authorization(&doors);
    let answer = doors.ask(&format!(
        "GET {upload} HTTP/1.1\r\nHost: x\r\n{authorization}Connection: close\r\n\r\n"
    ));
    assert_eq!(header(&answer, "range"), Some("0-9"), "{answer}");
    let rest = String::from_utf8_lossy(&BLOB[10..]);
    let answer = doors.ask(&format!(
        "PATCH {upload} HTTP/1.1\r\nHost: x\r\n{authorization}Content-Length: {}\r\n\
         Content-Range: 10-{}\r\nConnection: close\r\n\r\n{rest}",
        rest.len(),
        BLOB.len() - 1
    ));
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let digest = Digest::of(BLOB).to_string();
    let answer = pusher.finish(&doors, &upload, &authorization, &digest);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

#[test]
fn idle_connections_do_not_hold_it_up() {
    let mut doors = Doors::open("");
    let mut idle = doors.connect();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("a request");
    assert!(head(&mut idle).starts_with("HTTP/1.1 200"));
    let _unused = doors.connect();
    let begun = Instant::now();
    doors.signal("-TERM");
    let status = doors.server.wait().expect("it ends");
    assert!(status.success(), "{status}");
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}
