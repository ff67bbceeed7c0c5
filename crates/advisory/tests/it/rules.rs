//! The rules of each ecosystem, and why findings go away.

use plimsoll_advisory::database::Database;
use plimsoll_advisory::matching::{
    Confidence, Kind, Known, Package, Report, ecosystem, gone, match_packages,
};

use crate::support::{Built, apk, database, deb};

fn osv(id: &str, ecosystem: &str, package: &str, events: &str, more: &str) -> String {
    format!(
        r#"{{"id": "{id}"{more}, "affected": [{{"package": {{"ecosystem": "{ecosystem}", "name": "{package}"}}, "ranges": [{{"type": "ECOSYSTEM", "events": [{events}]}}]}}]}}"#
    )
}

const BEFORE_3: &str = r#"{"introduced": "0"}, {"fixed": "3"}"#;

fn report(database: &Database, packages: &[Package]) -> Report {
    match_packages(database, packages).expect("readable")
}

fn names(built: &Built, package: &Package) -> Vec<String> {
    let found = report(&built.database, std::slice::from_ref(package)).matches;
    found.into_iter().map(|it| it.vulnerability).collect()
}

fn language(kind: Kind, name: &str, version: &str) -> Package {
    Package {
        kind,
        name: name.into(),
        version: version.into(),
        ..Package::default()
    }
}

fn rpm(distribution: &str, release: &str, name: &str, version: &str) -> Package {
    Package {
        distribution: distribution.into(),
        version_id: release.into(),
        ..language(Kind::Rpm, name, version)
    }
}

