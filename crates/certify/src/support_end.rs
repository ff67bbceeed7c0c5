//! Until when a distribution's release gets security fixes in public: the dates of Debian's
//! `distro-info-data` (Debian with LTS, Ubuntu without paid support), of
//! alpinelinux.org/releases, and of the makers' life-cycle pages (Red Hat and its relatives,
//! Amazon, SUSE, Microsoft; general support, without what is sold beyond). All were compared
//! with endoflife.date as of August 2026; where that differs by days (Ubuntu), the distribution's
//! own date stands, and of CentOS 8 the end of CentOS Linux.

use chrono::NaiveDate;
use inventory::Distribution;

type Row = (&'static str, (i32, u32, u32));

const DEBIAN: &[Row] = &[
    ("8", (2020, 6, 30)),
    ("9", (2022, 6, 30)),
    ("10", (2024, 6, 30)),
    ("11", (2026, 8, 31)),
    ("12", (2028, 6, 30)),
    ("13", (2030, 6, 30)),
];

const UBUNTU: &[Row] = &[
    ("14.04", (2019, 4, 25)),
    ("14.10", (2015, 7, 23)),
    ("15.04", (2016, 2, 4)),
    ("15.10", (2016, 7, 28)),
    ("16.04", (2021, 4, 30)),
    ("16.10", (2017, 7, 20)),
    ("17.04", (2018, 1, 13)),
    ("17.10", (2018, 7, 19)),
    ("18.04", (2023, 5, 31)),
    ("18.10", (2019, 7, 18)),
    ("19.04", (2020, 1, 23)),
    ("19.10", (2020, 7, 17)),
    ("20.04", (2025, 5, 29)),
    ("20.10", (2021, 7, 22)),
    ("21.04", (2022, 1, 20)),
    ("21.10", (2022, 7, 14)),
    ("22.04", (2027, 6, 1)),
    ("22.10", (2023, 7, 20)),
    ("23.04", (2024, 1, 25)),
    ("23.10", (2024, 7, 11)),
    ("24.04", (2029, 5, 31)),
    ("24.10", (2025, 7, 10)),
    ("25.04", (2026, 1, 15)),
    ("25.10", (2026, 7, 9)),
    ("26.04", (2031, 5, 29)),
];

const ALPINE: &[Row] = &[
    ("3.9", (2020, 11, 1)),
    ("3.10", (2021, 5, 1)),
    ("3.11", (2021, 11, 1)),
    ("3.12", (2022, 5, 1)),
    ("3.13", (2022, 11, 1)),
    ("3.14", (2023, 5, 1)),
    ("3.15", (2023, 11, 1)),
    ("3.16", (2024, 5, 23)),
    ("3.17", (2024, 11, 22)),
    ("3.18", (2025, 5, 9)),
    ("3.19", (2025, 11, 1)),
    ("3.20", (2026, 4, 1)),
    ("3.21", (2026, 11, 1)),
    ("3.22", (2027, 5, 1)),
    ("3.23", (2027, 11, 1)),
    ("3.24", (2028, 6, 1)),
];

const RHEL: &[Row] = &[
    ("6", (2020, 11, 30)),
    ("7", (2024, 6, 30)),
    ("8", (2029, 5, 31)),
    ("9", (2032, 5, 31)),
    ("10", (2035, 5, 31)),
];

/// CentOS Linux until 8, which ended early; CentOS Stream has 9.
const CENTOS: &[Row] = &[
    ("6", (2020, 11, 30)),
    ("7", (2024, 6, 30)),
    ("8", (2021, 12, 31)),
    ("9", (2027, 5, 31)),
    ("10", (2030, 5, 31)),
];

const ALMALINUX: &[Row] = &[
    ("8", (2029, 5, 31)),
    ("9", (2032, 5, 31)),
    ("10", (2035, 5, 31)),
];

const ROCKY: &[Row] = &[
    ("8", (2029, 5, 31)),
    ("9", (2032, 5, 31)),
    ("10", (2035, 5, 31)),
];

const ORACLE: &[Row] = &[
    ("6", (2021, 3, 31)),
    ("7", (2024, 12, 31)),
    ("8", (2029, 7, 31)),
    ("9", (2032, 6, 30)),
    ("10", (2035, 6, 30)),
];

const FEDORA: &[Row] = &[
    ("36", (2023, 5, 16)),
    ("37", (2023, 12, 5)),
    ("38", (2024, 5, 21)),
    ("39", (2024, 11, 26)),
    ("40", (2025, 5, 13)),
    ("41", (2025, 12, 15)),
    ("42", (2026, 5, 27)),
    ("43", (2026, 12, 9)),
    ("44", (2027, 6, 2)),
];

/// Amazon Linux 1 had the year and the month for a version.
const AMAZON: &[Row] = &[
    ("2", (2026, 6, 30)),
    ("2014", (2023, 12, 31)),
    ("2015", (2023, 12, 31)),
    ("2016", (2023, 12, 31)),
    ("2017", (2023, 12, 31)),
    ("2018", (2023, 12, 31)),
    ("2023", (2029, 6, 30)),
];

/// 42 came before 15.
const LEAP: &[Row] = &[
    ("15.0", (2019, 12, 3)),
    ("15.1", (2021, 2, 2)),
    ("15.2", (2022, 1, 4)),
    ("15.3", (2022, 12, 31)),
    ("15.4", (2023, 12, 7)),
    ("15.5", (2024, 12, 31)),
    ("15.6", (2026, 4, 30)),
    ("16.0", (2027, 10, 31)),
    ("42.1", (2017, 5, 17)),
    ("42.2", (2018, 1, 26)),
    ("42.3", (2019, 7, 1)),
];

const SLES: &[Row] = &[
    ("12.0", (2016, 6, 30)),
    ("12.1", (2017, 5, 31)),
    ("12.2", (2018, 3, 31)),
    ("12.3", (2019, 6, 30)),
    ("12.4", (2020, 6, 30)),
    ("12.5", (2024, 10, 31)),
    ("15.0", (2019, 12, 31)),
    ("15.1", (2021, 1, 31)),
    ("15.2", (2021, 12, 31)),
    ("15.3", (2022, 12, 31)),
    ("15.4", (2023, 12, 31)),
    ("15.5", (2024, 12, 31)),
    ("15.6", (2025, 12, 31)),
    ("15.7", (2031, 7, 31)),
    ("16.0", (2027, 11, 30)),
];

const MARINER: &[Row] = &[("1.0", (2023, 7, 31)), ("2.0", (2025, 7, 31))];

const AZURE: &[Row] = &[("3.0", (2027, 7, 31))];

/// No end of 5 was announced.
const PHOTON: &[Row] = &[("3", (2025, 10, 2)), ("4", (2027, 10, 11))];

/// Returns the last day on which `distribution` is supported; for a release older than all
/// that are listed the end of the oldest listed. None where nothing is known.
pub(crate) fn support_end(distribution: &Distribution) -> Option<NaiveDate> {
    let table = match distribution.id.as_str() {
        // Raspbian builds Debian's packages anew, fixes too.
        "debian" | "raspbian" => DEBIAN,
        "ubuntu" => UBUNTU,
        "alpine" => ALPINE,
        "rhel" => RHEL,
        "centos" => CENTOS,
        "almalinux" => ALMALINUX,
        "rocky" => ROCKY,
        "ol" => ORACLE,
        "amzn" => AMAZON,
        "opensuse-leap" => LEAP,
        "sles" | "sle_hpc" | "sles_sap" => SLES,
        "mariner" => MARINER,
        "azurelinux" => AZURE,
        "fedora" => FEDORA,
        "photon" => PHOTON,
        _ => return None,
    };
    let version = number(distribution.version_id.as_deref()?)?;
    let exact = |row: &&Row| number(row.0).is_some_and(|listed| same(listed, version, row.0));
    let oldest = table
        .first()
        .filter(|row| number(row.0).is_some_and(|n| version < n));
    let (year, month, day) = table.iter().find(exact).or(oldest)?.1;
    NaiveDate::from_ymd_opt(year, month, day)
}

/// A release has one number (`12`) or two (`3.18`); what follows are updates of it.
fn same(listed: (u32, u32), version: (u32, u32), row: &str) -> bool {
    listed.0 == version.0 && (!row.contains('.') || listed.1 == version.1)
}

fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', '_']);
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next().map_or(Ok(0), str::parse).ok()?;
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, version: Option<&str>, end: Option<&str>) {
        let distribution = Distribution {
            id: id.to_owned(),
            version_id: version.map(str::to_owned),
            ..Distribution::default()
        };
        let found = support_end(&distribution).map(|date| date.to_string());
        assert_eq!(found.as_deref(), end, "{id} {version:?}");
    }

    #[test]
    fn knows_releases_and_their_updates() {
        check("debian", Some("12"), Some("2028-06-30"));
        check("debian", Some("12.5"), Some("2028-06-30"));
        check("debian", Some("7"), Some("2020-06-30"));
        check("debian", None, None);
        check("alpine", Some("3.18.9"), Some("2025-05-09"));
        check("alpine", Some("3.2"), Some("2020-11-01"));
        check("alpine", Some("3.99_alpha"), None);
        check("ubuntu", Some("22.04"), Some("2027-06-01"));
        check("ubuntu", Some("18.10"), Some("2019-07-18"));
        check("ubuntu", Some("19.10"), Some("2020-07-17"));
        check("raspbian", Some("9"), Some("2022-06-30"));
        check("ubuntu", Some("x"), None);
        check("almalinux", Some("8.8"), Some("2029-05-31"));
        check("centos", Some("7"), Some("2024-06-30"));
        check("amzn", Some("2023"), Some("2029-06-30"));
        check("amzn", Some("2017.09"), Some("2023-12-31"));
        check("opensuse-leap", Some("15.4"), Some("2023-12-07"));
        check("opensuse-leap", Some("42.3"), Some("2019-07-01"));
        check("opensuse-leap", Some("13.2"), Some("2019-12-03"));
        check("sles", Some("15"), Some("2019-12-31"));
        check("sles", Some("15.2"), Some("2021-12-31"));
        check("sles", Some("15.7"), Some("2031-07-31"));
        check("sles", Some("15.9"), None);
        check("opensuse-leap", Some("16.0"), Some("2027-10-31"));
        check("ol", Some("10.0"), Some("2035-06-30"));
        check("fedora", Some("41"), Some("2025-12-15"));
        check("azurelinux", Some("3.0"), Some("2027-07-31"));
        check("photon", Some("4.0"), Some("2027-10-11"));
        check("photon", Some("5.0"), None);
        check("fedora", Some("44"), Some("2027-06-02"));
        check("alpine", Some("3.24.0"), Some("2028-06-01"));
        check("arch", None, None);
        check("arch", Some("1"), None);
    }
}
