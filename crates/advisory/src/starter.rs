//! The starter set of advisories, compiled in.

/// The source name of the starter set in a database.
pub const STARTER_SOURCE: &str = "plimsoll-starter";

/// Returns the starter set: file name and OSV text of each file in `advisories/starter/`.
///
/// It is a small set written by the project from public facts, so that a fresh installation has
/// something to match; it is no feed, and a distribution's own feed overrules it.
pub fn starter() -> &'static [(&'static str, &'static str)] {
    STARTER
}

macro_rules! records {
    ($($name:literal,)*) => {
        &[$((
            concat!($name, ".json"),
            include_str!(concat!("../../../advisories/starter/", $name, ".json")),
        )),*]
    };
}

const STARTER: &[(&str, &str)] = records![
    "PLIMSOLL-CVE-2018-25032",
    "PLIMSOLL-CVE-2020-16156",
    "PLIMSOLL-CVE-2020-28928",
    "PLIMSOLL-CVE-2021-28831",
    "PLIMSOLL-CVE-2021-36084",
    "PLIMSOLL-CVE-2021-36085",
    "PLIMSOLL-CVE-2021-36086",
    "PLIMSOLL-CVE-2021-36087",
    "PLIMSOLL-CVE-2021-36159",
    "PLIMSOLL-CVE-2021-3711",
    "PLIMSOLL-CVE-2021-3712",
    "PLIMSOLL-CVE-2021-42378",
    "PLIMSOLL-CVE-2022-0778",
    "PLIMSOLL-CVE-2022-1271",
    "PLIMSOLL-CVE-2022-1304",
    "PLIMSOLL-CVE-2022-28391",
    "PLIMSOLL-CVE-2022-37434",
    "PLIMSOLL-CVE-2022-42898",
    "PLIMSOLL-CVE-2022-48174",
    "PLIMSOLL-CVE-2023-0286",
    "PLIMSOLL-CVE-2023-29383",
    "PLIMSOLL-CVE-2023-31484",
    "PLIMSOLL-CVE-2023-45853",
    "PLIMSOLL-CVE-2023-4641",
    "PLIMSOLL-CVE-2023-4911",
    "PLIMSOLL-CVE-2023-50387",
    "PLIMSOLL-CVE-2023-50868",
    "PLIMSOLL-CVE-2023-5678",
    "PLIMSOLL-CVE-2023-7008",
    "PLIMSOLL-CVE-2024-0727",
    "PLIMSOLL-CVE-2024-12133",
    "PLIMSOLL-CVE-2024-12243",
    "PLIMSOLL-CVE-2024-13176",
    "PLIMSOLL-CVE-2024-22365",
    "PLIMSOLL-CVE-2024-2511",
    "PLIMSOLL-CVE-2024-28834",
    "PLIMSOLL-CVE-2024-28835",
    "PLIMSOLL-CVE-2024-2961",
    "PLIMSOLL-CVE-2024-37371",
    "PLIMSOLL-CVE-2024-4741",
    "PLIMSOLL-CVE-2024-5535",
    "PLIMSOLL-CVE-2024-6119",
    "PLIMSOLL-CVE-2024-9143",
    "PLIMSOLL-CVE-2025-0395",
    "PLIMSOLL-CVE-2025-14831",
    "PLIMSOLL-CVE-2025-24528",
    "PLIMSOLL-CVE-2025-26519",
    "PLIMSOLL-CVE-2025-31115",
    "PLIMSOLL-CVE-2025-32988",
    "PLIMSOLL-CVE-2025-32990",
    "PLIMSOLL-CVE-2025-3576",
    "PLIMSOLL-CVE-2025-40909",
    "PLIMSOLL-CVE-2025-4598",
    "PLIMSOLL-CVE-2025-4802",
    "PLIMSOLL-CVE-2025-6020",
    "PLIMSOLL-CVE-2025-6297",
    "PLIMSOLL-CVE-2025-6395",
    "PLIMSOLL-CVE-2025-68973",
    "PLIMSOLL-CVE-2025-69419",
    "PLIMSOLL-CVE-2025-9230",
    "PLIMSOLL-CVE-2026-0861",
    "PLIMSOLL-CVE-2026-28388",
    "PLIMSOLL-CVE-2026-34743",
    "PLIMSOLL-CVE-2026-45447",
];
