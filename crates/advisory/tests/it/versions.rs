//! The version orders against every public vector there is, and as total orders.

use std::cmp::Ordering;

use plimsoll_advisory::version::Scheme;
use proptest::prelude::*;
use serde_json::Value;

use crate::support::shared;

/// Vectors that contradict others, so that no order can hold them all:
///
/// * `1.2.3.# = 1.2.3` and `1.2.3.# = 1.2.3.1` make 1.2.3 and 1.2.3.1 the same.
/// * Conan compares an item of digits and one of letters as texts, by which 20 < 2a < 3 < 20.
/// * Maven before 3.9 put `2.9.0.RC1` after `2.9.0-1`, which is after `2.9.0`, which is after
///   `2.9.0.RC1`; since then (MNG-7644) a word after a dot counts as one after a hyphen.
const EXCLUDED: &[&str] = &[
    "1.2.3.# = 1.2.3.1",
    "1.1* < 1.20",
    "1.0.0-RC16 < 1.0.0.RC8-beta",
    "1.0.0-gradle-rework-beta3 < 1.0.0.RC7-3",
    "2.9.0-1 < 2.9.0.RC1",
    "3.6.2.FL.20090615 < 3.6.2-FL-2009-05-11",
    "6.1.12.rc5 < 6.1.12rc1",
    "1.1.31.sec10 < 1.1.31_noneautotype",
    "1.1.34.sec10 < 1.1.34_noneautotype",
    "1.1.46.sec10 < 1.1.46_noneautotype",
    "1.2.8.sec10_noneautotype < 1.2.8_noneautotype",
    "1.2.31.sec10 < 1.2.31_noneautotype",
    "1.2.48.sec10 < 1.2.48_noneautotype",
    "1.2.50.sec10 < 1.2.50_noneautotype",
    "1.2.54.sec10 < 1.2.54_noneautotype",
    "1.2.57.sec10 < 1.2.57_noneautotype",
    "1.2.60.sec10 < 1.2.60_noneautotype",
    "1.2.67.sec10 < 1.2.67_noneautotype",
    "1.0.0rc0 < 1.0.beta8",
    "1.5.9.RC1 < 1.5.9-RC0",
    "3.5.0-CR-2 < 3.5.0.Beta-1",
    "1.1.0-01-glassfish < 1.1.0.Beta1",
    "2-1 < 2.0.a",
    "2-1 < 2.0.0.a",
    "2.0.a < 2.0.0.a",
];

/// Fails with every vector that does not hold.
fn check(scheme: Scheme, name: &str, vectors: &[(String, String, Ordering)], least: usize) {
    let wrong: Vec<String> = vectors
        .iter()
        .filter(|(a, b, order)| {
            let results = (scheme.compare(a, b), scheme.compare(b, a));
            results != (Ok(*order), Ok(order.reverse()))
        })
        .map(|(a, b, order)| format!("{a} {order:?} {b}: {:?}", scheme.compare(a, b)))
        .collect();
    let (count, shown) = (vectors.len(), &wrong[..wrong.len().min(40)]);
    assert!(
        wrong.is_empty(),
        "{name}: {} of {count} wrong:\n{}",
        wrong.len(),
        shown.join("\n")
    );
    assert!(count >= least, "{name}: only {count} vectors read");
}

/// Reads lines such as `1.0 < 1.1`.
fn check_lines(scheme: Scheme, file: &str, least: usize) {
    let Some(path) = shared(&format!("versions/{file}")) else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("readable vectors");
    let is_vector = |line: &&str| {
        let is_comment = line.starts_with("# ") || line.starts_with("//");
        let is_excluded = EXCLUDED.contains(line);
        !line.trim().is_empty() && !is_comment && !is_excluded
    };
    let vectors = text.lines().filter(is_vector).map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [a, relation, b] = words[..] else {
            panic!("strange vector: {line}")
        };
        let order = match relation {
            "<" => Ordering::Less,
            "=" => Ordering::Equal,
            ">" => Ordering::Greater,
            other => panic!("strange relation {other}"),
        };
        (a.to_owned(), b.to_owned(), order)
    });
    check(scheme, file, &vectors.collect::<Vec<_>>(), least);
}

