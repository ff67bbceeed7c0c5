//! Whiteouts, links, replaced directories, attribution, facts.

use plimsoll_inventory::{DiffId, Kind, Limits, merge, scan_layer};
use proptest::prelude::*;

use crate::support::{Layer, digest, merged, names, status};

const STATUS: &str = "var/lib/dpkg/status";

fn base(packages: &[&str]) -> Layer {
    Layer::new()
        .file("etc/os-release", "ID=debian\nVERSION_ID=11\n")
        .file(STATUS, status(packages))
}

#[test]
fn a_component_belongs_to_the_layer_that_brought_its_version() {
    let upgraded = status(&["a", "c"]).replacen("Version: 1", "Version: 2", 1);
    let inventory = merged([
        base(&["a", "b"]),
        Layer::new().file(STATUS, status(&["a", "b", "c"])),
        Layer::new().file(STATUS, upgraded),
    ]);
    assert_eq!(names(&inventory), [("a", 2), ("c", 1)]);
    assert_eq!(inventory.components[0].layer, digest(2));
    assert_eq!(
        inventory.components[0].purl,
        "pkg:deb/debian/a@2?arch=all&distro=debian-11"
    );
    let counts: Vec<_> = inventory
        .layers
        .iter()
        .map(|l| (l.components_added, l.components_removed))
        .collect();
    assert_eq!(counts, [(2, 0), (1, 0), (1, 2)]);
}

#[test]
fn a_package_that_comes_back_belongs_to_the_later_layer() {
    let layers = [base(&["a", "b"]), base(&["a"]), base(&["a", "b"])];
    assert_eq!(names(&merged(layers)), [("a", 0), ("b", 2)]);
}

#[test]
fn whiteouts_and_opaque_directories_remove() {
    assert!(
        merged([base(&["a"]), Layer::new().whiteout(STATUS)])
            .components
            .is_empty()
    );
    assert!(
        merged([base(&["a"]), Layer::new().whiteout("var")])
            .components
            .is_empty()
    );
    assert!(
        merged([base(&["a"]), Layer::new().opaque("var/lib")])
            .components
            .is_empty()
    );
    // They do not concern their own layer, wherever they stand.
    let own = Layer::new()
        .file(STATUS, status(&["b"]))
        .opaque("var/lib/dpkg")
        .whiteout(STATUS);
    assert_eq!(names(&merged([base(&["a"]), own])), [("b", 1)]);
}

#[test]
fn a_directory_replaced_without_whiteout_is_gone() {
    for replacement in [
        Layer::new().file("var/lib/dpkg", "now a file"),
        Layer::new().symlink("var/lib/dpkg", "/nowhere"),
        Layer::new().symlink("var", "elsewhere"),
    ] {
        let inventory = merged([base(&["a"]), replacement]);
        assert!(inventory.components.is_empty());
        assert!(inventory.facts.wasted_bytes > 0);
    }
    // And a file replaced by a directory.
    let inventory = merged([Layer::new().file("var", "file"), base(&["a"])]);
    assert_eq!(names(&inventory), [("a", 1)]);
}

#[test]
fn databases_behind_links_are_found() {
    let moved = Layer::new()
        .file("usr/share/data/dpkg/status", status(&["a"]))
        .symlink("var/lib/dpkg", "../../usr/share/data/dpkg");
    assert_eq!(names(&merged([moved])), [("a", 0)]);
    // The usr merge: the database is at both well-known places, and counts once.
    let apk = "P:musl\nV:1\n\n";
    let alpine = Layer::new()
        .file("usr/lib/apk/db/installed", apk)
        .symlink("lib", "usr/lib");
    let written_through = Layer::new().file("lib/apk/db/installed", format!("{apk}P:b\nV:2\n\n"));
    let inventory = merged([alpine, written_through]);
    assert_eq!(names(&inventory), [("b", 1), ("musl", 0)]);
    assert_eq!(inventory.components[0].path, "usr/lib/apk/db/installed");
    assert_eq!(inventory.components[0].kind, Kind::Apk);
    // Moving the database is no news.
    let before = Layer::new().file("lib/apk/db/installed", apk);
    let after = Layer::new()
        .whiteout("lib")
        .file("usr/lib/apk/db/installed", apk);
    assert_eq!(names(&merged([before, after])), [("musl", 0)]);
    // Hard links keep the bytes they were made of.
    let linked = Layer::new()
        .file("opt/dpkg/status", status(&["a"]))
        .hardlink(STATUS, "opt/dpkg/status");
    let target_gone = Layer::new().whiteout("opt");
    assert_eq!(names(&merged([linked, target_gone])), [("a", 0)]);
}

