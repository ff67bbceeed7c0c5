//! The feeds that are known by name: what they hold, where they are, and whose they are.

use super::Format;

/// A feed that is known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedSource {
    /// The name it has in the configuration and in the database.
    pub name: &'static str,
    /// What its files hold.
    pub format: Format,
    /// Where it is, or the file that tells (`archive_latest.txt`, `mirror.list`); the first is
    /// the publisher's own, the others are tried after it.
    pub urls: &'static [&'static str],
    /// The licence of its content, as an SPDX expression where there is one.
    pub licence: &'static str,
    /// Who is to be named where its content is shown.
    pub attribution: &'static str,
}

/// Returns a feed by its name; a name may go on after the feed's own with a dot or a slash, as in
/// `alpine.v3.20-main`.
pub fn source(name: &str) -> Option<&'static FeedSource> {
    let own = name.split(['.', '/']).next().unwrap_or(name);
    SOURCES
        .iter()
        .find(|source| source.name == name || source.name == own)
}

const fn feed(
    name: &'static str,
    format: Format,
    urls: &'static [&'static str],
    licence: &'static str,
    attribution: &'static str,
) -> FeedSource {
    FeedSource {
        name,
        format,
        urls,
        licence,
        attribution,
    }
}

macro_rules! osv {
    ($name:literal, $folder:literal, $licence:literal, $who:literal) => {
        feed(
            $name,
            Format::Osv,
            &[concat!(
                "https://osv-vulnerabilities.storage.googleapis.com/",
                $folder,
                "/all.zip"
            )],
            $licence,
            $who,
        )
    };
}

