//! Checks over real images; skipped where the test data is absent.

use std::path::{Path, PathBuf};

use inventory::{Scan, inspect};
use oci::Layout;
use plimsoll_certify::{LayerFacts, Report, Status, Subject};

#[expect(
    clippy::disallowed_methods,
    reason = "tests find their data through it"
)]
fn data() -> PathBuf {
    std::env::var("PLIMSOLL_TEST_DATA").map_or_else(
        |_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    )
}

/// Returns the report over an image of the test data, or nothing if it is absent.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn report(name: &str) -> Option<Report> {
    let folder = data().join("images").join(name);
    if !folder.is_dir() {
        eprintln!("skipped: there is no test data");
        return None;
    }
    let source = Layout::open(&folder)
        .and_then(|l| l.select(None))
        .expect("an image");
    let image = oci::platform_images(&source).expect("readable").remove(0);
    let inventory = inspect(&source, &image, &Scan::default()).expect("readable");
    Some(Report::of(&Subject {
        reference_tag: Some("latest"),
        config: &image.config,
        annotations: image.manifest.annotations(),
        layers: &LayerFacts::of(&image),
        inventory: &inventory,
        now: "2026-11-21T12:00:00Z".parse().expect("a date"),
    }))
}

/// Writes what failed, one line a check, and how much evidence there was.
fn failures(report: &Report) -> String {
    let failed = report.results.iter().filter(|r| r.status == Status::Failed);
    failed
        .map(|result| {
            let first = &result.evidence[0];
            let place = first.path.as_deref().unwrap_or("-");
            format!(
                "{} ×{}: {place}: {}\n",
                result.id,
                result.evidence.len(),
                first.note
            )
        })
        .collect()
}

#[test]
fn alpine() {
    let Some(report) = report("alpine-3.20.3") else {
        return;
    };
    insta::assert_snapshot!(failures(&report), @r#"
health-check ×1: -: no HEALTHCHECK is declared
non-root-user ×1: -: no USER is set, so the program runs as root
licence-file ×1: -: there is no file that is not empty below /licenses
labels ×5: -: `org.opencontainers.image.title` is missing (also accepted: org.label-schema.name, name)
unique-tag ×1: -: the tag is `latest`
supported-distribution ×1: -: support of Alpine Linux v3.20 ended 2026-04-01
"#);
}

#[test]
fn alma() {
    let Some(report) = report("alma9-micro-20220901") else {
        return;
    };
    insta::assert_snapshot!(failures(&report), @r#"
health-check ×1: -: no HEALTHCHECK is declared
non-root-user ×1: -: no USER is set, so the program runs as root
licence-file ×1: -: there is no file that is not empty below /licenses
labels ×5: -: `org.opencontainers.image.title` is missing (also accepted: org.label-schema.name, name)
unique-tag ×1: -: the tag is `latest`
"#);
}
