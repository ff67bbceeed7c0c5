//! What can be seen from outside: metrics, log lines, traces.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::mpsc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::DateTime;
use serde_json::Value;
use store::notary::NewTrustFile;

use crate::{
    databases::block_on,
    doors::{Doors, REPO, connect, header, rest, until},
    market::{Market, database},
};

const TRUST_ENDS: &str = "plimsoll_trust_metadata_ends_timestamp_seconds";

pub(crate) fn metrics(doors: &Doors, name: &str, password: &str) -> String {
    let basic = STANDARD.encode(format!("{name}:{password}"));
    doors.ask(&format!(
        "GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {basic}\r\n\
         Connection: close\r\n\r\n"
    ))
}

#[test]
fn metrics_are_for_the_operator() {
    let doors = Doors::open("");
    let pusher = doors.pusher();
    let answer = doors.get("/metrics");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(header(&answer, "www-authenticate").is_some(), "{answer}");
    let answer = metrics(&doors, "ann", &pusher.secret);
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let answer = metrics(&doors, "operator", "wrong");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");

    let upload = pusher.begin(&doors);
    let _missing = doors.get("/p/no/such");
    let _nonsense = doors.ask("BREW /pot HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let answer = until("counted", || {
        let answer = metrics(&doors, "operator", doors.operator_password());
        let counted = answer.contains("registry.start_upload") && answer.contains("\"other\"");
        counted.then_some(answer)
    });
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for expected in [
        "# TYPE plimsoll_http_request_duration_seconds histogram",
        r#"plimsoll_http_request_duration_seconds_count{method="POST",route="registry.start_upload",status="2xx"} 1"#,
        r#"route="/p/{publisher}/{product}""#,
        r#"plimsoll_http_response_bytes_total{method="GET",route="/token"}"#,
        "plimsoll_http_requests_in_flight 1",
        "plimsoll_uploads_open 1",
        r#"plimsoll_database_connections{state="most"} "#,
        r#"plimsoll_webhooks{state="failing"} 0"#,
        "plimsoll_webhook_deliveries_waiting 0",
        "plimsoll_build_info{version=",
        "process_resident_memory_bytes ",
    ] {
        assert!(answer.contains(expected), "{expected} in {answer}");
    }
    for raw in [upload.as_str(), "/p/no/such", "/pot", "BREW", REPO] {
        assert!(!answer.contains(raw), "{raw} is no label");
    }
}

#[test]
fn a_second_listener_shows_metrics_to_whoever_reaches_it() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let doors = Doors::open(&format!("[metrics]\nlisten = \"{address}\"\n"));
    for (path, expected) in [
        ("/metrics", "plimsoll_connections_open"),
        ("/readyz", "\"ready\":true"),
        ("/healthz", "\"alive\":true"),
    ] {
        let mut stream = connect(&address);
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("a request");
        let answer = rest(&mut stream);
        assert!(answer.contains(expected), "{answer}");
    }
    assert!(doors.get("/metrics").starts_with("HTTP/1.1 401"));
}

/// What an alarm goes by before trust metadata ends: the times that stand in the files.
#[test]
fn metrics_say_when_trust_metadata_ends_by_place_and_role() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let place = tempfile::tempdir().expect("a temporary folder");
    let data = place.path().join("data");
    let market = Market::start_with(&data, &["--metrics-listen", &address]);
    let read = || {
        let mut stream = connect(&address);
        let head = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).expect("a request");
        let answer = rest(&mut stream);
        let lines = answer.lines().filter(|line| line.contains(TRUST_ENDS));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(read().is_empty(), "nothing can end yet");
    market.release("1.0");
    let staging = format!("{}/staging/acme/harbour", market.server.host());
    let released = format!("{}/acme/harbour", market.server.host());
    let abandoned = 1_800_000_000;
    let ends = trust_ends(&data, &released, (&staging, abandoned));
    let mut expected = vec![
        format!(
            "# HELP {TRUST_ENDS} When the first piece of trust metadata ends that clients come to, by its place (`released` or `staging`) and role, in seconds since 1970."
        ),
        format!("# TYPE {TRUST_ENDS} gauge"),
    ];
    for (role, ends) in ends {
        let labels = format!("{{place=\"released\",role=\"{role}\"}}");
        expected.push(format!("{TRUST_ENDS}{labels} {ends}"));
    }
    let labels = "{place=\"staging\",role=\"targets\"}";
    expected.push(format!("{TRUST_ENDS}{labels} {abandoned}"));
    assert_eq!(read(), expected);
}