#[test]
fn every_ecosystem_by_its_own_order() {
    let cases = [
        (Kind::Pypi, "PyPI", "a", "1.0rc1", "1.0", true),
        (Kind::Pypi, "PyPI", "a", "1.0.post1", "1.0", false),
        (Kind::Npm, "npm", "@s/a", "1.10.0", "1.9.0", false),
        (Kind::Npm, "npm", "a", "2.0.0-rc.1", "2.0.0", true),
        (Kind::Maven, "Maven", "g:a", "2.13.4.1", "2.13.4.2", true),
        (
            Kind::Golang,
            "Go",
            "example.com/a",
            "v0.0.0-20200101000000-abcdefabcdef",
            "0.0.0-20210101000000-abcdefabcdef",
            true,
        ),
        (Kind::Golang, "Go", "stdlib", "1.22rc1", "1.22.0-rc.2", true),
        (Kind::Cargo, "crates.io", "a", "0.9.9", "0.10.0", true),
        (
            Kind::Gem,
            "RubyGems",
            "a",
            "1.13.9-x86_64-linux",
            "1.13.9",
            false,
        ),
        (Kind::Composer, "Packagist", "v/a", "v5.4.0", "5.4", false),
        (Kind::Nuget, "NuGet", "a", "9.0.1.0", "9.0.1", false),
        (Kind::Pub, "Pub", "a", "1.0.0+1", "1.0.0+2", true),
        (Kind::Hackage, "Hackage", "a", "1.9", "1.10", true),
        (Kind::Cran, "CRAN", "a", "0.9-3", "0.10", true),
        (Kind::Julia, "Julia", "a", "1.0.7+0", "1.0.7+1", true),
        (Kind::Bitnami, "Bitnami", "a", "1.2.3-4", "1.2.3", false),
        (
            Kind::Swift,
            "SwiftURL",
            "github.com/o/a",
            "2.29.0",
            "2.29.1",
            true,
        ),
        (Kind::Hex, "Hex", "a", "1.0.0", "1.0.1", true),
    ];
    for (kind, ecosystem, name, installed, fixed, affected) in cases {
        let events = format!(r#"{{"introduced": "0"}}, {{"fixed": "{fixed}"}}"#);
        let built = database(&[("osv", &osv("X-1", ecosystem, name, &events, ""))]);
        let found = names(&built, &language(kind, name, installed));
        assert_eq!(
            !found.is_empty(),
            affected,
            "{ecosystem} {installed} {fixed}"
        );
    }
}

#[test]
fn databases_of_one_ecosystem_are_one_finding() {
    let feed = [
        osv(
            "GHSA-1",
            "PyPI",
            "a",
            BEFORE_3,
            r#", "aliases": ["CVE-2026-1"]"#,
        ),
        osv(
            "PYSEC-1",
            "PyPI",
            "a",
            BEFORE_3,
            r#", "aliases": ["CVE-2026-1", "GHSA-1"]"#,
        ),
        osv("GHSA-2", "PyPI", "a", BEFORE_3, ""),
        osv(
            "PYSEC-2",
            "PyPI",
            "a",
            BEFORE_3,
            r#", "aliases": ["GHSA-2"]"#,
        ),
    ]
    .join("\n");
    let built = database(&[("osv", &feed)]);
    assert_eq!(
        names(&built, &language(Kind::Pypi, "a", "2")),
        ["CVE-2026-1", "GHSA-2"]
    );
}

#[test]
fn informational_records_are_notices_and_malicious_packages_findings() {
    let feed = [
        r#"{"id": "RUSTSEC-1", "summary": "a is unmaintained", "affected": [{"package": {"ecosystem": "crates.io", "name": "a"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0.0.0-0"}]}], "database_specific": {"informational": "unmaintained"}}]}"#.to_owned(),
        osv("MAL-2026-1", "npm", "evil", r#"{"introduced": "0"}"#, ""),
    ]
    .join("\n");
    let built = database(&[("osv", &feed)]);
    let crates = report(&built.database, &[language(Kind::Cargo, "a", "1.0.0")]);
    assert_eq!((crates.matches.len(), crates.notices.len()), (0, 1));
    let notice = &crates.notices[0];
    assert_eq!(
        (notice.word.as_str(), notice.advisory.as_str()),
        ("unmaintained", "RUSTSEC-1")
    );
    assert_eq!(
        names(&built, &language(Kind::Npm, "evil", "1.0.0")),
        ["MAL-2026-1"]
    );
}

#[test]
fn streams_of_modules_are_apart() {
    let fixed = r#"{"introduced": "0"}, {"fixed": "1:18.20.4-1.module_el8.10.0+1"}"#;
    let title = r#", "summary": "Important: nodejs:18 security update""#;
    let built = database(&[(
        "alma",
        &osv("ALSA-1", "AlmaLinux:8", "nodejs", fixed, title),
    )]);
    let installed = |version: &str, module: &str| Package {
        module: module.into(),
        ..rpm("almalinux", "8.10", "nodejs", version)
    };
    let of_18 = installed("1:18.19.0-1.module_el8.9.0+1", "nodejs:18:8090:abc");
    assert_eq!(names(&built, &of_18), ["ALSA-1"]);
    let of_16 = installed("1:16.20.2-8.module_el8.9.0+1", "nodejs:16:8090:abc");
    assert!(names(&built, &of_16).is_empty());
    let outside = installed("1:10.24.0-1.el8", "");
    assert!(names(&built, &outside).is_empty());
    let unlabelled = installed("1:18.19.0-1.module_el8.9.0+1", "");
    assert_eq!(names(&built, &unlabelled), ["ALSA-1"]);
}

#[test]
fn epochs_count_and_so_does_who_built_it() {
    let fixed = r#"{"introduced": "0"}, {"fixed": "1:3.0.7-27.el9"}"#;
    let built = database(&[("alma", &osv("ALSA-1", "AlmaLinux:9", "openssl", fixed, ""))]);
    assert_eq!(
        names(
            &built,
            &rpm("almalinux", "9.3", "openssl", "1:3.0.7-25.el9")
        ),
        ["ALSA-1"]
    );
    assert!(names(&built, &rpm("almalinux", "9.3", "openssl", "2:1-1")).is_empty());
    let other = Package {
        third_party: Some("Fedora Project".into()),
        ..rpm("almalinux", "9.3", "openssl", "1:3.0.7-25.el9")
    };
    let found = report(&built.database, &[other]);
    assert!(found.matches.is_empty());
    assert!(
        found.uncovered[0].reason.contains("Fedora Project"),
        "{:?}",
        found.uncovered
    );
}

#[test]
fn third_parties_packages_are_not_covered() {
    let built = database(&[("osv", &osv("X-1", "Debian:11", "docker-ce", BEFORE_3, ""))]);
    let docker = Package {
        third_party: Some("Docker <support@docker.com>".into()),
        ..deb("docker-ce", "2")
    };
    assert!(names(&built, &docker).is_empty());
    let own = Package {
        supplier: "Somebody <somebody@debian.org>".into(),
        ..deb("docker-ce", "2")
    };
    assert_eq!(names(&built, &own).len(), 1);
}

#[test]
fn ubuntus_longer_support_counts_where_there_is_no_other_fix() {
    let feed = [
        osv(
            "UBUNTU-CVE-2026-1",
            "Ubuntu:18.04:LTS",
            "a",
            r#"{"introduced": "0"}"#,
            r#", "upstream": ["CVE-2026-1"]"#,
        ),
        osv(
            "USN-1",
            "Ubuntu:Pro:18.04:LTS",
            "a",
            r#"{"introduced": "0"}, {"fixed": "2+esm1"}"#,
            r#", "upstream": ["CVE-2026-1"]"#,
        ),
    ]
    .join("\n");
    let built = database(&[("ubuntu", &feed)]);
    let ubuntu = |version: &str| Package {
        distribution: "ubuntu".into(),
        version_id: "18.04".into(),
        ..deb("a", version)
    };
    let found = report(&built.database, &[ubuntu("2")]);
    assert!(found.uncovered.is_empty());
    assert_eq!(found.matches[0].fixed_version.as_deref(), Some("2+esm1"));
    assert!(names(&built, &ubuntu("2+esm1")).is_empty());
}

#[test]
fn headers_of_the_kernel_are_said_to_be_headers() {
    let built = database(&[("osv", &osv("CVE-1", "Debian:11", "linux", BEFORE_3, ""))]);
    let headers = Package {
        source_name: "linux".into(),
        ..deb("linux-libc-dev", "2")
    };
    let found = report(&built.database, &[headers]);
    assert_eq!(found.matches[0].confidence, Confidence::Low);
    assert!(!found.matches[0].counts());
    assert!(
        found.matches[0]
            .note
            .as_deref()
            .is_some_and(|note| note.contains("header"))
    );
}

#[test]
fn what_goes_away_is_said_why() {
    let before = [
        osv("CVE-1", "Debian:11", "a", BEFORE_3, ""),
        osv("CVE-2", "Debian:11", "a", BEFORE_3, ""),
        osv("CVE-3", "Debian:11", "a", BEFORE_3, ""),
        osv("CVE-4", "Alpine:v3.18", "b", BEFORE_3, ""),
        osv("CVE-5", "Debian:11", "a", BEFORE_3, ""),
    ]
    .join("\n");
    let after = [
        osv(
            "CVE-1",
            "Debian:11",
            "a",
            r#"{"introduced": "0"}, {"fixed": "1.5"}"#,
            "",
        ),
        osv(
            "CVE-2",
            "Debian:11",
            "a",
            BEFORE_3,
            r#", "withdrawn": "2026-01-01T00:00:00Z", "withdrawn_reason": "it was none""#,
        ),
        osv("CVE-4", "Alpine:v3.18", "b", BEFORE_3, ""),
    ]
    .join("\n");
    // Said by its distribution not to be affected.
    let tracker = r#"{"a": {"CVE-5": {"description": "Something", "releases": {"bullseye": {"status": "resolved", "fixed_version": "0", "urgency": "unimportant", "repositories": {"bullseye": "2"}}}}}}"#;
    let packages = [deb("a", "2"), apk("b", "2")];
    let old = database(&[("osv", &before)]);
    let known: Vec<Known> = report(&old.database, &packages)
        .matches
        .into_iter()
        .map(|it| Known {
            vulnerability: it.vulnerability,
            package: it.package,
        })
        .collect();
    assert_eq!(known.len(), 5);
    // Ratings stay when advisories go.
    let epss = "#model_version:v1,score_date:2026-10-31T00:00:00Z\ncve,epss,percentile\nCVE-2,0.25,0.97\nCVE-3,0.25,0.97\n";
    let new = database(&[("osv", &after), ("debian", tracker), ("epss", epss)]);
    let packages = [deb("a", "2"), apk("b", "4")];
    let now = report(&new.database, &packages);
    let gone = gone(&new.database, &known, &packages, &now.matches).expect("readable");
    let lines: Vec<String> = gone
        .iter()
        .map(|it| format!("{}: {}", it.finding.vulnerability, it.why))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
CVE-1: osv: source package a in Debian 11 is fixed since 1.5; installed is 2.
CVE-2: osv (CVE-2) was withdrawn on 2026-01-01T00:00:00Z.
CVE-3: The database no longer knows CVE-3.
CVE-5: debian: source package a in Debian 11 is not affected.
CVE-4: b 2 was replaced by 4.
");
}

#[test]
fn builds_and_repositories_apart_have_fixes_of_their_own() {
    let oval = r#"<oval_definitions><definitions><definition id="oval:com.oracle.elsa:def:1" class="patch"><metadata><title>ELSA-1: glibc</title><reference source="elsa" ref_id="ELSA-1"/><reference source="CVE" ref_id="CVE-2026-1"/><advisory><severity>IMPORTANT</severity><cve>CVE-2026-1</cve></advisory></metadata><criteria operator="AND"><criterion comment="Oracle Linux 7 is installed"/><criteria operator="OR"><criterion comment="glibc is earlier than 0:2.17-300.el7"/><criterion comment="glibc is earlier than 2:2.17-326.ksplice1.el7"/><criterion comment="openssl is earlier than 10:1.0.2_fips.el7"/></criteria></criteria></definition></definitions></oval_definitions>"#;
    let extras = r#"<updates><update type="security"><id>ALAS2DOCKER-2026-1</id><title>docker</title><severity>important</severity><references><reference type="cve" id="CVE-2026-2"/></references><pkglist><collection short="amazon-linux-2-extras-docker"><package name="docker" version="25" release="1.amzn2" epoch="0" arch="x86_64"/></collection></pkglist></update></updates>"#;
    let built = database(&[("oracle", oval), ("amazon", extras)]);
    let oracle = |name: &str, version: &str| names(&built, &rpm("ol", "7.9", name, version));
    assert_eq!(oracle("glibc", "2.17-299.el7"), ["CVE-2026-1"]);
    assert!(oracle("glibc", "2.17-326.el7").is_empty());
    assert_eq!(oracle("glibc", "2:2.17-325.ksplice1.el7"), ["CVE-2026-1"]);
    assert!(oracle("glibc", "2:2.17-326.ksplice1.el7").is_empty());
    assert!(oracle("openssl", "1:1.0.2-9.el7").is_empty());
    assert_eq!(oracle("openssl", "10:1.0.1_fips.el7"), ["CVE-2026-1"]);
    let docker = rpm("amzn", "2", "docker", "20-1.amzn2");
    assert!(names(&built, &docker).is_empty());
    let from_extras = Package {
        repositories: vec!["amazon-linux-2-extras-docker".into()],
        ..docker
    };
    assert_eq!(names(&built, &from_extras), ["CVE-2026-2"]);
}

#[test]
fn products_of_red_hat_have_fixes_of_their_own() {
    let cpe = |product: &str| format!("cpe:/a:redhat:{product}:9::appstream");
    let stated = |id: &str, product: &str, fixed: &str| {
        format!(
            r#"{{"id": "{id}", "affected": [{{"package": {{"ecosystem": "Red Hat:{product}", "name": "a"}}, "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}, {{"fixed": "{fixed}"}}]}}]}}]}}"#
        )
    };
    let feed = [
        stated("CVE-1", "enterprise_linux:9::appstream", "3"),
        stated("CVE-2", "rhel_eus:9::appstream", "9"),
    ];
    let built = database(&[("redhat-osv", &feed.join("\n"))]);
    let installed = rpm("rhel", "9.4", "a", "2");
    assert_eq!(names(&built, &installed), ["CVE-1"]);
    let from = |product: &str| Package {
        repositories: vec![cpe(product)],
        ..installed.clone()
    };
    assert_eq!(names(&built, &from("enterprise_linux")), ["CVE-1"]);
    assert_eq!(names(&built, &from("rhel_eus")), ["CVE-2"]);
}

#[test]
fn systems_that_a_record_is_limited_to_count() {
    let feed = [
        r#"{"id":"GO-1","affected":[{"package":{"ecosystem":"Go","name":"stdlib"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.21.9"}]}],"ecosystem_specific":{"imports":[{"path":"net","goos":["windows"]}]}}]}"#,
        r#"{"id":"GO-2","affected":[{"package":{"ecosystem":"Go","name":"stdlib"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.21.9"}]}],"ecosystem_specific":{"imports":[{"path":"math","goarch":["s390x"]},{"path":"net","goos":["linux"]}]}}]}"#,
        r#"{"id":"RUSTSEC-2","affected":[{"package":{"ecosystem":"crates.io","name":"spin"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0.0.0-0"}]}],"ecosystem_specific":{"affects":{"arch":["x86"],"os":["windows"],"functions":[]}}}]}"#,
    ];
    let built = database(&[("osv", &feed.join("\n"))]);
    let on = |package: Package, os: &str, architecture: &str| {
        let package = Package {
            operating_system: os.into(),
            architecture: architecture.into(),
            ..package
        };
        names(&built, &package)
    };
    let go = || language(Kind::Golang, "stdlib", "1.21.0");
    assert_eq!(on(go(), "linux", "amd64"), ["GO-2"]);
    assert_eq!(on(go(), "windows", "amd64"), ["GO-1"]);
    assert_eq!(on(go(), "windows", "s390x"), ["GO-1", "GO-2"]);
    assert_eq!(names(&built, &go()), ["GO-1", "GO-2"]);
    let spin = || language(Kind::Cargo, "spin", "0.9.0");
    assert!(on(spin(), "linux", "amd64").is_empty());
    assert!(on(spin(), "windows", "amd64").is_empty());
    assert_eq!(on(spin(), "windows", "386"), ["RUSTSEC-2"]);
}

#[test]
fn names_of_products_are_asked_for_what_nothing_else_knows() {
    let nvd = r#"{"resultsPerPage":1,"startIndex":0,"totalResults":1,"format":"NVD_CVE","version":"2.0","vulnerabilities":[{"cve":{"id":"CVE-2026-7","descriptions":[{"lang":"en","value":"x"}],"configurations":[{"nodes":[{"operator":"OR","cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:traefik:traefik:*:*:*:*:*:*:*:*","versionEndExcluding":"3.0.0"}]}]}]}}]}"#;
    let built = database(&[("nvd", nvd)]);
    let cpe = |kind: Kind| Package {
        cpes: vec!["cpe:2.3:a:traefik:traefik:2.11.0:*:*:*:*:*:*:*".into()],
        ..language(kind, "traefik", "2.11.0")
    };
    let found = report(&built.database, &[cpe(Kind::Other)]);
    assert_eq!(found.matches[0].vulnerability, "CVE-2026-7");
    assert_eq!(found.matches[0].confidence, Confidence::Medium);
    // A Go module is the Go database's, even where that was not imported.
    let module = report(&built.database, &[cpe(Kind::Golang)]);
    assert!(module.matches.is_empty());
    assert_eq!(module.uncovered.len(), 1);
}

#[test]
fn distributions_have_the_ecosystems_that_the_documentation_names() {
    let documentation = include_str!("../../../../docs/matching.md");
    let cases = [
        (Kind::Deb, "debian", "12", "Debian:12"),
        (Kind::Deb, "debian", "sid", "Debian:sid"),
        (Kind::Deb, "ubuntu", "22.04", "Ubuntu:22.04"),
        (Kind::Apk, "alpine", "3.20.3", "Alpine:v3.20"),
        (Kind::Apk, "alpine", "3.23.0_alpha20260101", "Alpine:edge"),
        (Kind::Apk, "wolfi", "20230201", "Wolfi"),
        (Kind::Apk, "chainguard", "20230214", "Chainguard"),
        (Kind::Apk, "minimos", "20241031", "MinimOS"),
        (Kind::Rpm, "rhel", "9.4", "Red Hat:9"),
        (Kind::Rpm, "centos", "9", "Red Hat:9"),
        (Kind::Rpm, "almalinux", "9.4", "AlmaLinux:9"),
        (Kind::Rpm, "rocky", "9.4", "Rocky Linux:9"),
        (Kind::Rpm, "ol", "9.4", "Oracle Linux:9"),
        (Kind::Rpm, "fedora", "40", "Fedora:40"),
        (Kind::Rpm, "amzn", "2023", "Amazon Linux:2023"),
        (Kind::Rpm, "photon", "4.0", "Photon OS:4.0"),
        (Kind::Rpm, "azurelinux", "3.0", "Azure Linux:3"),
        (
            Kind::Rpm,
            "sles",
            "15.4",
            "SUSE:Linux Enterprise Server 15 SP4",
        ),
        (Kind::Rpm, "opensuse-leap", "15.5", "openSUSE:Leap 15.5"),
        (
            Kind::Rpm,
            "opensuse-tumbleweed",
            "20260101",
            "openSUSE:Tumbleweed",
        ),
        (Kind::Pacman, "arch", "", "Arch Linux"),
    ];
    for (kind, id, release, expected) in cases {
        let package = Package {
            distribution: id.into(),
            version_id: release.into(),
            ..language(kind, "a", "1")
        };
        assert_eq!(
            ecosystem(&package).as_deref(),
            Ok(expected),
            "{id} {release}"
        );
        assert!(
            documentation.contains(&format!("`{expected}`")),
            "{expected}"
        );
    }
    for kind in Kind::ALL {
        if let Some(ecosystem) = kind.ecosystem() {
            let word = ecosystem.trim_end_matches("URL").trim_end_matches("Center");
            let names = [format!("`{ecosystem}`"), word.to_lowercase()];
            let short = word.split(' ').next().unwrap_or_default().to_lowercase();
            let is_named = names
                .iter()
                .chain([&short])
                .any(|name| documentation.contains(name));
            assert!(is_named, "{ecosystem}");
        }
    }
}
