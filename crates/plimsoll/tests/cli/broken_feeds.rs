//! Feeds that break: what is kept out, what stays, what is said.

use std::{
    io::Write as _,
    net::TcpListener,
    sync::{Arc, Mutex},
};

use trust::SigningKey;

use crate::support::{NOW, Place, head_of};

/// Lines of OSV, each about a package of its own.
fn lines(count: usize, affected: &str) -> String {
    let line = |number: usize| {
        format!(
            r#"{{"id":"GHSA-{number}","{affected}":[{{"package":{{"ecosystem":"npm","name":"p{number}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}}]}}]}}]}}"#
        )
    };
    (0..count).map(|number| line(number) + "\n").collect()
}

fn import(place: &Place, files: &[&str]) -> String {
    let args = ["advisories", "import", "--without-starter", "--now", NOW];
    place.run(&[&args[..], &["--output", "a.db"], files].concat())
}

/// Returns how many advisories the database has.
fn count(place: &Place, file: &str) -> u64 {
    let args = ["advisories", "status", "--advisories", file, "--now", NOW];
    let records = place.json(&args)["meta"]["records"].as_u64();
    records.expect("a number")
}

#[test]
fn a_file_that_is_broken_replaces_nothing() {
    let place = Place::new();
    let whole = lines(100, "affected");
    place.write("feed.jsonl", &whole);
    assert!(import(&place, &["feed.jsonl"]).starts_with("exit 0"));
    let refused = |text: &str, words: &str| {
        place.write("feed.jsonl", text);
        let said = import(&place, &["feed.jsonl"]);
        assert!(said.starts_with("exit 3"), "{said}");
        assert!(said.contains(words), "no `{words}` in {said}");
        assert!(said.contains("the database is as it was"), "{said}");
        assert_eq!(count(&place, "a.db"), 100);
    };
    let listed = format!("[{}]", whole.trim_end().replace('\n', ","));
    refused(&listed[..listed.len() / 2], "it ends early");
    refused(
        &lines(100, "afflicted"),
        "100 of its 100 records name no package",
    );
    refused("[]", "it holds no advisory");
    refused(&format!("[{}]", [r#"{"id":7}"#; 20].join(",")), "malformed");
    // Who knows better may have what there is.
    place.write("feed.jsonl", &listed[..listed.len() / 2]);
    let said = import(&place, &["--accept-partial", "feed.jsonl"]);
    assert!(
        said.starts_with("exit 0") && said.contains("ends early"),
        "{said}"
    );
    assert!((40..60).contains(&count(&place, "a.db")));
    place.write("feed.jsonl", "[]");
    assert!(import(&place, &["--accept-partial", "feed.jsonl"]).starts_with("exit 3"));
}

#[test]
fn a_source_that_breaks_keeps_what_the_database_has_of_it() {
    let place = Place::new();
    place.write(
        "plimsoll.toml",
        "[[advisories.sources]]\nname = \"mine\"\npath = \"mine.jsonl\"\n[[advisories.sources]]\nname = \"other\"\npath = \"other.jsonl\"\n",
    );
    let update = |more: &[&str]| {
        let args = ["advisories", "update", "--output", "a.db", "--now", NOW];
        place.run(&[&args[..], more].concat())
    };
    place.write("mine.jsonl", lines(100, "affected"));
    place.write("other.jsonl", lines(10, "affected"));
    assert!(update(&[]).starts_with("exit 0"));
    let before = count(&place, "a.db");
    let kept = |words: &str| {
        let said = update(&[]);
        assert!(said.starts_with("exit 3"), "{said}");
        for words in [
            words,
            "mine: ",
            "its last good data stays in use",
            "not what it has of mine",
        ] {
            assert!(said.contains(words), "no `{words}` in {said}");
        }
        assert_eq!(count(&place, "a.db"), before);
    };
    place.write("mine.jsonl", lines(100, "afflicted"));
    kept("its schema may have changed");
    place.write("mine.jsonl", lines(49, "affected"));
    kept("it has 49 records, where the last good one had 100");
    std::fs::remove_file(place.join("mine.jsonl")).expect("it was there");
    kept("cannot read");
    place.write("mine.jsonl", lines(49, "affected"));
    assert!(update(&["--accept-partial"]).starts_with("exit 0"));
    assert_eq!(count(&place, "a.db"), before - 51);
}

#[test]
fn what_changed_is_carried_alone() {
    let place = Place::new();
    let key = SigningKey::generate().expect("a key");
    place.write("my.key", key.to_pem());
    place.write("my.pub", key.public().to_pem());
    place.write("feed.jsonl", lines(200, "affected"));
    assert!(import(&place, &["feed.jsonl"]).starts_with("exit 0"));
    std::fs::copy(place.join("a.db"), place.join("there.db")).expect("a copy");
    std::fs::copy(place.join("a.db"), place.join("old.db")).expect("a copy");
    place.write(
        "feed.jsonl",
        lines(201, "affected").replace("\"p7\"", "\"q7\""),
    );
    assert!(import(&place, &["feed.jsonl"]).starts_with("exit 0"));
    let export = [
        "advisories",
        "export",
        "--signing-key",
        "my.key",
        "--advisories",
        "a.db",
    ];
    let export = place.run(&[&export[..], &["--since", "old.db", "step.delta"]].concat());
    assert!(export.starts_with("exit 0"), "{export}");
    let size = |file: &str| std::fs::metadata(place.join(file)).expect("a file").len();
    assert!(size("step.delta") < 1_000, "{} bytes", size("step.delta"));
    let take = |more: &[&str]| {
        let args = ["advisories", "import", "--output", "there.db", "step.delta"];
        place.run(&[&args[..], more].concat())
    };
    assert!(take(&[]).contains("--key"));
    let said = take(&["--key", "my.pub"]);
    assert!(said.starts_with("exit 0"), "{said}");
    let version = |file: &str| {
        let args = ["advisories", "status", "--advisories", file, "--now", NOW];
        place.json(&args)["meta"]["version"].clone()
    };
    assert_eq!(version("there.db"), version("a.db"));
    assert!(
        take(&["--key", "my.pub"]).starts_with("exit 0"),
        "twice is once"
    );
    place.write("feed.jsonl", lines(3, "affected"));
    let args = ["advisories", "import", "--output", "there.db", "feed.jsonl"];
    assert!(place.run(&args).starts_with("exit 0"));
    let refused = take(&["--key", "my.pub"]);
    assert!(refused.starts_with("exit 3"), "{refused}");
    for words in [
        "the delta goes from the version",
        "the database that was there stays",
    ] {
        assert!(refused.contains(words), "{refused}");
    }
}

/// Serves a file that is whole for who asks for the rest of it; keeps what was asked.
fn serve(body: &'static str, asked: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let head = head_of(&stream);
            let answer = match head.contains("range: bytes=") {
                true => "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
                false => format!(
                    "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                ),
            };
            asked.lock().expect("a list").push(head);
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}/feed.json")
}

#[test]
fn a_download_that_was_whole_and_not_yet_in_place_is_had_again() {
    let place = Place::new();
    let asked = Arc::default();
    let body = r#"{"id":"GHSA-1","affected":[{"package":{"ecosystem":"npm","name":"p"}}]}"#;
    let url = serve(body, Arc::clone(&asked));
    place.write(
        "plimsoll.toml",
        format!("[[advisories.sources]]\nname = \"web\"\nurl = \"{url}\"\n"),
    );
    std::fs::create_dir_all(place.join("sources")).expect("a folder");
    place.write("sources/web.part", body);
    place.write(
        "sources/web.part.json",
        format!(r#"{{"place":"{url}","etag":"\"x\"","last_modified":null}}"#),
    );
    let said = place.run(&["advisories", "update", "--output", "a.db", "--now", NOW]);
    assert!(said.starts_with("exit 0"), "{said}");
    let asked = asked.lock().expect("a list");
    assert!(asked[0].contains("range: bytes=") && !asked[1].contains("range: bytes="));
    assert!(!place.join("sources/web.part").exists());
}

#[test]
fn a_known_feed_needs_its_name_only() {
    let place = Place::new();
    place.write(
        "plimsoll.toml",
        "advisories.sources = [{ name = \"kev\" }]\n",
    );
    let sources = place.json(&["advisories", "sources"]);
    let list = sources["sources"].as_array().expect("a list");
    let used: Vec<_> = list.iter().filter(|it| it["configured"] == true).collect();
    assert_eq!((used.len(), &used[0]["name"]), (1, &"kev".into()));
    place.write(
        "plimsoll.toml",
        "advisories.sources = [{ name = \"kevin\" }]\n",
    );
    let refused = place.run(&["advisories", "sources"]);
    assert!(
        refused.starts_with("exit 2") && refused.contains("give its url or path"),
        "{refused}"
    );
}
