//! What is claimed or waits, beside what is installed.

use plimsoll_inventory::Claim;

use crate::support::{Layer, merged};

const STATUS: &str = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\n\
    Source: openssl\nVersion: 3.0.11-1~deb12u2\n";

fn found(layer: Layer) -> Vec<String> {
    let inventory = merged([layer]);
    let components = inventory.components.iter();
    let one = components.map(|component| {
        let claim = match component.claim {
            Claim::Installed => String::new(),
            claim => format!(" {claim:?}"),
        };
        let source = (component.source_name != component.name).then(|| &*component.source_name);
        let places = component.evidence.len();
        format!(
            "{}{claim} {} {places}",
            component.purl,
            source.unwrap_or_default()
        )
    });
    one.collect()
}

#[test]
fn claims_keep_their_distribution_and_join_what_is_installed() {
    let purls = [
        "pkg:rpm/redhat/openssl-libs@3.0.7-24.el9?arch=x86_64&epoch=1&distro=rhel-9.4&upstream=openssl-3.0.7-24.el9.src.rpm",
        "pkg:rpm/almalinux/libXau@1.0.9-3.el8",
        "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?distro=debian-12.5&upstream=openssl",
        "pkg:deb/debian/gone@1.0?arch=amd64&distro=debian-12",
        "pkg:pypi/zope.interface@8.7?file_name=zope.interface-8.7-cp311.whl",
    ];
    let components = purls.map(|purl| format!(r#"{{"purl": "{purl}"}}"#));
    let document = format!(
        r#"{{"bomFormat": "CycloneDX", "components": [{}]}}"#,
        components.join(",")
    );
    let layer = Layer::new()
        .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
        .file("var/lib/dpkg/status", STATUS)
        .file(
            "usr/lib/python3/site-packages/zope_interface-8.7.dist-info/METADATA",
            "Name: zope.interface\nVersion: 8.7\n",
        )
        .file("srv/bom.json", &document);
    let expected = [
        "pkg:deb/debian/gone@1.0?arch=amd64&distro=debian-12 Claimed  1",
        "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12 openssl 2",
        "pkg:rpm/almalinux/libXau@1.0.9-3.el8 Claimed  1",
        "pkg:rpm/redhat/openssl-libs@3.0.7-24.el9?arch=x86_64&distro=rhel-9.4&epoch=1 Claimed openssl 1",
        "pkg:pypi/zope-interface@8.7  2",
    ];
    assert_eq!(found(layer), expected);
}

#[test]
fn control_files_add_to_what_the_status_file_says() {
    let layer = Layer::new()
        .file(
            "usr/lib/opkg/status",
            "Package: libubox20230523\nVersion: 1-1\nStatus: install user installed\nArchitecture: x86_64\n",
        )
        .file(
            "usr/lib/opkg/info/libubox20230523.control",
            "Package: libubox20230523\nVersion: 1-1\nSource: package/libs/libubox\nSourceName: libubox\n\
            License: ISC\nArchitecture: x86_64\n",
        );
    let inventory = merged([layer]);
    assert_eq!(inventory.components.len(), 1);
    assert_eq!(inventory.components[0].source_name, "libubox");
    assert_eq!(inventory.components[0].licenses, ["ISC"]);
}
