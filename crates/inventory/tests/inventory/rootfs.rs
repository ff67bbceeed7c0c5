//! Unpacked root file systems.

use std::{fs, os::unix::fs::symlink};

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
fn what_is_no_directory() {
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("file");
    fs::write(&file, "").expect("a file");
    for path in [file, root.path().join("absent")] {
        let error = scan_rootfs(&path, &Limits::default()).expect_err("nothing to scan");
        assert!(matches!(error, ScanError::Directory { .. }));
    }
}
