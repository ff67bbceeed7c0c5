//! Advisories looked up, compared and carried to a site without a network; what goes wrong there.

use std::{io::Write as _, net::TcpListener, process::Command};

use trust::SigningKey;

use crate::support::{NOW, Place, head_of};

const OLD: &str = r#"{"id":"GHSA-1","aliases":["CVE-2026-1"],"summary":"A hole","modified":"2026-10-01T00:00:00Z","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"npm","name":"left-pad"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]}"#;
const KEV: &str = r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2026-1","dateAdded":"2026-10-05","dueDate":"2026-10-26","knownRansomwareCampaignUse":"Known"}]}"#;
const EPSS: &str = "#model_version:v1,score_date:2026-10-31T00:00:00Z\ncve,epss,percentile\nCVE-2026-1,0.25,0.97\n";

/// Compiles an older database as `old.db` and a newer one, of more sources, as `new.db`.
fn two(place: &Place) {
    place.write("osv.json", OLD);
    place.write("kev.json", KEV);
    place.write("epss.csv", EPSS);
    let import = |output: &str, files: &[&str]| {
        let args = [
            "advisories",
            "import",
            "--without-starter",
            "--now",
            NOW,
            "--output",
            output,
        ];
        let output = place.output(&[&args[..], files].concat());
        assert!(output.status.success(), "{}", place.show(&output));
    };
    import("old.db", &["osv=osv.json"]);
    import("new.db", &["osv=osv.json", "kev=kev.json", "epss=epss.csv"]);
}

#[test]
fn show_search_and_diff() {
    let place = Place::new();
    two(&place);
    let says = |args: &[&str], expected: &[&str]| {
        let said = place.run(args);
        for words in expected {
            assert!(said.contains(words), "no `{words}` in\n{said}");
        }
    };
    let expected = [
        "exit 0",
        "CVE-2026-1  A hole",
        "9.8 Critical (osv)",
        "since 2026-10-05, due 2026-10-26",
        "25.00 % in 30 days",
        "fixed in 1.2.0",
    ];
    says(
        &["advisories", "show", "GHSA-1", "--advisories", "new.db"],
        &expected,
    );
    let unknown = ["exit 2", "no source knows `CVE-1`", "advisories search"];
    says(
        &["advisories", "show", "CVE-1", "--advisories", "new.db"],
        &unknown,
    );
    let found = ["exit 0", "left-pad", "npm"];
    says(
        &["advisories", "search", "PAD", "--advisories", "new.db"],
        &found,
    );
    let changed = [
        "exit 0",
        "~ CVE-2026-1",
        "  npm left-pad",
        "1 name and 1 package differ",
    ];
    says(&["advisories", "diff", "old.db", "new.db"], &changed);
    let shown = place.json(&["advisories", "show", "CVE-2026-1", "--advisories", "new.db"]);
    assert_eq!(
        shown["vulnerability"]["exploitation"]["kev"]["ransomware"],
        true
    );
    let changed = place.json(&["advisories", "diff", "old.db", "new.db"]);
    assert_eq!(changed["packages"][0]["package"], "left-pad");
}

#[test]
fn a_database_is_carried_with_its_signature() {
    let place = Place::new();
    two(&place);
    let keys = [
        SigningKey::generate().expect("a key"),
        SigningKey::generate().expect("a key"),
    ];
    place.write("my.key", keys[0].to_pem());
    place.write("my.pub", keys[0].public().to_pem());
    place.write("other.pub", keys[1].public().to_pem());
    let export = place.output(&[
        "advisories",
        "export",
        "--signing-key",
        "my.key",
        "--advisories",
        "new.db",
        "carried.db",
    ]);
    assert!(export.status.success(), "{}", place.show(&export));
    let import = |more: &[&str]| {
        let args = ["advisories", "import", "--output", "there.db", "carried.db"];
        place.run(&[&args[..], more].concat())
    };
    let asked = import(&[]);
    assert!(
        asked.starts_with("exit 2") && asked.contains("--key"),
        "{asked}"
    );
    assert!(import(&["--key", "other.pub"]).starts_with("exit 4"));
    assert!(!place.join("there.db").exists());
    assert!(import(&["--key", "my.pub"]).starts_with("exit 0"));
    let there = std::fs::read(place.join("there.db")).expect("a database");
    assert_eq!(
        there,
        std::fs::read(place.join("new.db")).expect("a database")
    );
    // One bit changed on the way.
    let mut damaged = there.clone();
    damaged[100] ^= 1;
    place.write("carried.db", &damaged);
    let refused = import(&["--key", "my.pub"]);
    assert!(refused.starts_with("exit 4"), "{refused}");
    assert!(
        refused.contains("is not the file that was signed"),
        "{refused}"
    );
    assert!(refused.contains("nothing was replaced"), "{refused}");
    assert_eq!(
        std::fs::read(place.join("there.db")).expect("a database"),
        there
    );
    place.write("carried.db", &damaged[..200]);
    assert!(import(&["--unsigned"]).starts_with("exit 3"));
    assert_eq!(
        std::fs::read(place.join("there.db")).expect("a database"),
        there
    );
    std::fs::remove_file(place.join("carried.db.sig")).expect("it was there");
    assert!(import(&["--key", "my.pub"]).contains("cannot read the signature"));
}