/// The feeds, by name.
pub const SOURCES: &[FeedSource] = &[
    feed(
        "osv",
        Format::Osv,
        &["https://osv-vulnerabilities.storage.googleapis.com/all.zip"],
        "LicenseRef-per-database",
        "OSV.dev and the databases it gathers",
    ),
    osv!(
        "osv-npm",
        "npm",
        "CC-BY-4.0",
        "GitHub Advisory Database; OpenSSF malicious packages"
    ),
    osv!(
        "osv-pypi",
        "PyPI",
        "CC-BY-4.0",
        "Python Packaging Advisory Database; GitHub Advisory Database"
    ),
    osv!(
        "osv-maven",
        "Maven",
        "CC-BY-4.0",
        "GitHub Advisory Database"
    ),
    osv!(
        "osv-nuget",
        "NuGet",
        "CC-BY-4.0",
        "GitHub Advisory Database"
    ),
    osv!(
        "osv-packagist",
        "Packagist",
        "CC-BY-4.0",
        "GitHub Advisory Database"
    ),
    osv!(
        "osv-rubygems",
        "RubyGems",
        "CC-BY-4.0",
        "GitHub Advisory Database"
    ),
    osv!("osv-go", "Go", "CC-BY-4.0", "Go Vulnerability Database"),
    osv!(
        "osv-crates",
        "crates.io",
        "CC0-1.0",
        "RustSec Advisory Database"
    ),
    osv!("osv-hex", "Hex", "CC-BY-4.0", "GitHub Advisory Database"),
    osv!("osv-pub", "Pub", "CC-BY-4.0", "GitHub Advisory Database"),
    osv!(
        "osv-swift",
        "SwiftURL",
        "CC-BY-4.0",
        "GitHub Advisory Database"
    ),
    osv!(
        "osv-cran",
        "CRAN",
        "Apache-2.0",
        "R Consortium Advisory Database"
    ),
    osv!(
        "osv-bitnami",
        "Bitnami",
        "Apache-2.0",
        "Bitnami Vulnerability Database"
    ),
    osv!(
        "osv-alpine",
        "Alpine",
        "LicenseRef-public",
        "Alpine Linux Security Team"
    ),
    osv!("osv-debian", "Debian", "CC0-1.0", "Debian Security Tracker"),
    osv!("ubuntu", "Ubuntu", "CC-BY-SA-4.0", "Canonical Ltd."),
    osv!(
        "rocky",
        "Rocky Linux",
        "BSD-3-Clause",
        "Rocky Enterprise Software Foundation"
    ),
    osv!("alma", "AlmaLinux", "MIT", "AlmaLinux OS Foundation"),
    osv!("suse", "SUSE", "CC-BY-4.0", "SUSE LLC"),
    osv!("opensuse", "openSUSE", "CC-BY-4.0", "SUSE LLC"),
    osv!(
        "chainguard-osv",
        "Chainguard",
        "Apache-2.0",
        "Chainguard, Inc."
    ),
    osv!("redhat-osv", "Red Hat", "CC-BY-4.0", "Red Hat, Inc."),
    feed(
        "github",
        Format::Osv,
        &["https://github.com/github/advisory-database/archive/refs/heads/main.zip"],
        "CC-BY-4.0",
        "GitHub Advisory Database",
    ),
    feed(
        "go",
        Format::Osv,
        &["https://vuln.go.dev/vulndb.zip"],
        "CC-BY-4.0",
        "Go Vulnerability Database",
    ),
    feed(
        "rustsec",
        Format::Osv,
        &["https://github.com/rustsec/advisory-db/archive/refs/heads/osv.zip"],
        "CC0-1.0",
        "RustSec Advisory Database",
    ),
    feed(
        "pypa",
        Format::Osv,
        &["https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip"],
        "CC-BY-4.0",
        "Python Packaging Advisory Database",
    ),
    feed(
        "malicious-packages",
        Format::Osv,
        &["https://github.com/ossf/malicious-packages/archive/refs/heads/main.zip"],
        "Apache-2.0",
        "OpenSSF Malicious Packages",
    ),
    feed(
        "debian",
        Format::DebianTracker,
        &["https://security-tracker.debian.org/tracker/data/json"],
        "MIT",
        "Debian Security Tracker",
    ),
    feed(
        "alpine",
        Format::AlpineSecdb,
        &["https://secdb.alpinelinux.org/v3.22/main.json"],
        "LicenseRef-public",
        "Alpine Linux Security Team",
    ),
    feed(
        "wolfi",
        Format::AlpineSecdb,
        &["https://packages.wolfi.dev/os/security.json"],
        "Apache-2.0",
        "Wolfi, Chainguard, Inc.",
    ),
    feed(
        "chainguard",
        Format::AlpineSecdb,
        &["https://packages.cgr.dev/chainguard/security.json"],
        "Apache-2.0",
        "Chainguard, Inc.",
    ),
    feed(
        "ubuntu-vex",
        Format::OpenVex,
        &["https://security-metadata.canonical.com/vex/vex-all.tar.bz2"],
        "CC-BY-SA-4.0",
        "Canonical Ltd.",
    ),
    feed(
        "redhat",
        Format::Csaf,
        &["https://security.access.redhat.com/data/csaf/v2/vex/archive_latest.txt"],
        "CC-BY-4.0",
        "Red Hat, Inc.",
    ),
    feed(
        "redhat-advisories",
        Format::Csaf,
        &["https://security.access.redhat.com/data/csaf/v2/advisories/archive_latest.txt"],
        "CC-BY-4.0",
        "Red Hat, Inc.",
    ),
    feed(
        "suse-csaf",
        Format::Csaf,
        &["https://ftp.suse.com/pub/projects/security/csaf-vex.tar.bz2"],
        "CC-BY-4.0",
        "SUSE LLC",
    ),
    feed(
        "alma-errata",
        Format::AlmaErrata,
        &["https://errata.almalinux.org/9/errata.json"],
        "MIT",
        "AlmaLinux OS Foundation",
    ),
    feed(
        "amazon",
        Format::UpdateInfo,
        &["https://cdn.amazonlinux.com/al2023/core/mirrors/latest/x86_64/mirror.list"],
        "LicenseRef-AWS-site-terms",
        "Amazon Web Services, Inc.",
    ),
    feed(
        "oracle",
        Format::Oval,
        &["https://linux.oracle.com/security/oval/com.oracle.elsa-all.xml.bz2"],
        "LicenseRef-Oracle-terms",
        "Oracle",
    ),
    feed(
        "azure",
        Format::Oval,
        &[
            "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/azurelinux-3.0-oval.xml",
        ],
        "MIT",
        "Microsoft",
    ),
    feed(
        "photon",
        Format::Photon,
        &["https://packages.broadcom.com/photon/photon_cve_metadata/cve_data_photon5.0.json"],
        "LicenseRef-public",
        "Photon OS, Broadcom",
    ),
    feed(
        "arch",
        Format::Arch,
        &["https://security.archlinux.org/all.json"],
        "MIT",
        "Arch Linux Security Team",
    ),
    feed(
        "nvd",
        Format::Nvd,
        &["https://nvd.nist.gov/feeds/json/cve/2.0/nvdcve-2.0-modified.json.gz"],
        "LicenseRef-public-domain",
        "This product uses data from the NVD API but is not endorsed or certified by the NVD",
    ),
    feed(
        "kev",
        Format::Kev,
        &[
            "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
            "https://raw.githubusercontent.com/cisagov/kev-data/main/known_exploited_vulnerabilities.json",
        ],
        "CC0-1.0",
        "Cybersecurity and Infrastructure Security Agency",
    ),
    feed(
        "vulnrichment",
        Format::Cve,
        &["https://github.com/cisagov/vulnrichment/archive/refs/heads/develop.zip"],
        "CC0-1.0",
        "Cybersecurity and Infrastructure Security Agency",
    ),
    feed(
        "epss",
        Format::Epss,
        &["https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"],
        "LicenseRef-FIRST-EPSS",
        "FIRST.org, Exploit Prediction Scoring System",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_feed_says_where_it_is_and_whose() {
        let names: BTreeSet<&str> = SOURCES.iter().map(|source| source.name).collect();
        assert_eq!(names.len(), SOURCES.len(), "a name twice");
        for source in SOURCES {
            assert!(!source.licence.is_empty() && !source.attribution.is_empty());
            assert!(source.urls.iter().all(|url| url.starts_with("https://")));
            assert!(!source.urls.is_empty(), "{}", source.name);
        }
        assert_eq!(
            source("alpine.v3.20-main").map(|it| it.name),
            Some("alpine")
        );
        assert_eq!(source("my-own"), None);
    }
}