/// Reads when the files under a released name end, by role; and adds one in staging that ends.
fn trust_ends(data: &Path, released: &str, staging: (&str, i64)) -> Vec<(&'static str, i64)> {
    block_on(async {
        let db = database(data).await;
        let mut tx = db.begin().await.expect("a transaction");
        let mut ends = Vec::new();
        for role in ["root", "snapshot", "targets", "timestamp"] {
            let file = store::notary::newest_file(&mut tx, released, role).await;
            let file = file.expect("read").expect("a file").content.to_vec();
            let file = trust::tuf::File::parse(file).expect("metadata");
            ends.push((role, file.expires.timestamp()));
        }
        let (gun, abandoned) = staging;
        let at = DateTime::from_timestamp(abandoned, 0).expect("a time");
        let file = NewTrustFile {
            gun,
            role: "targets",
            version: 1,
            digests: ["1", "2", "3"].map(str::to_owned),
            content: b"{}",
            expires_at: at,
            created_at: at,
        };
        let added = store::notary::add_file(&mut tx, &file).await;
        assert!(added.expect("added"));
        tx.commit().await.expect("committed");
        db.close().await;
        ends
    })
}

#[test]
fn log_lines_tell_everything_but_secrets() {
    let doors = Doors::open("[log]\nformat = \"json\"\nlevel = \"debug\"\n");
    let pusher = doors.pusher();
    let authorization = pusher.authorization(&doors);
    let answer = doors.ask(&format!(
        "POST /v2/{REPO}/blobs/uploads/?secret=in-the-query HTTP/1.1\r\nHost: x\r\n{authorization}\
         X-Request-Id: mine.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ));
    assert_eq!(header(&answer, "x-request-id"), Some("mine.1"), "{answer}");
    let line = until("the line", || {
        doors
            .log()
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|line| line["request.id"] == "mine.1" && line["message"] == "answered")
    });
    assert_eq!(line["http.request.method"], "POST", "{line:#}");
    assert_eq!(line["http.route"], "registry.start_upload", "{line:#}");
    assert_eq!(
        line["url.path"],
        format!("/v2/{REPO}/blobs/uploads/"),
        "{line:#}"
    );
    assert_eq!(line["http.response.status_code"], 202, "{line:#}");
    assert_eq!(line["client.address"], "127.0.0.1", "{line:#}");
    for number in [
        "duration_ms",
        "http.request.body.size",
        "http.response.body.size",
    ] {
        assert!(line[number].is_u64(), "{number} in {line:#}");
    }
    let log = doors.log();
    for line in log.lines().filter(|line| line.starts_with('{')) {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
    let token = authorization
        .trim()
        .trim_start_matches("Authorization: Bearer ");
    for secret in [
        doors.operator_password(),
        &pusher.secret,
        token,
        "in-the-query",
    ] {
        assert!(!log.contains(secret), "a secret is in the log");
    }
}

/// Takes what is sent to `/v1/traces` and says yes to all of it.
fn collector() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || take(stream, &sender));
        }
    });
    (format!("http://{address}"), receiver)
}

fn take(mut stream: TcpStream, sender: &mpsc::Sender<(String, Vec<u8>)>) {
    loop {
        let head = crate::doors::head(&mut stream);
        let Some(length) = header(&head, "content-length").and_then(|text| text.parse().ok())
        else {
            return;
        };
        let mut body = vec![0; length];
        stream.read_exact(&mut body).expect("a body");
        let line = head.lines().next().unwrap_or_default().to_owned();
        // The test may have seen enough.
        drop(sender.send((line, body)));
        let answer =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        if stream.write_all(answer).is_err() {
            return;
        }
    }
}

#[test]
fn requests_are_traced_and_follow_their_caller() {
    let (endpoint, received) = collector();
    let mut doors = Doors::open(&format!(
        "[telemetry]\notlp_endpoint = \"{endpoint}\"\n[log]\nlevel = \"error\"\n"
    ));
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let answer = doors.ask(&format!(
        "GET /v2/ HTTP/1.1\r\nHost: x\r\ntraceparent: 00-{trace}-b7ad6b7169203331-01\r\n\
         Connection: close\r\n\r\n"
    ));
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    // What is left is sent at the end.
    doors.signal("-TERM");
    assert!(doors.server.wait().expect("it ends").success());
    let span = loop {
        let (line, body) = received
            .recv_timeout(Duration::from_secs(20))
            .expect("a trace with the caller's identifier");
        assert_eq!(line, "POST /v1/traces HTTP/1.1");
        let message: Value = serde_json::from_slice(&body).expect("JSON");
        let sent = &message["resourceSpans"][0];
        let service = &sent["resource"]["attributes"];
        assert!(
            service
                .to_string()
                .contains(r#"{"stringValue":"plimsoll"}"#),
            "{message:#}"
        );
        let spans = sent["scopeSpans"][0]["spans"].as_array().expect("spans");
        if let Some(span) = spans.iter().find(|span| span["traceId"] == trace) {
            break span.clone();
        }
    };
    assert_eq!(span["parentSpanId"], "b7ad6b7169203331", "{span:#}");
    assert_eq!(span["name"], "GET registry.base", "{span:#}");
    assert_eq!(span["kind"], 2, "{span:#}");
    let attributes = span["attributes"].as_array().expect("attributes");
    let status = attributes
        .iter()
        .find(|pair| pair["key"] == "http.response.status_code");
    assert_eq!(
        status.expect("a status")["value"]["intValue"],
        "401",
        "{span:#}"
    );
}