#[test]
fn a_full_disk_leaves_the_old_database() {
    let place = Place::new();
    two(&place);
    let before = std::fs::read(place.join("old.db")).expect("a database");
    let many: Vec<String> = (0..20_000)
        .map(|number| {
            let noise = format!("{:x}", number * 7_919_u64.pow(3));
            OLD.replace("GHSA-1", &format!("GHSA-{number}-{noise}"))
        })
        .collect();
    place.write("many.jsonl", many.join("\n"));
    // Files may grow to 64 blocks of 512 bytes or a KiB, as if the disk ended there.
    let script = format!(
        "trap '' XFSZ; ulimit -f 64; exec {} advisories import --output old.db many.jsonl",
        env!("CARGO_BIN_EXE_plimsoll")
    );
    let mut command = Command::new("sh");
    command
        .args(["-c", &script])
        .current_dir(place.path())
        .env_clear();
    let output = command.env("HOME", place.path()).output().expect("a shell");
    let said = place.show(&output);
    assert!(said.starts_with("exit 3"), "{said}");
    assert!(
        said.contains("the database that was there stays; make room on its disk"),
        "{said}"
    );
    assert_eq!(
        std::fs::read(place.join("old.db")).expect("a database"),
        before
    );
    let left = std::fs::read_dir(place.path()).expect("a folder").count();
    // The inputs, two databases, three locks: nothing half-written.
    assert!(left <= 10, "{left} files are left");
}

#[test]
fn the_second_of_two_updates_says_so() {
    let place = Place::new();
    two(&place);
    let lock = std::fs::File::create(place.join("old.db.lock")).expect("a file");
    lock.lock().expect("free");
    insta::assert_snapshot!(place.run(&[
        "advisories",
        "import",
        "--output",
        "old.db",
        "osv=osv.json"
    ]));
}

#[test]
fn a_clock_that_is_wrong_is_told() {
    let place = Place::new();
    two(&place);
    let early = "2020-01-01T00:00:00Z";
    let said = place.run(&[
        "advisories",
        "status",
        "--advisories",
        "old.db",
        "--now",
        early,
    ]);
    assert!(said.contains("compiled in the future"), "{said}");
    std::fs::create_dir_all(place.join("empty")).expect("a folder");
    let said = place.run(&[
        "scan",
        "dir:empty",
        "--advisories",
        "old.db",
        "--now",
        early,
    ]);
    assert!(said.contains("compiled in the future"), "{said}");
}

/// Breaks the first answer off in the middle, continues when asked to.
fn serve_in_parts(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "http://{}/feed.json",
        listener.local_addr().expect("an address")
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let head = head_of(&stream);
            let range = head
                .lines()
                .find_map(|line| line.strip_prefix("range: bytes="));
            let start = range.and_then(|range| range.trim_end_matches('-').parse::<usize>().ok());
            let answer = match start {
                Some(start) => format!(
                    "HTTP/1.1 206 Partial Content\r\nETag: \"x\"\r\nContent-Range: bytes {start}-{}/{}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                    body.len() - 1,
                    body.len(),
                    body.len() - start,
                    &body[start..]
                ),
                None => format!(
                    "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                    body.len(),
                    &body[..body.len() / 2]
                ),
            };
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn a_download_is_continued_and_mirrors_are_tried() {
    let place = Place::new();
    let url = serve_in_parts(OLD);
    place.write(
        "plimsoll.toml",
        format!("[[advisories.sources]]\nname = \"web\"\nurl = \"http://127.0.0.1:1/none|{url}\"\n[[advisories.sources]]\nname = \"gone\"\nurl = \"http://127.0.0.1:1/\"\n"),
    );
    let args = ["advisories", "update", "--output", "db/a.db", "--now", NOW];
    let updated = place.output(&args);
    let said = place.show(&updated);
    assert!(said.starts_with("exit 3"), "{said}");
    assert!(said.contains("not what it has of gone"), "{said}");
    let status = place.json(&[
        "advisories",
        "status",
        "--advisories",
        "db/a.db",
        "--now",
        NOW,
    ]);
    let health = status["health"].as_array().expect("a list");
    assert_eq!(
        (&health[0]["records"], &health[0]["failures"]),
        (&1.into(), &0.into())
    );
    assert_eq!(health[0]["last_success"], NOW);
    assert_eq!(health[1]["failures"], 1);
    assert!(
        health[1]["error"]
            .as_str()
            .is_some_and(|it| it.contains("cannot download"))
    );
    assert_eq!(
        std::fs::read_to_string(place.join("db/sources/web")).expect("a file"),
        OLD
    );
    assert!(!place.join("db/sources/web.part").exists());
}
