//! Both bills of materials of a small image.

use plimsoll_inventory::{
    Inventory,
    sbom::{Subject, cyclonedx, spdx},
};

use crate::support::{Layer, digest, merged};

const TIME: &str = "2026-01-02T03:04:05Z";
const SERIAL: &str = "3e671687-395b-41f5-a30f-a58921a69b79";

fn image() -> (Inventory, Subject) {
    let inventory = merged([
        Layer::new()
            .file(
                "etc/os-release",
                "ID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME=\"Alpine Linux v3.20\"\n",
            )
            .file(
                "lib/apk/db/installed",
                "P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\nm:Timo <t@alpine.example>\n\n\
             P:odd\nV:1\nA:noarch\nL:GPL2 MPL2\n\n",
            ),
        Layer::new().file("x", ""),
    ]);
    let subject = Subject {
        name: "registry.example/team/app:1".to_owned(),
        digest: digest(7),
        platform: "linux/amd64".to_owned(),
    };
    (inventory, subject)
}

#[test]
fn cyclonedx_document() {
    let (inventory, subject) = image();
    insta::assert_json_snapshot!(cyclonedx(&inventory, &subject, TIME, SERIAL));
}

#[test]
fn spdx_document() {
    let (inventory, subject) = image();
    insta::assert_json_snapshot!(spdx(&inventory, &subject, TIME, SERIAL));
}
