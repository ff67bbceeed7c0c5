//! `scan` and `sbom` over a small image.

use crate::{
    sample,
    support::{NOW, Place},
};

fn place() -> Place {
    let place = Place::new();
    sample::image(&place);
    sample::advisories(&place);
    place
}

const SCAN: [&str; 4] = ["scan", "oci:image:1.4", "--advisories", "a.db"];

#[test]
fn findings_by_package_with_class_and_score() {
    insta::assert_snapshot!(place().run(&SCAN));
}

#[test]
fn layers_are_shown_when_asked_for() {
    let place = place();
    let shown = place.run(&[&SCAN[..], &["--layers", "--only-fixed"]].concat());
    insta::assert_snapshot!(shown);
}

#[test]
fn exit_codes_follow_the_flags() {
    let place = place();
    let code = |flags: &[&str]| {
        let output = place.output(&[&SCAN[..], flags].concat());
        output.status.code().expect("a code")
    };
    assert_eq!(code(&[]), 0);
    assert_eq!(code(&["--fail-on", "critical"]), 1);
    assert_eq!(code(&["--fail-on", "major", "--exit-code", "7"]), 7);
    assert_eq!(code(&["--exit-code", "9"]), 9);
    assert_eq!(
        code(&["--fail-on", "critical", "--severity", "unscored"]),
        0
    );
    assert_eq!(code(&["--severity", "minor", "--exit-code", "1"]), 0);
    assert_eq!(code(&["--severity", "high"]), 2);
}

#[test]
fn json_is_stable() {
    let place = place();
    let document = place.json(&[&SCAN[..], &["--only-fixed", "--now", NOW]].concat());
    let mut document = document;
    document["advisories"]["version"] = "…".into();
    let pretty = serde_json::to_string_pretty(&document).expect("JSON");
    insta::assert_snapshot!(pretty);
}

#[test]
fn without_advisories_the_starter_set_warns() {
    let place = place();
    let output = place.output(&["scan", "oci:image:1.4"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("starter set"));
    let quiet = place.json(&["scan", "oci:image:1.4"]);
    assert_eq!(quiet["advisories"]["starter"], true);
}

#[test]
fn one_platform_of_several_is_chosen() {
    let place = Place::new();
    sample::multi(&place);
    sample::advisories(&place);
    let scan = ["scan", "oci:multi:1.4", "--advisories", "a.db"];
    let platforms = |extra: &[&str]| {
        let document = place.json(&[&scan[..], extra].concat());
        let images = document["images"].as_array().expect("images").clone();
        let names = images.iter().map(|image| image["platform"].clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(platforms(&["--platform", "arm64"]), ["linux/arm64"]);
    assert_eq!(platforms(&["--platform", "all"]).len(), 2);
    assert_eq!(platforms(&[]).len(), 1);
    let wrong = place.run(&[&scan[..], &["--platform", "linux/s390x"]].concat());
    insta::assert_snapshot!(wrong);
}

#[test]
fn bills_of_materials_name_the_components() {
    let place = place();
    let cyclonedx = place.json(&["sbom", "oci:image:1.4", "--now", NOW]);
    assert_eq!(cyclonedx["bomFormat"], "CycloneDX");
    assert_eq!(cyclonedx["metadata"]["timestamp"], NOW);
    let again = place.json(&["sbom", "oci:image:1.4", "--now", NOW]);
    assert_eq!(cyclonedx, again);
    let spdx = place.json(&["sbom", "oci:image:1.4", "--output-format", "spdx"]);
    assert!(spdx["spdxVersion"].as_str().is_some());
    let text = cyclonedx.to_string();
    assert!(text.contains("pkg:apk/alpine/zlib@1.3.1-r1"), "{text}");
}

#[test]
fn real_images_are_read() {
    #[expect(clippy::disallowed_methods, reason = "says where the test data is")]
    let data = std::env::var("PLIMSOLL_TEST_DATA").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_owned()
    });
    let layout = std::path::Path::new(&data).join("images/alpine-3.18.9");
    if !layout.is_dir() {
        eprintln!("skipped: there are no images in {data}");
        return;
    }
    let place = Place::new();
    let document = place.json(&["scan", &format!("oci:{}", layout.display())]);
    assert_eq!(document["images"][0]["packages"], 15);
    assert_eq!(document["images"][0]["distribution"]["id"], "alpine");
}