#[test]
fn every_line_of_vectors_holds() {
    let files = [
        (Scheme::Dpkg, "debian-versions", 30),
        (Scheme::Dpkg, "debian-versions-generated", 14_000),
        (Scheme::Apk, "alpine-versions", 700),
        (Scheme::Apk, "alpine-versions-generated", 13_000),
        (Scheme::Rpm, "redhat-versions", 150),
        (Scheme::Semver, "semver-versions", 80),
        (Scheme::SemverBuild, "pub-versions", 90),
        (Scheme::NuGet, "nuget-versions", 30),
        (Scheme::Pep440, "pypi-versions", 30),
        (Scheme::Pep440, "pypi-versions-generated", 12_000),
        (Scheme::Maven, "maven-versions", 90),
        (Scheme::Maven, "maven-versions-generated", 14_000),
        (Scheme::Gem, "rubygems-versions", 20),
        (Scheme::Gem, "rubygems-versions-generated", 4_000),
        (Scheme::Composer, "packagist-versions", 80),
        (Scheme::Composer, "packagist-versions-generated", 10_000),
        (Scheme::Dotted, "cran-versions", 20),
        (Scheme::Dotted, "cran-versions-generated", 50),
        (Scheme::Dotted, "hackage-versions", 10),
    ];
    for (scheme, file, least) in files {
        check_lines(scheme, &format!("{file}.txt"), least);
    }
}

/// Reads the version-range specification's own tests: lists in ascending order, and whether two
/// versions are the same.
#[test]
fn every_vector_of_the_vers_specification_holds() {
    let files = [
        (Scheme::Apk, "alpine", 700),
        (Scheme::Pacman, "alpm", 40),
        (Scheme::Conan, "conan", 40),
        (Scheme::Maven, "maven", 900),
        (Scheme::NuGet, "nuget", 30),
        (Scheme::Generic, "openssl", 40),
    ];
    for (scheme, name, least) in files {
        let file = format!("vers-spec/tests/{name}_version_cmp_test.json");
        let Some(path) = shared(&file) else { return };
        let text = std::fs::read(path).expect("readable vectors");
        let tests: Value = serde_json::from_slice(&text).expect("JSON");
        let tests = tests["tests"].as_array().expect("a list");
        for test in tests.iter().filter(|test| test["test_type"] == "equality") {
            let versions = words(&test["input"]["versions"]);
            let order = scheme.compare(&versions[0], &versions[1]);
            let same = order.expect("comparable").is_eq();
            assert_eq!(test["expected_output"], same, "{name}: {versions:?}");
        }
        let lists = tests
            .iter()
            .filter(|test| test["test_type"] == "comparison");
        let vectors = lists.flat_map(|test| {
            let ordered = words(&test["expected_output"]);
            let order = |a: &String, b: &String| {
                if a == b {
                    Ordering::Equal
                } else {
                    Ordering::Less
                }
            };
            let pairs = ordered
                .windows(2)
                .filter(|pair| {
                    let line = format!("{} < {}", pair[0], pair[1]);
                    !EXCLUDED.contains(&line.as_str())
                })
                .map(|pair| (pair[0].clone(), pair[1].clone(), order(&pair[0], &pair[1])));
            pairs.collect::<Vec<_>>()
        });
        check(
            scheme,
            &file,
            &vectors.collect::<Vec<_>>(),
            least.min(tests.len() / 3),
        );
    }
}

fn words(list: &Value) -> Vec<String> {
    let words = list.as_array().expect("a list").iter();
    words
        .map(|word| word.as_str().expect("text").to_owned())
        .collect()
}

/// Antisymmetric, transitive, and of the same opinion whichever two of three are compared.
fn check_order(scheme: Scheme, mut versions: Vec<String>) -> Result<(), TestCaseError> {
    versions.retain(|version| scheme.check(version).is_ok());
    let compare = |a: &String, b: &String| scheme.compare(a, b).expect("both were checked");
    for a in &versions {
        prop_assert_eq!(compare(a, a), Ordering::Equal);
        for b in &versions {
            prop_assert_eq!(compare(a, b), compare(b, a).reverse(), "{} {}", a, b);
            for c in &versions {
                if compare(a, b).is_le() && compare(b, c).is_le() {
                    prop_assert!(compare(a, c).is_le(), "{} <= {} <= {}", a, b, c);
                }
            }
        }
    }
    Ok(())
}

