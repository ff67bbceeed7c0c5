//! The report over all checks: verdict, counts, JSON, bounds.

use plimsoll_certify::{CHECKS, Report, Summary, run_all};
use proptest::prelude::*;

use crate::image::{Image, file, words};

#[test]
fn warnings_do_not_fail_an_image_errors_do() {
    let mut image = Image::good();
    assert!(Report::of(&image.subject()).passes);
    image.config.config.user.clear();
    image.config.created = None;
    let report = Report::of(&image.subject());
    let expected = Summary {
        passed: CHECKS.len() - 2,
        warnings: 1,
        infos: 1,
        ..Summary::default()
    };
    assert!(report.passes);
    assert_eq!(report.summary, expected);
    image.config.config.entrypoint = words("supervisord");
    let report = Report::of(&image.subject());
    assert!(!report.passes);
    assert_eq!(report.summary.errors, 1);
}

#[test]
fn a_report_is_json() {
    let mut image = Image::good();
    image.inventory.facts.setuid = vec![file("usr/bin/su", 0o4755)];
    let mut report = Report::of(&image.subject());
    let text = serde_json::to_string(&report).expect("JSON");
    assert_eq!(
        serde_json::from_str::<Report>(&text).expect("our own"),
        report
    );
    report
        .results
        .retain(|result| result.failed() || result.id == "command");
    insta::assert_json_snapshot!(report, @r#"
{
  "passes": true,
  "summary": {
    "passed": 28,
    "errors": 0,
    "warnings": 1,
    "infos": 0,
    "not_applicable": 0
  },
  "results": [
    {
      "id": "command",
      "title": "It has a command to run",
      "level": "error",
      "status": "passed",
      "note": "starts `/usr/bin/db`"
    },
    {
      "id": "setuid-file",
      "title": "No file gives its user more rights",
      "level": "warning",
      "status": "failed",
      "evidence": [
        {
          "layer": "sha256:0000000000000000000000000000000000000000000000000000000000000002",
          "path": "usr/bin/su",
          "note": "setuid, owner 0"
        }
      ],
      "suggestion": "Remove the bits: `RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +`; or run with `--security-opt no-new-privileges`."
    }
  ]
}
"#);
}

#[test]
fn evidence_and_notes_are_bounded() {
    let mut image = Image::good();
    image.inventory.facts.setuid = vec![file("x", 0o4755); 250];
    image.config.config.entrypoint = vec!["x".repeat(10_000)];
    for result in run_all(&image.subject()) {
        assert!(result.note.chars().count() <= 501, "{}", result.id);
        if result.id == "setuid-file" {
            assert_eq!(
                (result.evidence.len(), result.evidence_left_out),
                (100, 150)
            );
        }
    }
}

proptest! {
    #[test]
    fn never_panics(
        line in "(RUN |ADD |ARG |\\|1 )?\\PC{0,60}",
        text in "\\PC{0,40}",
        date in "\\PC{0,30}",
        list in prop::collection::vec("\\PC{0,12}", 0..4),
    ) {
        let mut image = Image::good();
        image.step(&line);
        image.config.created = Some(date.clone());
        image.config.history[0].created = Some(date);
        image.config.config.user = text.clone();
        image.config.config.env.push(text.clone());
        image.config.config.cmd = list.clone();
        image.config.config.volumes.insert(text.clone(), serde_json::Value::Null);
        image.config.config.healthcheck.as_mut().expect("good").test = list;
        image.annotations.insert("org.opencontainers.image.base.name".to_owned(), text.clone());
        if let Some(distribution) = &mut image.inventory.distribution {
            distribution.version_id = Some(text);
        }
        let report = Report::of(&image.subject());
        prop_assert_eq!(report.results.len(), CHECKS.len());
    }
}
