//! CVSS scores against published examples, FIRST's vector file and thousands of rated CVEs.

use std::io::{BufRead, BufReader};

use plimsoll_advisory::cvss::{BaseScore, Severity, Vector, Version};
use proptest::prelude::*;

use crate::support::shared;

fn check(vector: &str, version: Version, score: &str) {
    let parsed = Vector::parse(vector).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        (parsed.version(), parsed.whole_score().to_string().as_str()),
        (version, score),
        "{vector}"
    );
    assert_eq!(parsed.as_str(), vector.trim_matches(['(', ')']));
}

#[test]
fn known_examples() {
    // CVSS v2 guide, section 3.3.
    check("AV:N/AC:L/Au:N/C:N/I:N/A:C", Version::V2, "7.8");
    check("AV:N/AC:L/Au:N/C:C/I:C/A:C", Version::V2, "10.0");
    check("AV:L/AC:H/Au:N/C:C/I:C/A:C", Version::V2, "6.2");
    check("(AV:N/AC:L/Au:N/C:P/I:P/A:P)", Version::V2, "7.5");
    check(
        "AV:N/AC:L/Au:N/C:P/I:P/A:P/E:F/RL:OF/RC:C",
        Version::V2,
        "7.5",
    );
    // CVSS v3.1 examples document and NVD.
    check(
        "CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N",
        Version::V3_0,
        "6.1",
    );
    check(
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
        Version::V3_1,
        "10.0",
    );
    check(
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        Version::V3_1,
        "9.8",
    );
    check(
        "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H",
        Version::V3_1,
        "7.8",
    );
    check(
        "CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N",
        Version::V3_1,
        "0.0",
    );
    // The base score does not move with temporal metrics.
    check(
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U/RL:O/RC:U",
        Version::V3_1,
        "9.8",
    );
    check(
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
        Version::V4,
        "9.3",
    );
}

#[test]
fn threat_and_environment_do_not_move_the_base_score() {
    let base = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
    let parse = |more: &str| Vector::parse(&format!("{base}{more}")).expect("a vector");
    let scores = |more: &str| {
        let vector = parse(more);
        (vector.base_score().tenths(), vector.whole_score().tenths())
    };
    assert_eq!(scores(""), (93, 93));
    assert_eq!(scores("/E:U"), (93, 81));
    assert_eq!(scores("/E:A/CR:L/IR:L/AR:L").0, 93);
    assert_eq!(scores("/S:P/AU:Y/R:U"), (93, 93));
}

#[test]
fn incomplete_and_foreign_vectors_are_errors() {
    for text in [
        "",
        "AV:N",
        "CVSS:3.1/AV:N",
        "CVSS:5.0/AV:N/AC:L",
        "AV:L/AC:H/Au:N/C:P/I:P",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H",
        "CVSS:4.0/AV:N/AC:L",
        "high",
        "7.5",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/A:H",
    ] {
        assert!(Vector::parse(text).is_err(), "{text}");
    }
    insta::assert_snapshot!(
        Vector::parse("CVSS:3.1/AV:N").expect_err("incomplete"),
        @"`CVSS:3.1/AV:N` is not a CVSS vector: a base metric is missing"
    );
}

#[test]
fn words_follow_the_scale() {
    let word = |tenths| BaseScore::from_tenths(tenths).map(BaseScore::severity);
    assert_eq!(word(0), Some(Severity::None));
    assert_eq!(
        (word(1), word(39)),
        (Some(Severity::Low), Some(Severity::Low))
    );
    assert_eq!(
        (word(40), word(69)),
        (Some(Severity::Medium), Some(Severity::Medium))
    );
    assert_eq!(
        (word(70), word(89)),
        (Some(Severity::High), Some(Severity::High))
    );
    assert_eq!(
        (word(90), word(100)),
        (Some(Severity::Critical), Some(Severity::Critical))
    );
    assert_eq!(word(101), None);
    assert!(BaseScore::try_from(10.1).is_err() && BaseScore::try_from(f64::NAN).is_err());
}

#[test]
fn every_vector_of_first_scores_as_published() {
    let Some(path) = shared("cvss/first-vectorFiles/macro-scores") else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("readable vectors");
    let field = |line: &str, name: &str| {
        let (_, rest) = line
            .split_once(&format!("'{name}': "))
            .expect("the field is there");
        rest.split([',', '}'])
            .next()
            .expect("a value")
            .trim_matches('\'')
            .to_owned()
    };
    let mut count = 0;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (vector, score) = (field(line, "vector"), field(line, "score"));
        let score: f64 = score.parse().expect("a number");
        check(&vector, Version::V4, &format!("{score:.1}"));
        count += 1;
    }
    assert!(count > 200, "only {count} vectors read");
}

/// Temporal, threat and environmental metrics; publishers give either score for such vectors.
fn is_base_only(vector: &str) -> bool {
    let mut names = vector
        .split('/')
        .filter_map(|metric| metric.split(':').next());
    names.all(|name| !name.starts_with('M') && !["E", "RL", "RC", "CR", "IR", "AR"].contains(&name))
}

#[test]
fn every_rated_cve_scores_as_published() {
    let Some(path) = shared("feeds-samples/cisa-vulnrichment-slim.jsonl.zst") else {
        return;
    };
    let file = std::fs::File::open(path).expect("opens");
    let reader = BufReader::new(zstd::stream::read::Decoder::new(file).expect("zstd"));
    let (mut count, mut wrong) = (0, Vec::new());
    for line in reader.lines() {
        let record: serde_json::Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        for rating in record["cvss"].as_array().into_iter().flatten() {
            let (Some(text), Some(score)) = (rating["vector"].as_str(), rating["score"].as_f64())
            else {
                continue;
            };
            let vector = Vector::parse(text).unwrap_or_else(|error| panic!("{error}"));
            count += 1;
            if is_base_only(text) && (vector.base_score().value() - score).abs() > 0.01 {
                wrong.push(format!("{} {text} {score}: {vector:?}", record["id"]));
            }
        }
    }
    // 3 in 1,000 differ: GitHub rounds changed-scope vectors by its own formula (10.0 for the
    // 9.9 of the specification), and some CNAs publish a score that is not their vector's.
    assert!(count > 30_000, "only {count} ratings read");
    assert!(
        wrong.len() * 200 < count,
        "{} of {count} differ: {wrong:#?}",
        wrong.len()
    );
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "(CVSS:[0-9.]{1,3}/)?([A-Za-z]{1,3}:[A-Za-z]{1,2}/?){0,14}") {
        drop(Vector::parse(&text));
    }
}
