//! `sbom` over a small image: documents, tables, differences, the cache.

use crate::{
    sample,
    support::{NOW, Place},
};

fn place() -> Place {
    let place = Place::new();
    sample::image(&place);
    place
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
fn the_same_image_gives_the_same_bytes() {
    let place = place();
    for format in ["cyclonedx", "spdx"] {
        let args = ["sbom", "oci:image:1.4", "--output-format", format];
        let first = place.output(&args).stdout;
        let text = String::from_utf8_lossy(&first);
        assert!(
            text.contains("2026-10-20T10:00:00Z"),
            "as the image was made: {text}"
        );
        assert_eq!(place.output(&args).stdout, first);
        let told = |epoch| {
            let mut command = place.command(&args);
            command.env("SOURCE_DATE_EPOCH", epoch);
            command.output().expect("the binary runs")
        };
        let text = String::from_utf8(told("1700000000").stdout).expect("text");
        assert!(text.contains("2023-11-14T22:13:20Z"), "{text}");
        assert_eq!(told("yesterday").status.code(), Some(2));
    }
}

#[test]
fn what_does_not_say_when_it_was_made_gives_the_same_bytes_too() {
    let place = Place::new();
    place.write("rootfs/lib/apk/db/installed", "P:a\nV:1\n\n");
    let first = place.output(&["sbom", "dir:rootfs"]).stdout;
    let text = String::from_utf8_lossy(&first);
    assert!(text.contains("1970-01-01T00:00:00Z"), "{text}");
    assert_eq!(place.output(&["sbom", "dir:rootfs"]).stdout, first);
}

#[test]
fn what_is_not_understood_is_told_on_the_side() {
    let place = Place::new();
    let names: String = (0..12).map(|_| "V:1\n\n").collect();
    let root = place.write("rootfs/lib/apk/db/installed", names + "P:a\nV:1\n\n");
    assert!(root.exists());
    let output = place.output(&["sbom", "dir:rootfs"]);
    let said = String::from_utf8(output.stderr).expect("text");
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 11, "{said}");
    assert!(
        lines[0].starts_with("lib/apk/db/installed: apk: a package without"),
        "{said}"
    );
    assert!(lines[10].contains("2 problems more"), "{said}");
    let quiet = place.output(&["sbom", "dir:rootfs", "--quiet"]);
    assert!(quiet.stderr.is_empty());
}

#[test]
fn tables_are_for_people() {
    insta::assert_snapshot!(
        place().run(&["sbom", "oci:image:1.4", "--output-format", "table"]),
        @r#"
exit 0
--- out ---
NAME  VERSION   TYPE  FOUND IN
musl  1.2.5-r0  apk   lib/apk/db/installed
zlib  1.3.1-r1  apk   lib/apk/db/installed
--- err ---
"#
    );
}

#[test]
fn layers_one_by_one() {
    insta::assert_snapshot!(place().run(&["sbom", "oci:image:1.4", "--by-layer"]), @r#"
exit 0
--- out ---
Layer 1  sha256:b52681f84058890063e272105134af3d64eac090bda679b5025554378db40b45
  ADD rootfs /
no packages

Layer 2  sha256:9bbe8110f99eb92114ba216e4f26e8269b1ead5a4d151cc0b7d69b325d636172
  RUN apk add zlib
NAME  VERSION   TYPE  FOUND IN
musl  1.2.5-r0  apk   lib/apk/db/installed
zlib  1.3.1-r1  apk   lib/apk/db/installed

--- err ---
"#);
}

#[test]
fn every_platform_is_a_line() {
    let place = Place::new();
    sample::multi(&place);
    let output = place.output(&["sbom", "oci:multi:1.4", "--platform", "all"]);
    let text = String::from_utf8(output.stdout).expect("text");
    let platforms: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|document| document["metadata"]["component"]["properties"][0]["value"].clone())
        .collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
}