#[test]
fn elsewhere_and_loops_do_not_count() {
    let chroot = Layer::new().file("srv/chroot/var/lib/dpkg/status", status(&["a"]));
    assert!(merged([chroot]).components.is_empty());
    let in_a_loop = Layer::new()
        .symlink("var", "lib")
        .symlink("lib", "var")
        .file(STATUS, "x");
    assert!(merged([in_a_loop]).components.is_empty());
}

#[test]
fn distroless_and_licences_of_copyright_files() {
    let inventory = merged([Layer::new()
        .symlink("etc/os-release", "../usr/lib/os-release")
        .file("usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
        .file(
            "var/lib/dpkg/status.d/base",
            "Package: base-files\nVersion: 12.4\n",
        )
        .file(
            "var/lib/dpkg/status.d/base.md5sums",
            "Package: no\nVersion: 1\n",
        )
        .symlink("usr/share/doc/base-files", "base")
        .file(
            "usr/share/doc/base/copyright",
            "Format: x\n\nFiles: *\nLicense: GPL-2+\n",
        )]);
    assert_eq!(names(&inventory), [("base-files", 0)]);
    assert_eq!(inventory.components[0].licenses, ["GPL-2.0-or-later"]);
    assert_eq!(
        inventory.components[0].purl,
        "pkg:deb/debian/base-files@12.4?distro=debian-12"
    );
    assert_eq!(inventory.facts.copyright_files, 1);
}

#[test]
fn facts() {
    let key = format!(
        "-----BEGIN {} KEY-----\n{}\n",
        "RSA PRIVATE",
        "aB3dE5gH7jK9".repeat(6)
    );
    let inventory = merged([
        Layer::new()
            .mode("usr/bin/su", 0o4755, "12345")
            .file("root/.ssh/id_rsa", key)
            .file("etc/shadow", "root::1::::::\n")
            .file("etc/passwd", "root:x:0:0:::\nweb:x:33:33:::\n")
            .file("etc/group", "root:x:0:\n")
            .file("var/lib/apt/lists/x_Packages", "0123456789")
            .file("var/lib/apt/lists/lock", "")
            .file("home/a/.cache/pip/http/1", "123")
            .file("licenses/MIT", "text"),
        Layer::new()
            .whiteout("root/.ssh")
            .file("etc/motd", "hello")
            .dir("app/.git"),
        Layer::new().file("etc/motd", "again"),
    ]);
    insta::assert_json_snapshot!(inventory.facts);
    let wasted: Vec<_> = inventory.layers.iter().map(|l| l.wasted_bytes).collect();
    assert_eq!(wasted[1..], [5, 0]);
    let json = serde_json::to_string(&inventory).expect("plain values");
    assert!(
        !json.contains("aB3dE5gH7jK9"),
        "the secret itself is never kept"
    );
}

const MODULE: &str = "{\"name\": \"left-pad\", \"version\": \"1.3.0\"}";

#[test]
fn language_packages_count_wherever_they_are_left() {
    let newer = MODULE.replace("1.3.0", "1.4.0");
    let inventory = merged([
        Layer::new()
            .file("app/node_modules/left-pad/package.json", MODULE)
            .file("old/node_modules/left-pad/package.json", MODULE)
            .file(
                "gone/node_modules/x/package.json",
                MODULE.replace("left-pad", "x"),
            ),
        Layer::new().hardlink("new/package.json", "app/node_modules/left-pad/package.json"),
        // A directory becomes a link in one step, without a whiteout.
        Layer::new()
            .symlink("gone", "app")
            .file("old/node_modules/left-pad/package.json", &newer),
    ]);
    assert_eq!(names(&inventory), [("left-pad", 0), ("left-pad", 2)]);
    let places = |index: usize| -> Vec<&str> {
        let component = &inventory.components[index];
        component.evidence.iter().map(|e| e.path.as_str()).collect()
    };
    assert_eq!(places(0), ["app/node_modules/left-pad/package.json"]);
    assert_eq!(places(1), ["old/node_modules/left-pad/package.json"]);
    assert_eq!(inventory.removed.len(), 1);
    assert_eq!(inventory.removed[0].purl, "pkg:npm/x@1.3.0");
    assert_eq!(inventory.removed[0].by, digest(2));
}

#[test]
fn a_replaced_version_says_by_what() {
    let inventory = merged([
        base(&["a"]),
        Layer::new().file(STATUS, status(&["a"]).replace("Version: 1", "Version: 2")),
    ]);
    let removed = &inventory.removed[0];
    assert_eq!(removed.purl, "pkg:deb/debian/a@1?arch=all&distro=debian-11");
    assert_eq!((&removed.layer, &removed.by), (&digest(0), &digest(1)));
    assert_eq!(removed.replaced_by.as_deref(), Some("2"));
}

/// Debian's `python3-six`, and the same module by pip.
fn six(maintainer: &str) -> Layer {
    let metadata = "Name: six\nVersion: 1.16.0\n";
    Layer::new()
        .symlink("lib", "usr/lib")
        .file(
            STATUS,
            format!(
                "{}Maintainer: {maintainer}\n",
                status(&["python3-six"]).trim_end().to_owned() + "\n"
            ),
        )
        .file(
            "var/lib/dpkg/info/python3-six.list",
            "/.\n/lib/python3/dist-packages/six-1.16.0.egg-info\n",
        )
        .file(
            "usr/lib/python3/dist-packages/six-1.16.0.egg-info",
            metadata,
        )
}

#[test]
fn what_a_distribution_package_brought_is_covered_by_it() {
    let inventory = merged([six("Debian <a@debian.org>")]);
    assert_eq!(names(&inventory), [("python3-six", 0)]);
    assert_eq!(inventory.covered.len(), 1);
    assert_eq!(inventory.covered[0].name, "six");
    assert_eq!(
        inventory.covered[0].covered_by.as_deref(),
        Some("pkg:deb/debian/python3-six@1?arch=all")
    );
}

#[test]
fn what_else_brought_it_counts() {
    let metadata = "Name: six\nVersion: 1.16.0\n";
    let path = "usr/local/lib/python3/site-packages/six-1.16.0.dist-info/METADATA";
    let inventory = merged([
        six("Debian <a@debian.org>"),
        Layer::new().file(path, metadata),
    ]);
    assert_eq!(names(&inventory), [("python3-six", 0), ("six", 0)]);
    assert_eq!(inventory.components[1].path, path);
    assert!(inventory.covered.is_empty());
    // The distribution's advisories say nothing of third parties' packages.
    let inventory = merged([six("Docker <support@docker.com>")]);
    assert_eq!(names(&inventory).len(), 2);
}

#[test]
fn an_alpine_package_covers_its_files() {
    let database =
        "P:py3-six\nV:1-r0\nF:usr/lib/python3.12/site-packages/six.egg-info\nR:PKG-INFO\n\n";
    let inventory = merged([Layer::new().file("lib/apk/db/installed", database).file(
        "usr/lib/python3.12/site-packages/six.egg-info/PKG-INFO",
        "Name: six\nVersion: 1\n",
    )]);
    assert_eq!(names(&inventory), [("py3-six", 0)]);
    assert_eq!(inventory.covered.len(), 1);
}

fn entry() -> impl Strategy<Value = (u8, String, String)> {
    (0_u8..6, "[ab](/[ab]){0,3}", "(/|\\.\\./)?[ab](/[ab]){0,2}")
}

proptest! {
    #[test]
    fn merging_never_panics_and_counts_right(
        layers in proptest::collection::vec(proptest::collection::vec(entry(), 0..12), 0..4),
    ) {
        let mut reports = Vec::new();
        for (index, entries) in layers.iter().enumerate() {
            let mut layer = Layer::new();
            for (kind, path, target) in entries {
                layer = match kind {
                    0 => layer.file(path, path),
                    1 => layer.dir(path),
                    2 => layer.symlink(path, target),
                    3 => layer.hardlink(path, target),
                    4 => layer.whiteout(path),
                    _ => layer.opaque(path),
                };
            }
            let tar = layer.tar();
            let report = scan_layer(&mut &*tar, "", &Limits::default(), DiffId::Compute);
            reports.push((digest(index), report.expect("an archive")));
        }
        let inventory = merge(&reports);
        let all: u64 = reports.iter().flat_map(|(_, r)| &r.files).map(|f| f.size).sum();
        prop_assert_eq!(inventory.facts.bytes + inventory.facts.wasted_bytes, all);
    }
}

#[test]
fn packages_that_state_no_licence_have_that_of_their_file() {
    let mit = "Permission is hereby granted, free of charge, to any person obtaining a copy of \
        this software, to deal in the Software without restriction, including without limitation \
        the rights to use, copy, modify, merge, publish. It shall be included in all copies or \
        substantial portions of the Software.";
    let apache = "Apache License\n Version 2.0, January 2004\n";
    let inventory = merged([Layer::new()
        .file(
            "srv/node_modules/a/package.json",
            r#"{"name": "a", "version": "1.0.0"}"#,
        )
        .file("srv/node_modules/a/LICENSE.md", mit)
        .file(
            "srv/node_modules/b/package.json",
            r#"{"name": "b", "version": "1.0.0", "license": "ISC"}"#,
        )
        .file("srv/node_modules/b/LICENSE", mit)
        .file(
            "py/c-1.dist-info/METADATA",
            "Metadata-Version: 2.4\nName: c\nVersion: 1\n",
        )
        .file("py/c-1.dist-info/licenses/LICENSE.txt", apache)
        .file("lib/apk/db/installed", "P:d\nV:1\n\n")
        .file(
            "usr/share/licenses/d/COPYING",
            "# SPDX-License-Identifier: GPL-2.0-or-later\n",
        )]);
    let licenses: Vec<_> = inventory
        .components
        .iter()
        .map(|one| (&*one.name, one.licenses.join(" ")))
        .collect();
    let expected = [
        ("d", "GPL-2.0-or-later"),
        ("c", "Apache-2.0"),
        ("a", "MIT"),
        ("b", "ISC"),
    ];
    let expected = expected.map(|(name, license)| (name, license.to_owned()));
    assert_eq!(licenses, expected);
}

#[test]
fn a_wheel_that_conda_brought_counts_once() {
    let record = |version: &str| {
        format!(
            r#"{{"name": "six", "version": "{version}", "files": ["lib/six-1.16.0.dist-info/METADATA"]}}"#
        )
    };
    let wheel = "Name: six\nVersion: 1.16.0\n";
    let image = |version: &str| {
        merged([Layer::new()
            .file("opt/conda/conda-meta/six-0.json", record(version))
            .file("opt/conda/lib/six-1.16.0.dist-info/METADATA", wheel)])
    };
    let inventory = image("1.16.0");
    let purls = |list: &[plimsoll_inventory::Component]| {
        list.iter().map(|one| one.purl.clone()).collect::<Vec<_>>()
    };
    assert_eq!(purls(&inventory.components), ["pkg:pypi/six@1.16.0"]);
    assert_eq!(purls(&inventory.covered), ["pkg:conda/six@1.16.0"]);
    let by = inventory.covered[0].covered_by.as_deref();
    assert_eq!(by, Some("pkg:pypi/six@1.16.0"));
    // Somebody installed another version over it.
    assert_eq!(image("1.15.0").components.len(), 2);
}

#[test]
fn repositories_are_known() {
    let manifest = r#"{"content_sets": ["rhel-9-for-x86_64-appstream-rpms"]}"#;
    let inventory = merged([Layer::new()
        .file(
            "etc/apk/repositories",
            "https://a.example/alpine/edge/main\n",
        )
        .file("root/buildinfo/content_manifests/ubi9-1.json", manifest)]);
    assert_eq!(
        inventory.repositories,
        [
            "https://a.example/alpine/edge/main",
            "rhel-9-for-x86_64-appstream-rpms"
        ]
    );
    assert_eq!(
        inventory.repository_cpes(),
        ["cpe:/a:redhat:enterprise_linux:9::appstream"]
    );
    assert!(inventory.is_of_edge());
    // One package from edge makes no edge of a release.
    let both = "https://a.example/alpine/v3.20/main\n@edge https://a.example/alpine/edge/main\n";
    let mixed = merged([Layer::new().file("etc/apk/repositories", both)]);
    assert!(!mixed.is_of_edge() && mixed.repositories.len() == 2);
}
