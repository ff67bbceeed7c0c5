//! Advisories: compiled, described, updated; a source that breaks keeps its last good data.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
};

use crate::{
    sample,
    support::{NOW, Place},
};

#[test]
fn import_and_status() {
    let place = Place::new();
    sample::advisories(&place);
    let shown = place.run(&["advisories", "status", "--advisories", "a.db", "--now", NOW]);
    let digest = shown.lines().find(|line| line.starts_with("Version"));
    let digest = digest.expect("a version").to_owned();
    insta::assert_snapshot!(shown.replace(&digest, "Version     …"), @r#"
exit 0
--- out ---
File        a.db
Version     …
Compiled    2026-11-01T12:00:00Z (0 days old)
Advisories  2
Packages    2
Ecosystems  Alpine:v3.20

SOURCE  FILES  ADVISORIES  MALFORMED  NEWEST
test    1      2           0          2026-10-02T00:00:00Z
--- err ---
"#);
}

#[test]
fn what_is_no_feed_is_refused() {
    let place = Place::new();
    place.write("feed.json", "hello");
    insta::assert_snapshot!(place.run(&["advisories", "import", "--output", "a.db", "feed.json"]), @r#"
exit 3
--- out ---
--- err ---
error: feed.json is no advisory feed that Plimsoll knows: it is no JSON, XML or CSV that is known; expected OSV, CSAF, OpenVEX, NVD, CVE, KEV, EPSS, OVAL, updateinfo.xml or a distribution's own JSON, plain, as .gz, .zst or .bz2, or in a zip or tar archive
"#);
    assert!(!place.join("a.db").exists());
}

/// A web server that says what it is told to, with an ETag.
struct Feed {
    url: String,
    body: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Feed {
    fn serve(body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!(
            "http://{}/feed.json",
            listener.local_addr().expect("an address")
        );
        let body = Arc::new(Mutex::new(body.to_owned()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (says, hears) = (Arc::clone(&body), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let reader = BufReader::new(stream.try_clone().expect("a connection"));
                let head = reader.lines().map_while(Result::ok);
                let head: Vec<_> = head.take_while(|line| !line.is_empty()).collect();
                let head = head.join("\n").to_lowercase();
                let body = says.lock().expect("a body").clone();
                let tag = format!("\"{}\"", body.len());
                let answer = if head.contains(&format!("if-none-match: {tag}")) {
                    "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned()
                } else {
                    format!(
                        "HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                        body.len()
                    )
                };
                hears.lock().expect("a list").push(answer[9..12].to_owned());
                stream.write_all(answer.as_bytes()).expect("an answer");
            }
        });
        Self { url, body, asked }
    }
}

const RECORD: &str = r#"{"schema_version":"1.7.0","id":"ALPINE-CVE-2026-1","modified":"2026-10-01T00:00:00Z","summary":"x","affected":[{"package":{"ecosystem":"Alpine:v3.20","name":"zlib"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#;

#[test]
fn update_asks_only_for_what_changed_and_keeps_the_last_good_data() {
    let (place, feed) = (Place::new(), Feed::serve(RECORD));
    let other = place.write("other.json", RECORD.replace("2026-1\"", "2026-2\""));
    place.write(
        "plimsoll.toml",
        format!(
            "[[advisories.sources]]\nname = \"web\"\nurl = \"{}\"\n[[advisories.sources]]\nname = \"local\"\npath = \"{}\"\n",
            feed.url,
            other.display()
        ),
    );
    let update = || place.output(&["advisories", "update", "--output", "db/a.db"]);
    let records = || {
        let status = place.json(&["advisories", "status", "--advisories", "db/a.db"]);
        let sources = status["meta"]["sources"]
            .as_array()
            .expect("sources")
            .clone();
        let counts = sources.iter().map(|source| source["records"].as_u64());
        counts.collect::<Vec<_>>()[..2].to_vec()
    };
    assert!(update().status.success(), "{}", place.show(&update()));
    assert!(update().status.success());
    assert_eq!(records(), [Some(1), Some(1)]);
    assert!(
        feed.asked
            .lock()
            .expect("a list")
            .ends_with(&["304".to_owned()])
    );
    "<html>Sorry</html>".clone_into(&mut feed.body.lock().expect("a body"));
    let broken = update();
    assert_eq!(broken.status.code(), Some(3));
    let said = String::from_utf8_lossy(&broken.stderr).into_owned();
    assert!(said.contains("its last good data stays in use"), "{said}");
    assert_eq!(records(), [Some(1), Some(1)]);
}
