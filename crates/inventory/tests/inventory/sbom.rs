//! Both bills of materials of a small image.

use plimsoll_inventory::{
    BaseImage, Claim, Inventory,
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
        base: Some(BaseImage {
            name: "alpine:3.20.3".to_owned(),
            digest: Some(digest(8).to_string()),
            layers: Some(1),
        }),
    };
    (inventory, subject)
}

#[test]
fn names_of_the_image() {
    let (_, subject) = image();
    let repository = "pkg:oci/app?repository_url=registry.example/team/app";
    assert_eq!(subject.repository_purl(), repository);
    let local = Subject {
        name: "App".to_owned(),
        ..subject
    };
    assert_eq!(local.repository_purl(), "pkg:oci/app?repository_url=app");
}

#[test]
fn serial_numbers_follow_from_all_that_a_document_says() {
    let (inventory, subject) = image();
    let serial = subject.serial(&inventory, 1);
    assert_eq!(subject.serial(&inventory, 1), serial);
    assert_ne!(subject.serial(&inventory, 2), serial);
    let bare = Subject {
        base: None,
        ..subject.clone()
    };
    assert_ne!(bare.serial(&inventory, 1), serial);
    // As a parser that knows less would have left it.
    let mut less = inventory;
    less.components.pop();
    assert_ne!(subject.serial(&less, 1), serial);
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

/// Everything that a component may say, so that the documents show it.
fn rich() -> (Inventory, Subject) {
    let (mut inventory, subject) = image();
    let layer = Layer::new()
        .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
        .file(
            "app/node_modules/@scope/a/package.json",
            r#"{"name": "@scope/a", "version": "1.0.0", "license": "(MIT OR Apache-2.0)",
                "author": "A <a@example.com>", "dependencies": {"b": "^1"}}"#,
        )
        .file(
            "app/node_modules/b/package.json",
            r#"{"name": "b", "version": "1.2.0", "licenses": [{"type": "odd"}, {"type": "BSD"}]}"#,
        );
    inventory.components.extend(merged([layer]).components);
    let last = inventory.components.len() - 1;
    inventory.components[last].package.cpes = vec!["cpe:2.3:a:b:b:1.2.0:*:*:*:*:*:*:*".to_owned()];
    inventory.components[last].package.claim = Claim::Declared;
    // Two of one name, and what a document must not take for its own.
    let mut twin = inventory.components[last].clone();
    twin.package.architecture = "\u{1}\"<&".to_owned();
    inventory.components.push(twin);
    (inventory, subject)
}

#[test]
fn dependencies_and_evidence_are_in_the_document() {
    let (inventory, subject) = rich();
    let document = cyclonedx(&inventory, &subject, TIME, SERIAL);
    let needs = document["dependencies"].as_array().expect("a list");
    let a = needs
        .iter()
        .find(|one| one["ref"] == "pkg:npm/%40scope/a@1.0.0");
    assert_eq!(
        a.expect("what it needs")["dependsOn"],
        serde_json::json!(["pkg:npm/b@1.2.0"])
    );
    let references: Vec<_> = document["components"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["bom-ref"].as_str().expect("a name"))
        .collect();
    let distinct: std::collections::BTreeSet<_> = references.iter().collect();
    assert_eq!(distinct.len(), references.len());
    // The same image, the same bytes.
    let again = cyclonedx(&inventory, &subject, TIME, SERIAL).to_string();
    assert_eq!(document.to_string(), again);
}

#[test]
fn licences_have_identifiers_where_there_are_any() {
    let (mut inventory, subject) = image();
    let mut as_documents = |licenses: &[&str]| {
        let licenses = licenses.iter().map(|text| (*text).to_owned()).collect();
        inventory.components[0].package.licenses = licenses;
        let document = cyclonedx(&inventory, &subject, TIME, SERIAL);
        check_schemas(&inventory, &subject);
        document["components"][1]["licenses"].clone()
    };
    let (id, name) = (
        |id| serde_json::json!({ "license": { "id": id } }),
        |name| serde_json::json!({ "license": { "name": name } }),
    );
    assert_eq!(as_documents(&["MIT"]), serde_json::json!([id("MIT")]));
    assert_eq!(
        as_documents(&["MIT", "ISC"]),
        serde_json::json!([id("MIT"), id("ISC")])
    );
    assert_eq!(
        as_documents(&["MIT", "odd"]),
        serde_json::json!([id("MIT"), name("odd")])
    );
    let expression = serde_json::json!([{ "expression": "MIT AND (ISC OR Zlib)" }]);
    assert_eq!(as_documents(&["MIT", "ISC OR Zlib"]), expression);
}

#[test]
fn what_is_not_seen_or_not_understood_is_in_both_documents() {
    let (mut inventory, subject) = rich();
    let lower = Layer::new().file("lib/apk/db/installed", "P:gone\nV:1\n\n");
    let wheel = "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n";
    let installed = "P:py3-six\nV:1.16.0-r9\nF:usr/lib/six.dist-info\nR:METADATA\n\nP:nothing\n\n";
    let upper = Layer::new()
        .file("lib/apk/db/installed", installed)
        .file("usr/lib/six.dist-info/METADATA", wheel);
    let other = merged([lower, upper]);
    assert_eq!((other.covered.len(), other.removed.len()), (1, 1));
    inventory.components.extend(other.components);
    inventory.covered = other.covered;
    inventory.removed = other.removed;
    inventory.problems = other.problems;
    let documents = [
        cyclonedx(&inventory, &subject, TIME, SERIAL),
        spdx(&inventory, &subject, TIME, SERIAL),
    ];
    for document in &documents {
        let text = document.to_string();
        for part in [
            "lib/apk/db/installed:6: apk: a package without name",
            "pkg:pypi/six@1.16.0",
            "pkg:apk/alpine/gone@1 of layer",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    let [cyclonedx, spdx] = documents;
    assert_eq!(cyclonedx["compositions"][0]["aggregate"], "incomplete");
    let packages = spdx["packages"].as_array().expect("a list");
    let declared = packages.iter().find(|one| one["name"] == "a").expect("a");
    let said = declared["annotations"][0]["comment"]
        .as_str()
        .expect("a text");
    assert!(said.starts_with("Only declared by a lock file"), "{said}");
    assert!(
        said.contains("Confidence: high") && said.contains("(npm)"),
        "{said}"
    );
    check_schemas(&inventory, &subject);
}

#[test]
fn documents_keep_to_their_schemas() {
    for (inventory, subject) in [image(), rich(), (merged([]), image().1)] {
        check_schemas(&inventory, &subject);
    }
}

#[expect(clippy::print_stderr, reason = "it is part of the tests above")]
fn check_schemas(inventory: &Inventory, subject: &Subject) {
    for (schema, document) in [
        (
            "bom-1.6.schema.json",
            cyclonedx(inventory, subject, TIME, SERIAL),
        ),
        (
            "spdx-2.3.schema.json",
            spdx(inventory, subject, TIME, SERIAL),
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("document.json");
        std::fs::write(&file, document.to_string()).expect("a file");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas/validate.py");
        let run = std::process::Command::new("python3")
            .args(["-W", "ignore", script, schema])
            .arg(&file)
            .output();
        let Ok(output) = run else {
            eprintln!("left out: there is no python3");
            return;
        };
        if output.status.code() == Some(77) {
            eprintln!("left out: Python has no module jsonschema");
            return;
        }
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{schema}: {said}");
    }
}
