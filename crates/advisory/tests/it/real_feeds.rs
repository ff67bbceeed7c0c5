//! The readers, on files that others published.

use std::path::Path;

use plimsoll_advisory::feeds::{self, Limits, Summary};
use plimsoll_advisory::record::{Advisory, Kind, Status};

use crate::support::shared;

fn read(path: &Path) -> (Vec<Advisory>, Summary) {
    let mut records = Vec::new();
    let summary = feeds::read_file(path, "test", Limits::default(), &mut |record| {
        records.push(record);
        Ok(())
    });
    (records, summary.unwrap_or_else(|error| panic!("{error}")))
}

/// Reads a sample; says how many records and malformed ones there must be.
fn sample(place: &str, records: u64, malformed: u64) -> Option<Vec<Advisory>> {
    let path = shared(&format!("feeds-samples/{place}"))?;
    let (found, summary) = read(&path);
    assert_eq!(
        (summary.records, summary.malformed, &summary.broken),
        (records, malformed, &None),
        "{place}: {:?}",
        summary.problems
    );
    Some(found)
}

const VUNNEL: &str = "vunnel-feed-fixtures";
const LIST: &str = "vuln-list-update-testdata";

fn has(found: &[Advisory], ecosystem: &str, package: &str) -> bool {
    let mut affected = found.iter().flat_map(|record| &record.affected);
    affected.any(|it| it.ecosystem == ecosystem && it.package == package)
}

#[test]
fn every_sample_of_a_feed_is_read_whole() {
    let cases = [
        (
            VUNNEL,
            "wolfi/test-fixtures/input/secdb/security.json",
            "Wolfi",
            "binutils",
        ),
        (
            VUNNEL,
            "chainguard/test-fixtures/input/secdb/security.json",
            "Chainguard",
            "binutils",
        ),
        (
            VUNNEL,
            "photon/test-fixtures/input/cve_data_photon4.0.json",
            "Photon OS:4.0",
            "curl",
        ),
        (
            VUNNEL,
            "debian/test-fixtures/input/debian.json",
            "Debian:11",
            "chromium",
        ),
        (
            VUNNEL,
            "mariner/test-fixtures/mariner-truncated-2.0-oval.xml",
            "Azure Linux:2",
            "",
        ),
        (
            VUNNEL,
            "arch/test-fixtures/input/arch-advisories/all.json",
            "Arch Linux",
            "curl",
        ),
        (
            VUNNEL,
            "oracle/test-fixtures/mock_data",
            "Oracle Linux:5",
            "bind-libs",
        ),
        (
            VUNNEL,
            "oracle/test-fixtures/mock_per_arch_data",
            "Oracle Linux:7",
            "rsyslog",
        ),
        (
            VUNNEL,
            "mariner/test-fixtures/azure-linux-truncated-3.0-oval.xml",
            "Azure Linux:3",
            "ceph",
        ),
        (VUNNEL, "nvd/test-fixtures/full-page.json", "CPE", ""),
        (VUNNEL, "kev/test-fixtures/valid-catalog-1.json", "", ""),
        (VUNNEL, "epss/test-fixtures/example-1.csv", "", ""),
        (
            VUNNEL,
            "ubuntu/test-fixtures/vex/cve/2023/CVE-2023-38545.json",
            "Ubuntu:22.04",
            "curl",
        ),
        (
            VUNNEL,
            "rocky/test-fixtures/osv",
            "Rocky Linux:8",
            "java-11-openjdk",
        ),
        (VUNNEL, "alma/test-fixtures/osv-database", "AlmaLinux:8", ""),
        (
            LIST,
            "alma/testdata/errata.json",
            "AlmaLinux:8",
            "libsndfile",
        ),
        (
            LIST,
            "rocky/testdata/fixtures/happy/updateinfo.xml",
            "Rocky Linux:8",
            "lz4",
        ),
        (
            LIST,
            "amazon/testdata/fixtures/updateinfo_AL2023.xml.gz",
            "Amazon Linux:2023",
            "rsyslog",
        ),
        (
            LIST,
            "oracle/oval/testdata/all-positive-data.xml.bz2",
            "Oracle Linux:5",
            "",
        ),
        (
            LIST,
            "kevc/testdata/happy/known_exploited_vulnerabilities.json",
            "",
            "",
        ),
        (LIST, "osvdev/testdata/rust/all.zip", "crates.io", ""),
    ];
    for (root, place, ecosystem, package) in cases {
        let Some(path) = shared(&format!("feeds-samples/{root}/{place}")) else {
            return;
        };
        let (found, summary) = read(&path);
        assert!(summary.records > 0, "{place}: {summary:?}");
        assert_eq!(
            (summary.malformed, &summary.broken),
            (0, &None),
            "{place}: {summary:?}"
        );
        let mut affected = found.iter().flat_map(|record| &record.affected);
        let is_there = ecosystem.is_empty()
            || package.is_empty() && affected.any(|it| it.ecosystem == ecosystem)
            || has(&found, ecosystem, package);
        assert!(is_there, "{place} has no {ecosystem} {package}");
    }
}

