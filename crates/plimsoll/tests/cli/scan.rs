//! `scan` over a small image.

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
    insta::assert_snapshot!(place().run(&SCAN), @r#"
exit 0
--- out ---
Target      oci:image:1.4
Digest      sha256:5d7ac80524200ac1c4f0108dafbcb24cf498e39f55ea077e8498c14b4c3319b3
Platform    linux/amd64
System      Alpine Linux v3.20
Packages    2
Advisories  2 records, compiled 2026-11-01T12:00:00Z
Found       1 Critical  0 Major  0 Minor  1 Unscored  (CVSS: 1 critical, 0 high, 0 medium, 0 low)

LIBRARY  VULNERABILITY  CLASS (CVSS)             STATUS    INSTALLED  FIXED     TITLE
zlib     CVE-2026-1111  Critical (Critical 9.8)  fixed     1.3.1-r1   1.3.2-r0  zlib: writes beyond its buffer
                                                                                https://example.com/CVE-2026-1111
musl     CVE-2026-2222  Unscored                 affected  1.2.5-r0   -         musl: a locale may be misread
--- err ---
"#);
}

#[test]
fn layers_are_shown_when_asked_for() {
    let place = place();
    let shown = place.run(&[&SCAN[..], &["--layers", "--only-fixed"]].concat());
    insta::assert_snapshot!(shown, @r#"
exit 0
--- out ---
Target      oci:image:1.4
Digest      sha256:5d7ac80524200ac1c4f0108dafbcb24cf498e39f55ea077e8498c14b4c3319b3
Platform    linux/amd64
System      Alpine Linux v3.20
Packages    2
Advisories  2 records, compiled 2026-11-01T12:00:00Z
Found       1 Critical  0 Major  0 Minor  0 Unscored  (CVSS: 1 critical, 0 high, 0 medium, 0 low)

LIBRARY  VULNERABILITY  CLASS (CVSS)             STATUS  INSTALLED  FIXED     LAYER  TITLE
zlib     CVE-2026-1111  Critical (Critical 9.8)  fixed   1.3.1-r1   1.3.2-r0  2      zlib: writes beyond its buffer
                                                                                     https://example.com/CVE-2026-1111

LAYER  DIGEST                                                                   PACKAGES  INSTRUCTION
1      sha256:b52681f84058890063e272105134af3d64eac090bda679b5025554378db40b45  +0        ADD rootfs /
2      sha256:9bbe8110f99eb92114ba216e4f26e8269b1ead5a4d151cc0b7d69b325d636172  +2        RUN apk add zlib
--- err ---
"#);
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
    insta::assert_snapshot!(pretty, @r#"
{
  "advisories": {
    "created_at": "2026-11-01T12:00:00Z",
    "file": "a.db",
    "records": 2,
    "sources": [
      "test"
    ],
    "starter": false,
    "version": "…"
  },
  "digest": "sha256:5d7ac80524200ac1c4f0108dafbcb24cf498e39f55ea077e8498c14b4c3319b3",
  "images": [
    {
      "closed": [],
      "digest": "sha256:5d7ac80524200ac1c4f0108dafbcb24cf498e39f55ea077e8498c14b4c3319b3",
      "distribution": {
        "id": "alpine",
        "id_like": [],
        "name": "Alpine Linux v3.20",
        "version_codename": null,
        "version_id": "3.20.3"
      },
      "findings": [
        {
          "advisories": [
            "ALPINE-CVE-2026-1111"
          ],
          "aliases": [
            "ALPINE-CVE-2026-1111"
          ],
          "claim": "installed",
          "class": "critical",
          "confidence": "high",
          "counts": true,
          "description": "",
          "epss": null,
          "explanation": "test (ALPINE-CVE-2026-1111): origin zlib in Alpine v3.20 is fixed in 1.3.2-r0; installed is the older 1.3.1-r1.",
          "fixed_version": "1.3.2-r0",
          "installed_version": "1.3.1-r1",
          "known_exploited": null,
          "layer": {
            "digest": "sha256:9bbe8110f99eb92114ba216e4f26e8269b1ead5a4d151cc0b7d69b325d636172",
            "index": 1
          },
          "modified": "2026-10-01T00:00:00Z",
          "note": null,
          "package": {
            "architecture": "x86_64",
            "linked": null,
            "name": "zlib",
            "path": "lib/apk/db/installed",
            "purl": "pkg:apk/alpine/zlib@1.3.1-r1?arch=x86_64&distro=alpine-3.20.3",
            "source_name": "zlib",
            "source_version": "1.3.1-r1",
            "type": "apk",
            "version": "1.3.1-r1"
          },
          "published": null,
          "reason": {
            "advisory": "ALPINE-CVE-2026-1111",
            "ecosystem": "Alpine:v3.20",
            "name": "zlib",
            "order": "apk",
            "range": "< 1.3.2-r0",
            "source": "test"
          },
          "score": 9.8,
          "score_reason": "9.8 by test, CVSS 3.1: the distribution's own rating comes first; of one source the newest CVSS version counts",
          "score_source": "test",
          "score_with_threat_and_environment": null,
          "severities": [
            {
              "authority": "distribution",
              "source": "test",
              "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
            }
          ],
          "severity": "critical",
          "source": "test",
          "ssvc": null,
          "status": "fixed",
          "title": "zlib: writes beyond its buffer",
          "urls": [
            "https://example.com/CVE-2026-1111"
          ],
          "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
          "vex": null,
          "vulnerability": "CVE-2026-1111"
        }
      ],
      "layers": [
        {
          "created": "2026-10-20T10:00:00Z",
          "digest": "sha256:b52681f84058890063e272105134af3d64eac090bda679b5025554378db40b45",
          "instruction": "ADD rootfs /",
          "size": 2048
        },
        {
          "created": "2026-10-20T10:00:01Z",
          "digest": "sha256:9bbe8110f99eb92114ba216e4f26e8269b1ead5a4d151cc0b7d69b325d636172",
          "instruction": "RUN apk add zlib",
          "size": 3072
        }
      ],
      "notices": [],
      "packages": 2,
      "platform": "linux/amd64",
      "problems": [],
      "size": 5120,
      "summary": {
        "critical": 1,
        "fixable": 1,
        "major": 0,
        "minor": 0,
        "none": 0,
        "total": 1,
        "unscored": 0
      },
      "uncovered": []
    }
  ],
  "scanned_at": "2026-11-01T12:00:00Z",
  "schema_version": 1,
  "target": "oci:image:1.4"
}
"#);
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
    insta::assert_snapshot!(wrong, @r#"
exit 2
--- out ---
--- err ---
error: the image has no platform `linux/s390x`
hint: it has linux/amd64, linux/arm64
"#);
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

#[test]
fn what_was_not_read_to_its_end_is_no_clean_image() {
    let place = Place::new();
    sample::wide(&place);
    sample::advisories(&place);
    let scan = |more: &[&str]| {
        let args = ["scan", "oci:wide:1", "--advisories", "a.db", "--now", NOW];
        place.run(&[&args[..], more].concat())
    };
    let said = scan(&[]);
    assert!(said.starts_with("exit 0"), "{said}");
    assert!(said.contains("not read any further"), "{said}");
    for more in [&["--fail-on", "critical"][..], &["--exit-code", "9"]] {
        let said = scan(more);
        assert!(said.starts_with("exit 3"), "{said}");
        assert!(
            said.contains("nothing can be said of all of the image"),
            "{said}"
        );
    }
}

#[test]
fn a_package_that_nothing_loads_says_so() {
    // Any library will do; nothing in the image is linked with it.
    let library = format!("/lib/{}-linux-gnu/libc.so.6", std::env::consts::ARCH);
    let Ok(library) = std::fs::read(library) else {
        return;
    };
    let place = place();
    place.write("rootfs/etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n");
    let installed = "P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\n\
        P:zlib\nV:1.3.1-r1\nA:x86_64\no:zlib\nF:lib\nR:libz.so.1\n\n";
    place.write("rootfs/lib/apk/db/installed", installed);
    place.write("rootfs/lib/libz.so.1", library);
    let scan = ["scan", "dir:rootfs", "--advisories", "a.db"];
    let said = place.run(&scan);
    assert!(
        said.contains("[nothing is linked with it] zlib: writes"),
        "{said}"
    );
    assert!(said.contains("1 Critical"), "it lowers nothing: {said}");
    let document = place.json(&scan);
    let findings = &document["images"][0]["findings"];
    assert_eq!(findings[0]["package"]["linked"], false, "{findings:#}");
    assert_eq!(findings[1]["package"]["linked"], serde_json::Value::Null);
    for (format, expected) in [
        ("html", "<small>nothing is linked with it</small>"),
        ("markdown", "| fixed, nothing is linked with it |"),
    ] {
        let said = place.run(&[&scan[..], &["--output-format", format]].concat());
        assert!(said.contains(expected), "{said}");
    }
}
