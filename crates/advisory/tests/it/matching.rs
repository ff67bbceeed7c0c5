//! Matching: who has the last word, and what is said about it.

use plimsoll_advisory::matching::{Match, Package, match_packages};
use plimsoll_advisory::record::Status;

use crate::feeds::TRACKER;
use crate::support::{apk, database, deb};

fn osv(id: &str, alias: &str, ecosystem: &str, package: &str, events: &str, more: &str) -> String {
    format!(
        r#"{{"id": "{id}", "aliases": ["{alias}"], "summary": "About {package}"{more}, "affected": [{{"package": {{"ecosystem": "{ecosystem}", "name": "{package}"}}, "ranges": [{{"type": "ECOSYSTEM", "events": [{events}]}}]}}]}}"#
    )
}

const OPEN: &str = r#"{"introduced": "0"}"#;
const FIXED_3: &str = r#"{"introduced": "0"}, {"fixed": "3"}"#;

fn matches(feeds: &[(&str, &str)], package: Package) -> Vec<Match> {
    let built = database(feeds);
    let report = match_packages(&built.database, &[package]).expect("readable");
    report.matches
}

#[test]
fn the_source_decides_on_debian_and_the_branch_on_alpine() {
    let feed = osv("X-1", "CVE-1", "Debian:11", "openssl", FIXED_3, "");
    let mut library = deb("libssl1.1", "9");
    library.source_name = "openssl".into();
    library.source_version = "2+b1".into();
    let found = matches(&[("osv", &feed)], library.clone());
    assert_eq!((found.len(), found[0].installed.as_str()), (1, "2+b1"));
    library.version_id = "12".into();
    assert!(matches(&[("osv", &feed)], library).is_empty());
    let feed = osv(
        "X-1",
        "CVE-1",
        "Alpine:v3.18",
        "busybox",
        r#"{"introduced":"0"},{"fixed":"1.36.1-r7"}"#,
        "",
    );
    assert_eq!(
        matches(&[("osv", &feed)], apk("busybox", "1.36.1-r6")).len(),
        1
    );
    assert!(matches(&[("osv", &feed)], apk("busybox", "1.36.1-r7")).is_empty());
}

#[test]
fn the_distribution_overrules_a_general_database() {
    let general = osv("GHSA-1", "CVE-2022-37434", "Debian:11", "zlib", OPEN, "");
    let version = "1:1.2.11.dfsg-2+deb11u2";
    assert_eq!(matches(&[("osv", &general)], deb("zlib", version)).len(), 1);
    let both = [("osv", general.as_str()), ("debian", TRACKER)];
    let found = matches(&both, deb("zlib", version));
    let names: Vec<&str> = found.iter().map(|it| it.vulnerability.as_str()).collect();
    assert_eq!(
        names,
        ["CVE-2023-45853"],
        "fixed by the distribution's word"
    );
    let found = matches(&both, deb("zlib", "1:1.2.11.dfsg-2"));
    assert_eq!(
        (found[0].source.as_str(), found[0].advisories.len()),
        ("debian", 2)
    );
    assert_eq!(found[0].title, "About zlib");
}

#[test]
fn several_advisories_for_one_vulnerability_are_one_match() {
    let feed = [
        osv("A-1", "CVE-1", "Debian:11", "a", FIXED_3, r#", "severity": [{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]"#),
        osv("B-1", "CVE-1", "Debian:11", "a", r#"{"introduced":"0"},{"fixed":"4"}"#, ""),
        osv("C-1", "CVE-1", "Debian:11", "a", r#"{"introduced":"0"},{"fixed":"x:y"}"#, ""),
        osv("D-1", "CVE-1", "Debian:11", "a", OPEN, r#", "withdrawn": "2024-01-01T00:00:00Z""#),
    ]
    .join("\n");
    let found = matches(&[("osv", &feed)], deb("a", "2"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].advisories, ["A-1", "B-1"]);
    assert_eq!(
        found[0].fixed_version.as_deref(),
        Some("4"),
        "the first fix was incomplete"
    );
    assert_eq!(
        found[0]
            .score()
            .map(|score| score.score.to_string())
            .as_deref(),
        Some("9.8")
    );
    // The version between the two fixes is still affected.
    assert_eq!(matches(&[("osv", &feed)], deb("a", "3")).len(), 1);
}

#[test]
fn withdrawn_advisories_never_match() {
    let feed = osv(
        "D-1",
        "CVE-1",
        "Debian:11",
        "a",
        OPEN,
        r#", "withdrawn": "2024-01-01T00:00:00Z""#,
    );
    assert!(matches(&[("osv", &feed)], deb("a", "2")).is_empty());
}

#[test]
fn a_bundle_matches_each_of_its_vulnerabilities() {
    let feed = osv(
        "DSA-1-1",
        "CVE-1",
        "Debian:11",
        "a",
        FIXED_3,
        r#", "upstream": ["CVE-2"]"#,
    );
    let found = matches(&[("osv", &feed)], deb("a", "2"));
    let names: Vec<&str> = found.iter().map(|it| it.vulnerability.as_str()).collect();
    assert_eq!(names, ["CVE-1", "CVE-2"]);
    assert!(found.iter().all(|it| it.aliases.is_empty()));
}

#[test]
fn an_open_release_that_has_sids_fix_is_not_affected() {
    let tracker = r#"{"a": {"CVE-1": {"releases": {
        "bullseye": {"status": "open", "urgency": "low", "nodsa": "Minor issue", "nodsa_reason": ""},
        "sid": {"status": "resolved", "fixed_version": "3", "urgency": "low"}}}}}"#;
    assert_eq!(
        matches(&[("debian", tracker)], deb("a", "2"))[0].status,
        Status::FixDeferred
    );
    assert!(matches(&[("debian", tracker)], deb("a", "3~deb11u1")).len() == 1);
    assert!(matches(&[("debian", tracker)], deb("a", "3")).is_empty());
}

