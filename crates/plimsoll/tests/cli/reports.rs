//! Reports of `scan` for other programs: each as it is, and each against its schema.

use std::process::Command;

use crate::{
    sample,
    support::{NOW, Place},
};

const STATEMENTS: &str = r#"{
  "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex-1",
  "author": "Example <vex@example.com>", "timestamp": "2026-10-01T00:00:00Z", "version": 1,
  "statements": [{
    "vulnerability": {"name": "CVE-2026-1111"},
    "products": [{"@id": "pkg:apk/alpine/zlib"}],
    "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path",
    "impact_statement": "Nothing is <unpacked> | ever"
  }]}"#;

fn place() -> Place {
    let place = Place::new();
    sample::image(&place);
    sample::advisories(&place);
    place.write("vex.json", STATEMENTS);
    place
}

fn report(place: &Place, kind: &str, more: &[&str]) -> String {
    let scan = [
        "scan",
        "oci:image:1.4",
        "--advisories",
        "a.db",
        "--now",
        NOW,
    ];
    let output = place.output(&[&scan[..], &["--output-format", kind], more].concat());
    assert!(output.status.success(), "{}", place.show(&output));
    String::from_utf8(output.stdout).expect("text")
}

fn check(kind: &str, more: &[&str]) {
    let text = report(&place(), kind, more);
    let mut settings = insta::Settings::clone_current();
    settings.add_filter("[0-9a-f]{64}\"", "[digest]\"");
    settings.add_filter("advisories [0-9a-f]{12} of", "advisories [version] of");
    settings.bind(|| insta::assert_snapshot!(kind, text));
}

#[test]
fn sarif() {
    check("sarif", &["--vex", "vex.json"]);
}

#[test]
fn cyclonedx() {
    check("cyclonedx", &["--vex", "vex.json"]);
}

#[test]
fn openvex() {
    check("openvex", &[]);
}

#[test]
fn junit() {
    check("junit", &[]);
}

#[test]
fn markdown() {
    check("markdown", &["--vex", "vex.json"]);
}

#[test]
fn html() {
    check("html", &["--vex", "vex.json"]);
}

#[test]
fn documents_keep_to_their_schemas() {
    let place = place();
    let schemas = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas");
    for (kind, schema) in [
        ("sarif", format!("{schemas}/sarif-2.1.0.json")),
        ("openvex", format!("{schemas}/openvex-0.2.0.json")),
        ("cyclonedx", "bom-1.6.schema.json".to_owned()),
    ] {
        for more in [&[][..], &["--vex", "vex.json"]] {
            let file = place.write("document.json", report(&place, kind, more));
            let script = concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../inventory/tests/schemas/validate.py"
            );
            let run = Command::new("python3")
                .args(["-W", "ignore", script, &schema])
                .arg(file)
                .output();
            let Ok(output) = run else {
                eprintln!("left out: there is no python3");
                return;
            };
            if output.status.code() == Some(77) {
                eprintln!("left out: Python has no module jsonschema");
                return;
            }
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{kind}: {said}");
        }
    }
}

#[test]
fn statements_close_findings_and_say_who_said_so() {
    let place = place();
    let scan = [
        "scan",
        "oci:image:1.4",
        "--advisories",
        "a.db",
        "--vex",
        "vex.json",
    ];
    let code = |more: &[&str]| {
        let output = place.output(&[&scan[..], more].concat());
        output.status.code().expect("a code")
    };
    assert_eq!(code(&["--fail-on", "critical"]), 0);
    assert_eq!(code(&["--fail-on", "unscored"]), 1);
    let shown = place.run(&scan);
    assert!(
        shown
            .contains("Closed: CVE-2026-1111 in zlib: Example <vex@example.com> says not_affected"),
        "{shown}"
    );
    place.write("vex.json", "{}");
    assert_eq!(code(&[]), 3);
}

#[test]
fn exploited_and_likely_ones_alone() {
    let place = place();
    let count = |more: &[&str]| {
        let scan = ["scan", "oci:image:1.4", "--advisories", "a.db"];
        let document = place.json(&[&scan[..], more].concat());
        document["images"][0]["findings"].as_array().map(Vec::len)
    };
    assert_eq!(count(&["--known-exploited"]), Some(0));
    assert_eq!(count(&["--min-epss", "0.5"]), Some(0));
    assert_eq!(count(&["--installed-only"]), Some(2));
    let wrong = place.output(&["scan", "oci:image:1.4", "--min-epss", "2"]);
    assert_eq!(wrong.status.code(), Some(2));
}

/// Advisories about packages of two languages, which are before version 9 affected.
fn languages(place: &Place) {
    let record = |id: &str, ecosystem: &str, name: &str| {
        serde_json::json!({
            "id": id, "modified": "2026-10-01T00:00:00Z", "aliases": [format!("CVE-{id}")],
            "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
            "affected": [{
                "package": { "ecosystem": ecosystem, "name": name },
                "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "9.0.0" }] }],
            }],
        })
    };
    let records = [
        record("GHSA-1", "PyPI", "zope-interface"),
        record("GHSA-2", "npm", "@scope/name"),
        record("GHSA-3", "npm", "asked-for"),
    ];
    let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
    place.write("feed.jsonl", lines.join("\n"));
    let import = [
        "advisories",
        "import",
        "--without-starter",
        "--output",
        "a.db",
        "osv=feed.jsonl",
    ];
    let output = place.output(&import);
    assert!(output.status.success(), "{}", place.show(&output));
    place.write(
        "root/usr/lib/python3/site-packages/zope.interface-5.0.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: zope.interface\nVersion: 5.0\n",
    );
    place.write(
        "root/app/node_modules/@scope/name/package.json",
        r#"{"name": "@scope/name", "version": "1.0.0"}"#,
    );
    place.write(
        "root/other/package-lock.json",
        r#"{"name": "app", "lockfileVersion": 3, "packages": {"": {"name": "app"}, "node_modules/asked-for": {"version": "1.0.0"}}}"#,
    );
}

#[test]
fn what_is_only_asked_for_obliges_nobody() {
    let place = Place::new();
    languages(&place);
    let document = place.json(&["scan", "dir:root", "--advisories", "a.db"]);
    let findings = document["images"][0]["findings"]
        .as_array()
        .expect("findings");
    let shown: Vec<_> = findings
        .iter()
        .map(|it| {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
            let words = [
                &it["vulnerability"],
                &it["package"]["purl"],
                &it["class"],
                &it["claim"],
            ];
            words.map(text).join(" ")
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @"
CVE-GHSA-2 pkg:npm/%40scope/name@1.0.0 critical installed
CVE-GHSA-1 pkg:pypi/zope-interface@5.0 critical installed
CVE-GHSA-3 pkg:npm/asked-for@1.0.0 minor declared
");
    let scan = [
        "scan",
        "dir:root",
        "--advisories",
        "a.db",
        "--installed-only",
    ];
    let installed = place.json(&scan);
    assert_eq!(
        installed["images"][0]["findings"].as_array().map(Vec::len),
        Some(2)
    );
}
