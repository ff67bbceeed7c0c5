//! Unpacked root file systems.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
};

use plimsoll_inventory::{Limits, ScanError, scan_rootfs};

use crate::support::{names, status};

#[test]
fn a_directory_is_read_as_one_layer_and_links_stay_within() {
    let outside = tempfile::tempdir().expect("a directory");
    fs::create_dir(outside.path().join("dpkg")).expect("a directory");
    fs::write(outside.path().join("dpkg/status"), status(&["outside"])).expect("a file");
    let root = tempfile::tempdir().expect("a directory");
    let at = |path: &str| root.path().join(path);
    fs::create_dir_all(at("usr/lib/apk/db")).expect("a directory");
    fs::create_dir_all(at("var/lib")).expect("a directory");
    fs::create_dir_all(at("etc")).expect("a directory");
    fs::write(at("usr/lib/apk/db/installed"), "P:musl\nV:1.2-r3\n").expect("a file");
    fs::write(at("usr/lib/os-release"), "ID=alpine\nVERSION_ID=3.20.3\n").expect("a file");
    symlink("/usr/lib/os-release", at("etc/os-release")).expect("a link");
    symlink("usr/lib", at("lib")).expect("a link");
    symlink(outside.path().join("dpkg"), at("var/lib/dpkg")).expect("a link");
    let inventory = scan_rootfs(root.path(), &Limits::default()).expect("an inventory");
    assert_eq!(names(&inventory), [("musl", 0)]);
    assert_eq!(
        inventory.components[0].purl,
        "pkg:apk/alpine/musl@1.2-r3?distro=alpine-3.20.3"
    );
    let again = scan_rootfs(root.path(), &Limits::default()).expect("an inventory");
    assert_eq!(inventory, again);
}

#[test]
fn one_that_cannot_be_read_does_not_end_it() {
    let root = tempfile::tempdir().expect("a directory");
    let at = |path: &str| root.path().join(path);
    fs::create_dir_all(at("lib/apk/db")).expect("a directory");
    fs::write(at("lib/apk/db/installed"), "P:musl\nV:1.2-r3\n").expect("a file");
    let odd = OsStr::from_bytes(b"\xff");
    fs::create_dir(root.path().join(odd)).expect("a directory");
    let package = r#"{"name": "odd", "version": "1"}"#;
    fs::write(root.path().join(odd).join("package.json"), package).expect("a file");
    // A path that is short enough within, and too long for Linux with the root before it.
    let folders = vec!["d".repeat(200); 20];
    let below = folders[1..].join("/");
    fs::create_dir_all(at(&format!("d/{below}"))).expect("directories");
    let name = "f".repeat(4090 - 20 * 201);
    fs::write(at(&format!("d/{below}/{name}")), "x").expect("a file");
    fs::rename(at("d"), at(&folders[0])).expect("a longer name");
    let inventory = scan_rootfs(root.path(), &Limits::default()).expect("an inventory");
    assert_eq!(names(&inventory), [("musl", 0), ("odd", 0)]);
    let [problem] = &inventory.problems[..] else {
        panic!("{:?}", inventory.problems);
    };
    assert!(problem.path.ends_with(&name) && problem.text.starts_with("not read: "));
}

#[test]
fn what_is_no_directory() {
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("file");
    fs::write(&file, "").expect("a file");
    for path in [file, root.path().join("absent")] {
        let error = scan_rootfs(&path, &Limits::default()).expect_err("nothing to scan");
        assert!(matches!(error, ScanError::Directory { .. }));
    }
}
