//! Findings beside what a few lines of Python over the feed and the distribution's own
//! comparison of versions give: they must be the same, each of them.

#![expect(clippy::print_stderr, reason = "says what is skipped")]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::Place;

/// Returns a file or folder of the test data, or says that it is left out.
#[expect(clippy::disallowed_methods, reason = "says where the test data is")]
fn data(name: &str) -> Option<PathBuf> {
    let root = std::env::var("PLIMSOLL_TEST_DATA").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_owned()
    });
    let path = Path::new(&root).join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is absent", path.display());
    None
}

/// Runs a script; `None` where Python or what it asks for is not there.
fn python(script: &str, args: &[&Path]) -> Option<String> {
    let script = format!("{}/tests/matching/{script}", env!("CARGO_MANIFEST_DIR"));
    let Ok(output) = Command::new("python3").arg(&script).args(args).output() else {
        eprintln!("skipped: there is no python3");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {said}");
    Some(String::from_utf8(output.stdout).expect("text"))
}

/// Compiles feeds and scans with them; returns package and vulnerability of each finding.
fn scan(place: &Place, feeds: &[PathBuf], image: &str) -> BTreeSet<String> {
    let feeds: Vec<String> = feeds
        .iter()
        .map(|it| format!("feed={}", it.display()))
        .collect();
    let mut import = vec![
        "advisories",
        "import",
        "--without-starter",
        "--output",
        "a.db",
    ];
    import.extend(feeds.iter().map(String::as_str));
    let output = place.output(&import);
    assert!(output.status.success(), "{}", place.show(&output));
    let document = place.json(&["scan", image, "--advisories", "a.db"]);
    let findings = document["images"][0]["findings"]
        .as_array()
        .expect("findings");
    let word = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    findings
        .iter()
        .map(|it| {
            format!(
                "{} {}",
                word(&it["package"]["name"]),
                word(&it["vulnerability"])
            )
        })
        .filter(|line| line.contains(" CVE-"))
        .collect()
}

fn has_dpkg() -> bool {
    let has = Command::new("dpkg").arg("--version").output().is_ok();
    if !has {
        eprintln!("skipped: there is no dpkg");
    }
    has
}

/// Unpacks a zstd file into a folder; `None` where there is no `zstd`.
fn unpacked(place: &Place, file: &Path) -> Option<PathBuf> {
    let Ok(plain) = Command::new("zstd").arg("-dcq").arg(file).output() else {
        eprintln!("skipped: there is no zstd");
        return None;
    };
    Some(place.write("feed", plain.stdout))
}

fn compare(what: &str, found: &BTreeSet<String>, expected: &str) -> usize {
    let expected: BTreeSet<String> = expected.lines().map(str::to_owned).collect();
    let missing: Vec<_> = expected.difference(found).take(20).collect();
    let surplus: Vec<_> = found.difference(&expected).take(20).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "{what}: missing {missing:?}, surplus {surplus:?}"
    );
    found.len()
}

#[test]
fn alpine_findings_are_what_the_secdb_says() {
    let (Some(images), Some(secdb)) = (data("images"), data("alpine-secdb-json")) else {
        return;
    };
    let mut total = 0;
    // The branch's own database as far as there is one, and edge's as if it were the branch's.
    for (image, branch, of) in [
        ("alpine-3.10.9", "v3.10", "v3.10"),
        ("alpine-3.14.10", "v3.14", "v3.14"),
        ("alpine-3.10.9", "v3.10", "edge"),
        ("alpine-3.14.10", "v3.14", "edge"),
        ("alpine-3.18.9", "v3.18", "edge"),
        ("alpine-3.20.3", "v3.20", "edge"),
    ] {
        let place = Place::new();
        let feeds = ["main", "community"].map(|part| {
            let text = std::fs::read_to_string(secdb.join(format!("{of}-{part}.json")));
            let text = text.expect("a secdb").replacen(
                &format!("\"distroversion\": \"{of}\""),
                &format!("\"distroversion\": \"{branch}\""),
                1,
            );
            place.write(&format!("{part}.json"), text)
        });
        let layout = images.join(image);
        let Some(expected) = python("alpine.py", &[&layout, &feeds[0], &feeds[1]]) else {
            return;
        };
        let found = scan(&place, &feeds, &format!("oci:{}", layout.display()));
        total += compare(&format!("{image} with {of}"), &found, &expected);
    }
    assert!(total > 300, "only {total} findings compared");
}

#[test]
fn debian_findings_are_what_the_tracker_and_dpkg_say() {
    let Some(rows) = data("debian-tracker/dsa-dla-2023-04-02.jsonl.zst") else {
        return;
    };
    if !has_dpkg() {
        return;
    }
    let place = Place::new();
    let Some(rows) = unpacked(&place, &rows) else {
        return;
    };
    let make = [Path::new("make"), &rows, place.path()];
    if python("debian.py", &make).is_none() {
        return;
    }
    let Some(expected) = python("debian.py", &[Path::new("expect"), place.path()]) else {
        return;
    };
    let image = format!("dir:{}", place.join("root").display());
    let found = scan(&place, &[place.join("tracker.json")], &image);
    let count = compare("Debian 11", &found, &expected);
    assert!(count > 500, "only {count} findings compared");
}

#[test]
fn findings_in_what_debian_installs_are_what_the_feed_and_dpkg_say() {
    let Some(feed) = data("osv/debian-derived-from-changelogs.jsonl.zst") else {
        return;
    };
    if !has_dpkg() {
        return;
    }
    let place = Place::new();
    let Some(feed) = unpacked(&place, &feed) else {
        return;
    };
    for release in ["11", "12", "13"] {
        let listed = format!(
            "{}/tests/matching/debian-{release}.txt",
            env!("CARGO_MANIFEST_DIR")
        );
        let (listed, root) = (Path::new(&listed), place.join(release));
        let of = Path::new(release);
        if python("debian_osv.py", &[Path::new("make"), of, listed, &root]).is_none() {
            return;
        }
        let expect = [Path::new("expect"), of, listed, &feed];
        let Some(expected) = python("debian_osv.py", &expect) else {
            return;
        };
        let image = format!("dir:{}", root.display());
        let found = scan(&place, std::slice::from_ref(&feed), &image);
        let count = compare(&format!("Debian {release}"), &found, &expected);
        assert!(count > 1_000, "only {count} findings compared");
    }
}

#[test]
fn findings_in_alma_are_what_its_errata_say() {
    let (Some(images), Some(feed)) = (data("images"), data("osv/almalinux-2026-08-21.jsonl.zst"))
    else {
        return;
    };
    let place = Place::new();
    let Some(feed) = unpacked(&place, &feed) else {
        return;
    };
    for image in ["alma8-micro-20230523", "alma9-micro-20220901"] {
        let layout = format!("oci:{}", images.join(image).display());
        let output = place.output(&["sbom", &layout]);
        assert!(output.status.success(), "{}", place.show(&output));
        let bom = place.write("bom", output.stdout);
        let Some(expected) = python("alma.py", &[&bom, &feed]) else {
            return;
        };
        let found = scan(&place, std::slice::from_ref(&feed), &layout);
        let count = compare(image, &found, &expected);
        assert!(count > 50, "only {count} findings compared");
    }
}
