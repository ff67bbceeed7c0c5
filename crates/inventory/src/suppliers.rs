//! Who built a distribution's package: the distribution, or somebody whose packages it publishes
//! nothing about. Advisories of the distribution hold for the former alone, and only those
//! answer for the files that they brought.

use crate::Kind;

/// Builders of Debian packages that are no part of Debian or Ubuntu, by the domain of their
/// address. People of some companies maintain packages of Debian's as well; those are in
/// [`BUILDERS`].
static DOMAINS: [&str; 47] = [
    "adoptium.net",
    "aerospike.com",
    "azul.com",
    "bell-sw.com",
    "bellsoft.com",
    "clickhouse.com",
    "cloudflare.com",
    "confluent.io",
    "couchbase.com",
    "couchdb.apache.org",
    "datadoghq.com",
    "docker.com",
    "eclipse.org",
    "elastic.co",
    "f5.com",
    "github.com",
    "gitlab.com",
    "grafana.com",
    "hashicorp.com",
    "influxdata.com",
    "influxdb.com",
    "jenkins.io",
    "kohsuke.org",
    "konghq.com",
    "kubernetes.io",
    "lists.mariadb.org",
    "mariadb.com",
    "mariadb.org",
    "microsoft.com",
    "mongodb.com",
    "mysql.com",
    "netdata.cloud",
    "newrelic.com",
    "nginx.com",
    "nodesource.com",
    "oracle.com",
    "percona.com",
    "rabbitmq.com",
    "redis.com",
    "redis.io",
    "sap.com",
    "sury.org",
    "tailscale.com",
    "timescale.com",
    "varnish-software.com",
    "yarnpkg.com",
    "zabbix.com",
];

/// The same by their name, where the address tells nothing or there is none.
static BUILDERS: [&str; 10] = [
    "amazon web services",
    "bazel authors",
    "cudatools",
    "dart team",
    "github",
    "google cloud cli authors",
    "hashicorp",
    "jenkins project",
    "kubernetes authors",
    "nvidia corporation",
];

/// Marks in versions of repositories whose packages bear the distribution's maintainers.
static MARKS: [(&str, &str); 4] = [
    (".pgdg", "apt.postgresql.org"),
    ("nodesource", "NodeSource"),
    ("+0~20", "packages.sury.org"),
    ("+deb.sury.org", "packages.sury.org"),
];

/// Returns the words that the vendor of a distribution's own rpm packages has one of; none means
/// that its packages bear no such mark.
fn own_vendors(distribution: &str) -> &'static [&'static str] {
    match distribution.to_ascii_lowercase().as_str() {
        "rhel" | "redhat" => &["red hat"],
        "centos" => &["centos", "red hat"],
        "almalinux" => &["almalinux"],
        "rocky" => &["rocky"],
        "ol" | "oracle" => &["oracle"],
        "fedora" => &["fedora"],
        "amzn" => &["amazon"],
        "photon" => &["vmware", "broadcom"],
        "azurelinux" | "mariner" => &["microsoft"],
        "mageia" => &["mageia"],
        "openeuler" => &["openeuler"],
        "opensuse-leap" | "opensuse-tumbleweed" | "opensuse" => &["suse"],
        "sles" | "sle_hpc" | "sles_sap" | "sl-micro" | "sle-micro" => &["suse"],
        _ => &[],
    }
}

/// Returns who built a package of `distribution` (`ID` of os-release) that publishes nothing
/// about it. `supplier` is the package's vendor or maintainer.
pub fn third_party(
    kind: Kind,
    distribution: &str,
    version: &str,
    supplier: &str,
) -> Option<String> {
    match kind {
        Kind::Deb => of_debian(version, supplier),
        Kind::Rpm if !supplier.is_empty() => {
            let (own, vendor) = (own_vendors(distribution), supplier.to_lowercase());
            let is_own = own.is_empty() || own.iter().any(|word| vendor.contains(word));
            (!is_own).then(|| supplier.to_owned())
        }
        _ => None,
    }
}

fn of_debian(version: &str, supplier: &str) -> Option<String> {
    if let Some((_, name)) = MARKS.iter().find(|(mark, _)| version.contains(mark)) {
        return Some((*name).to_owned());
    }
    let lower = supplier.to_lowercase();
    let name = lower.split('<').next().unwrap_or_default().trim();
    let is_of = |word: &str, domain: &str| {
        let rest = word.strip_suffix(domain);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let is_third = BUILDERS.contains(&name)
        || lower
            .split(['@', '<', '>', '/', ' '])
            .any(|word| DOMAINS.iter().any(|domain| is_of(word, domain)));
    is_third.then(|| supplier.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_answers_for_what_it_built() {
        let third = |version, supplier| third_party(Kind::Deb, "debian", version, supplier);
        for (version, supplier) in [
            ("5:24.0.7-1", "Docker <support@docker.com>"),
            ("8.0.36-1debian12", "MySQL <mysql-build@oss.oracle.com>"),
            (
                "1:11.4.2+maria~deb12",
                "MariaDB Developers <developers@lists.mariadb.org>",
            ),
            ("1.29.0-1.1", "Kubernetes Authors <dev@kubernetes.io>"),
            ("1.9.0-1", "HashiCorp"),
            ("2.45.0", "GitHub"),
            (
                "16.2-1.pgdg120+2",
                "Debian PostgreSQL Maintainers <team+postgresql@tracker.debian.org>",
            ),
            (
                "8.3.4-1+0~20240301.1+debian12~1.gbp1",
                "Debian PHP Maintainers <team@php.debian.org>",
            ),
            ("12.3-1", "cudatools <cudatools@nvidia.com>"),
        ] {
            assert!(third(version, supplier).is_some(), "{supplier}");
        }
        for (version, supplier) in [
            ("0.7.0-3", "Brandon Weeks <bweeks@google.com>"),
            ("4.0.0-1", "Alex Doyle <adoyle@nvidia.com>"),
            ("3.0.2-1", "Massimo Manghi <mxmanghi@apache.org>"),
            (
                "4.2.3-1",
                "Debian Bazel Team <bazel-team@lists.launchpad.net>",
            ),
            ("1.0-1", ""),
        ] {
            assert_eq!(third(version, supplier), None, "{supplier}");
        }
    }

    #[test]
    fn distributions_of_rpm_packages_are_told_by_their_vendor() {
        let third = |id, vendor| third_party(Kind::Rpm, id, "1-1", vendor);
        assert_eq!(
            third("rhel", "Microsoft Corporation").as_deref(),
            Some("Microsoft Corporation")
        );
        assert_eq!(third("rhel", "Red Hat, Inc."), None);
        assert_eq!(third("openEuler", "http://openeuler.org"), None);
        assert_eq!(third("openEuler", "Docker").as_deref(), Some("Docker"));
        assert_eq!(third("mageia", "Mageia.Org"), None);
        assert_eq!(third("photon", "Broadcom, Inc."), None);
        assert_eq!(third("anolis", "OpenAnolis Community"), None);
        assert_eq!(third("rhel", ""), None, "nothing is known");
    }

    #[test]
    fn other_kinds_have_no_third_parties() {
        assert_eq!(
            third_party(Kind::Apk, "alpine", "1", "Docker <a@docker.com>"),
            None
        );
    }
}