#[test]
fn differences_of_two_images() {
    let place = place();
    let root = place.join("rootfs/lib/apk/db");
    std::fs::create_dir_all(&root).expect("a folder");
    let installed = "P:zlib\nV:1.3.2-r0\nA:x86_64\n\nP:busybox\nV:1.36.1-r29\nA:x86_64\n\n";
    std::fs::write(root.join("installed"), installed).expect("a file");
    insta::assert_snapshot!(place.run(&["sbom", "diff", "oci:image:1.4", "dir:rootfs"]), @r#"
exit 0
--- out ---
+ busybox 1.36.1-r29 (apk)
- musl 1.2.5-r0 (apk)
~ zlib 1.3.1-r1 -> 1.3.2-r0 (apk)
3 differences
--- err ---
"#);
    let json = place.json(&["sbom", "diff", "oci:image:1.4", "oci:image:1.4"]);
    assert_eq!(json["changes"], serde_json::json!([]));
}

#[test]
fn differences_of_each_platform() {
    let place = Place::new();
    sample::multi(&place);
    let args = [
        "sbom",
        "diff",
        "oci:multi:1.4",
        "oci:multi:1.4",
        "--platform",
        "all",
    ];
    insta::assert_snapshot!(place.run(&args), @r#"
exit 0
--- out ---
Platform linux/amd64
0 differences
Platform linux/arm64
0 differences
--- err ---
"#);
    let json = place.output(&[&args[..], &["--format", "json"]].concat());
    let text = String::from_utf8(json.stdout).expect("text");
    let line = |text| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    let platforms: Vec<_> = text
        .lines()
        .map(|text| line(text)["platform"].clone())
        .collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
}

#[test]
fn the_cache_is_used_unless_told_otherwise() {
    let place = place();
    let first = place.json(&["sbom", "oci:image:1.4", "--now", NOW]);
    let layers = place.join(".cache/plimsoll/layers");
    assert_eq!(std::fs::read_dir(&layers).expect("a cache").count(), 2);
    assert_eq!(place.json(&["sbom", "oci:image:1.4", "--now", NOW]), first);
    std::fs::remove_dir_all(place.join(".cache")).expect("a cache");
    let without = place.json(&["sbom", "--no-cache", "oci:image:1.4", "--now", NOW]);
    assert_eq!(without, first);
    assert!(!layers.exists());
}

#[test]
fn files_are_listed_by_layer_with_owner_and_mode() {
    let place = place();
    let said = place.run(&["files", "oci:image:1.4", "--under", "/lib/apk"]);
    assert!(
        said.starts_with("exit 0\n--- out ---\nLayer 1  sha256:"),
        "{said}"
    );
    assert!(said.contains("-rw-r--r--         0:0"), "{said}");
    assert!(said.contains(" /lib/apk/db/installed\n"), "{said}");
    assert!(!said.contains("/etc/"), "{said}");
    let output = place.output(&["files", "oci:image:1.4", "--format", "json"]);
    let lines = String::from_utf8(output.stdout).expect("text");
    let first: serde_json::Value =
        serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    assert_eq!(
        (&first["layer"], &first["kind"]),
        (&1.into(), &"file".into()),
        "{first}"
    );
    let missing = place.run(&["files", "oci:image:1.4", "--layer", "99"]);
    assert!(
        missing.contains("there is no layer 99: the image has"),
        "{missing}"
    );
    place.write("rootfs/etc/hosts", "");
    let said = place.run(&["files", "dir:rootfs"]);
    assert!(said.contains(" /etc/hosts\n"), "{said}");
}

#[test]
fn what_programs_are_linked_with_is_listed() {
    // Any library will do; it needs its loader, which is not there.
    let library = format!("/lib/{}-linux-gnu/libc.so.6", std::env::consts::ARCH);
    let Ok(library) = std::fs::read(library) else {
        return;
    };
    let place = place();
    place.write("rootfs/usr/lib/libc.so.6", library);
    let said = place.run(&["files", "dir:rootfs", "--needs"]);
    assert!(said.contains("\n/usr/lib/libc.so.6\n  "), "{said}");
    assert!(said.contains(" (not in the image)\n"), "{said}");
    let document = place.json(&["files", "dir:rootfs", "--needs", "--under", "/usr/lib"]);
    assert_eq!(document["path"], "usr/lib/libc.so.6");
    let none = place.run(&["files", "dir:rootfs", "--needs", "--under", "/bin"]);
    assert!(!none.contains("libc"), "{none}");
}
