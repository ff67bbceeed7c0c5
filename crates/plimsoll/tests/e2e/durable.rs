//! Acknowledged means durable: before a push is answered, its bytes, the name they have and the
//! database's log were flushed. kill -9 cannot show that, for the system's memory outlives it;
//! what the server asks the system for can, and strace writes that down.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use oci::{Digest, media_type};

use crate::{
    http::Registry,
    market::{Market, serve_by},
    skip,
};

/// Where what the server asks for is written down.
const TRACE: &str = "trace";

fn strace_works() -> bool {
    let traced = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .status();
    let works = traced.is_ok_and(|status| status.success());
    if !works {
        skip("strace is not installed, or may not trace here");
    }
    works
}

/// Writes a program that is plimsoll under strace. The server is the process that is started,
/// so that it is ended as ever.
fn traced(dir: &Path) -> std::path::PathBuf {
    let program = dir.join("traced");
    let calls = "fsync,fdatasync,rename,renameat,renameat2,link,linkat,write,writev,sendto,sendmsg";
    let script = format!(
        "#!/bin/sh\nexec strace -D -f -y -qq -s 16 -e trace={calls} -e signal=none -o '{}' '{}' \"$@\"\n",
        dir.join(TRACE).display(),
        env!("CARGO_BIN_EXE_plimsoll"),
    );
    fs::write(&program, script).expect("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it may be run");
    program
}

/// Returns the calls up to the first answer that begins with `answer`, from `from` on, and where
/// the next begin. strace may write an answer down a moment after the client has it.
fn until(trace: &Path, from: usize, answer: &str) -> (Vec<String>, usize) {
    for _ in 0..100 {
        let text = fs::read_to_string(trace).expect("a trace");
        let lines: Vec<_> = text.lines().collect();
        let end = (lines.iter().skip(from)).position(|line| line.contains(answer));
        if let Some(end) = end {
            let calls = lines[from..from + end]
                .iter()
                .map(|line| (*line).to_owned());
            return (calls.collect(), from + end + 1);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("no answer {answer} in {}", trace.display());
}

/// Returns where the first call is of one of `names` and has `part`.
fn place(calls: &[String], names: &[&str], part: &str) -> usize {
    let is = |line: &String| names.iter().any(|name| line.contains(name)) && line.contains(part);
    let found = calls.iter().position(is);
    found.unwrap_or_else(|| panic!("no {names:?} of {part} in {calls:#?}"))
}

#[test]
fn what_is_acknowledged_was_flushed() {
    if !strace_works() {
        return;
    }
    let mut market = Market::start();
    market.server.kill().expect("the server is killed");
    let dir = market.dir.path().to_owned();
    market.server = serve_by(&traced(&dir), &dir.join("data"), "127.0.0.1:0", &[]);
    let repository = "staging/acme/harbour".to_owned();
    let names = [repository.clone()];
    let password = market.desk.token().to_owned();
    let registry = Registry::sign_in(market.server.url(), ("ann", &password), &names);
    let registry = registry.expect("a token");
    let trace = dir.join(TRACE);
    let flushes = ["fsync(", "fdatasync("];
    let log = "-wal>";

    // The first is pushed in one request, the second one in three.
    let config = b"{}".as_slice();
    let layer = vec![7; 3_000_000];
    let mut next = fs::read_to_string(&trace).expect("a trace").lines().count();
    for (content, at_once) in [(config, true), (layer.as_slice(), false)] {
        let digest = Digest::of(content);
        let mut path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        if !at_once {
            let begun = registry.ask("POST", &format!("/v2/{repository}/blobs/uploads/"), b"");
            let location = begun.expect("an answer").header("location").to_owned();
            let sent = registry
                .ask("PATCH", &location, content)
                .expect("an answer");
            assert_eq!(sent.status, 202);
            path = format!("{location}?digest={digest}");
        }
        let (method, body) = if at_once {
            ("POST", content)
        } else {
            ("PUT", b"".as_slice())
        };
        assert_eq!(
            registry.ask(method, &path, body).expect("an answer").status,
            201
        );
        let (calls, end) = until(&trace, next, "HTTP/1.1 201");
        let named = place(&calls, &["rename", "link"], digest.hex());
        let folder = format!("/sha256/{}>", &digest.hex()[..2]);
        assert!(place(&calls[named..], &flushes, &folder) > 0);
        // The bytes are flushed under whatever name they had at that moment.
        let bytes = calls.iter().any(|line| {
            flushes.iter().any(|flush| line.contains(flush))
                && (line.contains(digest.hex()) || line.contains("/uploads/"))
        });
        assert!(bytes, "the bytes were not flushed: {calls:#?}");
        place(&calls[named..], &flushes, log);
        next = end;
    }

    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": {"mediaType": media_type::OCI_CONFIG, "digest": Digest::of(config), "size": config.len()},
        "layers": [{"mediaType": media_type::OCI_LAYER, "digest": Digest::of(&layer), "size": layer.len()}],
    });
    let path = format!("/v2/{repository}/manifests/1.0");
    let kind = [("content-type", media_type::OCI_MANIFEST)];
    let put = registry.ask_with("PUT", &path, &kind, manifest.to_string().as_bytes());
    assert_eq!(put.expect("an answer").status, 201);
    let (calls, end) = until(&trace, next, "HTTP/1.1 201");
    place(&calls, &flushes, log);
    let gone = registry.ask("DELETE", &path, b"").expect("an answer");
    assert_eq!(gone.status, 202);
    let (calls, _) = until(&trace, end, "HTTP/1.1 202");
    place(&calls, &flushes, log);
}