#[test]
fn never_affected_on_alpine_silences_the_others() {
    let secdb = r#"{"distroversion": "v3.18", "packages": [{"pkg": {"name": "a", "secfixes": {"0": ["CVE-1"]}}}]}"#;
    let general = osv("GHSA-1", "CVE-1", "Alpine:v3.18", "a", OPEN, "");
    assert_eq!(matches(&[("osv", &general)], apk("a", "1-r0")).len(), 1);
    assert!(matches(&[("osv", &general), ("alpine", secdb)], apk("a", "1-r0")).is_empty());
}

#[test]
fn says_which_packages_it_cannot_match() {
    let feed = osv("X-1", "CVE-1", "Debian:11", "a", OPEN, "");
    let built = database(&[("osv", &feed)]);
    let with = |distribution: &str, version_id: &str| Package {
        distribution: distribution.into(),
        version_id: version_id.into(),
        ..deb("a", "1")
    };
    let packages = [
        with("debian", "11"),
        with("ubuntu", "24.04"),
        with("debian", ""),
        with("debian", "13"),
        with("ubuntu", "24.04"),
    ];
    let report = match_packages(&built.database, &packages).expect("readable");
    assert_eq!(report.matches.len(), 1);
    insta::assert_json_snapshot!(report.uncovered, @r#"
[
  {
    "distribution": "debian ",
    "packages": 1,
    "reason": "`` is no release of debian that advisories are published for"
  },
  {
    "distribution": "debian 13",
    "packages": 1,
    "reason": "the database has no advisories for Debian:13: import a feed with them"
  },
  {
    "distribution": "ubuntu 24.04",
    "packages": 2,
    "reason": "the database has no advisories for Ubuntu:24.04: import a feed with them"
  }
]
"#);
}

#[test]
fn explanations_say_why() {
    let feed = [
        osv("X-1", "CVE-1", "Debian:11", "zlib", FIXED_3, ""),
        osv("CVE-9", "CVE-9", "Debian:11", "zlib", OPEN, ""),
    ]
    .join("\n");
    let tracker = r#"{"zlib": {"CVE-2": {"releases": {
        "bullseye": {"status": "open", "urgency": "low", "nodsa": "Minor issue", "nodsa_reason": "postponed"}}},
        "CVE-3": {"releases": {"bullseye": {"status": "open", "urgency": "unimportant"}}},
        "CVE-4": {"releases": {"bullseye": {"status": "open", "urgency": "end-of-life"}}}}}"#;
    let found = matches(&[("osv", &feed), ("debian", tracker)], deb("zlib", "2"));
    let text: Vec<&str> = found.iter().map(|it| it.explanation.as_str()).collect();
    insta::assert_snapshot!(text.join("\n"), @r#"
osv (X-1): source package zlib in Debian 11 is fixed in 3; installed is the older 2.
debian: source package zlib in Debian 11 has no fixed version; installed is 2. Its status is: fix deferred (Minor issue).
debian: source package zlib in Debian 11 has no fixed version; installed is 2. Its status is: unimportant.
debian: source package zlib in Debian 11 has no fixed version; installed is 2. Its status is: end of life.
osv: source package zlib in Debian 11 has no fixed version; installed is 2.
"#);
    let feed = osv(
        "A-1",
        "CVE-1",
        "Alpine:v3.18",
        "musl",
        r#"{"introduced":"0"},{"fixed":"1.2.4-r3"}"#,
        "",
    );
    let found = matches(&[("osv", &feed)], apk("musl", "1.2.4-r2"));
    insta::assert_snapshot!(found[0].explanation, @"osv (A-1): origin musl in Alpine v3.18 is fixed in 1.2.4-r3; installed is the older 1.2.4-r2.");
}

#[test]
fn another_distributions_rating_does_not_come_first() {
    let vector =
        |score: &str| format!(r#", "severity": [{{"type": "CVSS_V3", "score": "{score}"}}]"#);
    let own = osv(
        "X-1",
        "CVE-1",
        "Debian:11",
        "a",
        OPEN,
        &vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"),
    );
    let alma = osv(
        "ALSA-1",
        "CVE-1",
        "AlmaLinux:9",
        "a",
        OPEN,
        &vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
    );
    let found = matches(&[("alma", &alma), ("osv", &own)], deb("a", "1"));
    assert_eq!(found[0].severities.len(), 2);
    assert_eq!(
        found[0].score().map(|it| (it.source, it.score.tenths())),
        Some(("osv".into(), 53))
    );
}
