//! Real images, where the test data is at hand.

use std::path::{Path, PathBuf};

use oci::ImageRef;
use plimsoll_inventory::{Inventory, Scan, inspect};

/// Returns the folder of real data, or says that the test is left out.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests find their data through the environment, and say so where there is none"
)]
fn data() -> Option<PathBuf> {
    let given = std::env::var("PLIMSOLL_TEST_DATA").ok().map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = given.unwrap_or_else(beside).join("images");
    if !folder.is_dir() {
        eprintln!("left out: no test data in {}", folder.display());
        return None;
    }
    Some(folder)
}

fn scan(folder: &Path) -> Inventory {
    let layout = oci::open_image(&ImageRef::OciLayout(folder.to_owned(), None)).expect("a layout");
    let image = oci::platform_images(&*layout).expect("an image").remove(0);
    inspect(&*layout, &image, &Scan::default()).expect("an inventory")
}

#[test]
fn alpine() {
    let Some(folder) = data() else { return };
    let cases = [
        ("3.10.9", 14),
        ("3.14.10", 14),
        ("3.18.9", 15),
        ("3.20.3", 14),
    ];
    for (version, packages) in cases {
        let inventory = scan(&folder.join(format!("alpine-{version}")));
        let distribution = inventory.distribution.expect("a distribution");
        assert_eq!(distribution.label(), Some(format!("alpine-{version}")));
        assert_eq!(inventory.components.len(), packages, "{version}");
        let musl = inventory
            .components
            .iter()
            .find(|c| c.name == "musl")
            .expect("musl");
        let end = format!("?arch=x86_64&distro=alpine-{version}");
        assert!(musl.purl.starts_with("pkg:apk/alpine/musl@1.") && musl.purl.ends_with(&end));
        assert_eq!(musl.licenses, ["MIT"]);
        assert_eq!(inventory.problems, []);
        assert_eq!(inventory.facts.secrets, []);
        assert_eq!(inventory.facts.leftovers, []);
        assert!(
            inventory
                .facts
                .users
                .iter()
                .any(|user| user.name == "nobody")
        );
    }
}

#[test]
fn alma() {
    let Some(folder) = data() else { return };
    for (name, version, packages) in [
        ("alma8-micro-20230523", "8.8", 15),
        ("alma9-micro-20220901", "9.0", 15),
    ] {
        let inventory = scan(&folder.join(name));
        let distribution = inventory.distribution.expect("a distribution");
        assert_eq!(distribution.label(), Some(format!("almalinux-{version}")));
        assert!(inventory.components.len() >= packages, "{name}");
        let bash = inventory.components.iter().find(|c| c.name == "bash");
        let bash = bash.expect("bash");
        assert_eq!(bash.vendor.as_deref(), Some("AlmaLinux"));
        assert!(
            bash.purl.starts_with("pkg:rpm/almalinux/bash@"),
            "{}",
            bash.purl
        );
        assert_eq!(bash.source_name, "bash");
        assert_eq!(inventory.problems, []);
        assert_eq!(inventory.facts.secrets, []);
    }
}