#[test]
fn large_files_of_nvd_and_cisa() {
    let Some(found) = sample("cisa-vulnrichment-slim.jsonl.zst", 44_130, 0) else {
        return;
    };
    assert!(found.iter().filter(|it| it.kev.is_some()).count() > 100);
    assert_eq!(
        found.iter().filter(|it| it.withdrawn.is_some()).count(),
        104
    );
    let Some(path) = shared("feeds-samples/nvd-cpe-ranges.jsonl.zst") else {
        return;
    };
    let (found, summary) = read(&path);
    assert_eq!(
        (summary.malformed, &summary.broken),
        (0, &None),
        "{:?}",
        summary.problems
    );
    let vulnerable = found.iter().filter(|it| !it.affected.is_empty()).count();
    assert!(
        vulnerable * 2 > found.len(),
        "{vulnerable} of {}",
        found.len()
    );
}

#[test]
fn every_ecosystem_of_osv_and_its_kinds() {
    let Some(folder) = shared("osv") else { return };
    let (found, summary) = read(&folder);
    assert_eq!(summary.broken, None);
    assert!(
        summary.malformed * 100 <= summary.records,
        "{:?}",
        summary.problems
    );
    let kinds = |kind| found.iter().filter(|it| it.kind == kind).count();
    assert!(kinds(Kind::Malicious) >= 4);
    assert!(kinds(Kind::Informational) > 200);
    assert!(found.iter().any(|it| it.withdrawn_reason.is_some()));
    let mut affected = found.iter().flat_map(|record| &record.affected);
    assert!(affected.any(|it| {
        it.qualifiers
            .imports
            .iter()
            .any(|import| !import.goarch.is_empty())
    }));
}

#[test]
fn red_hats_states_are_its_own() {
    let place = format!("{VUNNEL}/rhel/test-fixtures/csaf/advisories/rhsa-2023_7025.json");
    let Some(path) = shared(&format!("feeds-samples/{place}")) else {
        return;
    };
    let (found, _) = read(&path);
    let ruby = found[0]
        .affected
        .iter()
        .find(|it| it.package == "ruby")
        .expect("ruby");
    assert_eq!(ruby.qualifiers.module.as_deref(), Some("ruby:2.5"));
    assert_eq!(
        (ruby.ecosystem.as_str(), ruby.status),
        ("Red Hat:8", Status::Affected)
    );
    assert_eq!(
        ruby.qualifiers.repositories,
        ["cpe:/a:redhat:enterprise_linux:8::appstream"]
    );
    assert!(ruby.ranges[0].events.len() == 2);
}

#[test]
fn broken_samples_are_refused_or_counted() {
    let Some(root) = shared("feeds-samples") else {
        return;
    };
    let cases = [
        format!("{LIST}/rocky/testdata/fixtures/happy/repomd.xml"),
        format!("{LIST}/alpine/testdata/index.html"),
        format!("{LIST}/eoldates/testdata/eoldata.json"),
        format!("{VUNNEL}/amazon/test-fixtures/input/2_rss.xml"),
        format!("{LIST}/suse/cvrf/testdata/cvrf/cvrf-suse-su-2019-3295-1.xml"),
    ];
    for place in cases {
        let outcome = feeds::read_file(&root.join(&place), "x", Limits::default(), &mut |_| Ok(()));
        let error = outcome.expect_err(&place).to_string();
        assert!(
            error.contains("no advisory feed that Plimsoll knows: it is"),
            "{error}"
        );
    }
    let cases = [
        format!("{LIST}/rocky/testdata/fixtures/updateinfo_invalid/updateinfo.xml.gz"),
        format!("{LIST}/oracle/oval/testdata/broken-oval-data.xml.bz2"),
        format!("{VUNNEL}/epss/test-fixtures/missing-date.csv"),
        format!("{LIST}/photon/testdata/cve_data_photon_invalid_format.json"),
    ];
    for place in cases {
        let outcome = feeds::read_file(&root.join(&place), "x", Limits::default(), &mut |_| Ok(()));
        if let Ok(summary) = outcome {
            assert!(
                summary.broken.is_some() || summary.malformed > 0,
                "{place}: {summary:?}"
            );
        }
    }
}