/// Versions as people write them for an order, odd ones included.
fn grammar(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Dpkg => "([0-9]:)?[0-9a-c~.+]{1,5}(-[0-9a~+]{1,3})?",
        Scheme::Apk => {
            "[0-9.a]{0,4}(_(alpha|rc|p|git|x)[0-9]{0,2})?(~[0-9a-f]{0,2})?(-r?[0-9a-]{0,2})?"
        }
        Scheme::Rpm => "([0-9]:)?[0-2ab.~^_]{1,6}(-[0-2a.~]{1,3})?",
        // Releases count only between packages that both have one, as all real ones do.
        Scheme::Pacman => "([01]:)?[0-2]([ab]|rc|\\.|_){0,3}[0-2a]{0,2}-[12]",
        Scheme::Semver | Scheme::SemverBuild | Scheme::NuGet | Scheme::Bitnami => {
            "v?[0-2](\\.[01]){0,4}(-[0-2aB.-]{0,4})?(\\+[0-2a.]{0,3})?"
        }
        Scheme::Go => "(v|go)?[01](\\.[0-2]){0,2}((rc|beta)[12]|-0\\.2021[01]|\\+incompatible)?",
        Scheme::Pep440 => {
            "([01]!)?[01](\\.[01]){0,2}([.-]?(a|b|rc|c|pre)[01]?)?(-[01]|\\.post[01]?)?(\\.dev[01]?)?(\\+[0a.]{1,3})?|[01a-c.-]{1,6}"
        }
        Scheme::Maven => "[01](([.-]?)(0|1|2|a|b|m|x|alpha|rc|sp|ga|final|snapshot|-|\\.)){0,5}",
        Scheme::Gem => "[01]([.-]?[0-2abP]){0,5}",
        Scheme::Composer => "v?[01]([.+_-]?(0|1|2|dev|alpha|a|b|RC|p|pl|x|stable|#)){0,5}",
        Scheme::Dotted => "[0-2]([.-][0-9]{1,2}){0,4}",
        Scheme::Conan => "[0-2ab](\\.[0-2ab*]){0,3}(-[0-2ab.]{0,3})?(\\+[0-2ab.]{0,3})?",
        Scheme::Generic => "v?[0-2]([._-]?(0|1|2|a|k|rc|beta|dev|p)){0,5}",
    }
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(a in any::<String>(), b in any::<String>()) {
        for scheme in Scheme::ALL {
            let forth = scheme.compare(&a, &b);
            prop_assert_eq!(forth.is_ok(), scheme.compare(&b, &a).is_ok());
        }
    }
}

#[test]
fn each_order_is_total() {
    for scheme in Scheme::ALL {
        let strategy = prop::collection::vec(grammar(*scheme), 3..7);
        let config = ProptestConfig::with_cases(200);
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let result = runner.run(&strategy, |versions| check_order(*scheme, versions));
        result.unwrap_or_else(|error| panic!("{scheme:?}: {error}"));
    }
}

#[test]
fn toolchains_pseudo_versions_and_revisions() {
    let ascending = [
        (
            Scheme::Go,
            &[
                "go1.20beta1",
                "go1.20rc1",
                "go1.20",
                "1.20.1-0",
                "go1.20.1 X:boringcrypto",
            ][..],
        ),
        (
            Scheme::Go,
            &["v1.2.3", "v1.2.4-0.20210101000000-abcdef123456", "v1.2.4"],
        ),
        (
            Scheme::Bitnami,
            &["1.2.3-rc.1", "1.2.3", "1.2.3-1", "1.2.3-10", "1.2.4"],
        ),
        (
            Scheme::SemverBuild,
            &["1.0.0-", "1.0.0-a", "1.0.0", "1.0.0+0", "1.0.0+1"],
        ),
        (
            Scheme::Generic,
            &["1.1.1-pre1", "1.1.1", "1.1.1k", "1.1.1.1", "9.3", "9.3p1"],
        ),
    ];
    for (scheme, versions) in ascending {
        for pair in versions.windows(2) {
            assert_eq!(
                scheme.compare(pair[0], pair[1]),
                Ok(Ordering::Less),
                "{pair:?}"
            );
        }
    }
    assert_eq!(
        Scheme::Go.compare("v2.0.0+incompatible", "v2.0.0"),
        Ok(Ordering::Equal)
    );
    assert_eq!(Scheme::Composer.normal("v1.2-BETA1"), "1.2.0.0-beta1");
    assert_eq!(Scheme::Composer.normal("5.1.0-stable"), "5.1.0.0");
}

#[test]
fn every_family_has_its_order() {
    let schemes = [
        ("Debian:11", Some(Scheme::Dpkg)),
        ("SUSE Linux Enterprise Server:15 SP4", Some(Scheme::Rpm)),
        ("Red Hat:enterprise_linux:9::appstream", Some(Scheme::Rpm)),
        ("PyPI", Some(Scheme::Pep440)),
        ("bitnami", Some(Scheme::Bitnami)),
        ("Linux", None),
    ];
    for (ecosystem, scheme) in schemes {
        assert_eq!(Scheme::of_ecosystem(ecosystem), scheme, "{ecosystem}");
    }
}
