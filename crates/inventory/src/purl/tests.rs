use serde_json::Value;

use super::*;

#[test]
fn encodes_what_must_be() {
    let package = Package {
        architecture: "amd64".to_owned(),
        ..Package::new(Kind::Deb, "libstdc++6", "1:10.2~rc1-6+b1")
    };
    assert_eq!(
        purl(&package, None),
        "pkg:deb/debian/libstdc%2B%2B6@1:10.2~rc1-6%2Bb1?arch=amd64"
    );
    let distribution = Distribution {
        id: "ubuntu".to_owned(),
        version_id: Some("22.04".to_owned()),
        ..Distribution::default()
    };
    assert!(purl(&package, Some(&distribution)).ends_with("?arch=amd64&distro=ubuntu-22.04"));
    assert!(purl(&package, Some(&distribution)).starts_with("pkg:deb/ubuntu/"));
}

#[test]
fn an_rpm_has_its_epoch_as_a_qualifier() {
    let package = Package::new(Kind::Rpm, "bash", "1:5.1-2.el9");
    assert_eq!(purl(&package, None), "pkg:rpm/bash@5.1-2.el9?epoch=1");
    let package = Package {
        namespace: "@babel".to_owned(),
        ..Package::new(Kind::Npm, "core", "7.0.1")
    };
    assert_eq!(purl(&package, None), "pkg:npm/%40babel/core@7.0.1");
}

/// The specification's own vectors.
#[test]
fn conforms_to_the_specification() {
    let Some(tests) = crate::testing::data("purl-spec/tests") else {
        return;
    };
    let mut count = 0;
    for folder in ["spec", "types"] {
        for file in std::fs::read_dir(tests.join(folder)).expect("a folder") {
            let path = file.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("a readable file");
            let vectors: Value = serde_json::from_slice(&bytes).expect("JSON");
            for vector in vectors["tests"].as_array().expect("tests") {
                check(&path.display().to_string(), vector);
                count += 1;
            }
        }
    }
    assert!(count > 500, "only {count} vectors");
}

fn check(file: &str, vector: &Value) {
    let input = &vector["input"];
    let text = || input.as_str().expect("text").parse::<PackageUrl>();
    let result = match vector["test_type"].as_str() {
        Some("build") => parts(input).canonical().map(|url| url.to_string().into()),
        Some("validate") => {
            PackageUrl::lenient(input.as_str().expect("text")).map(|url| url.to_string().into())
        }
        Some("parse") => text().map(|url| as_json(&url)),
        other => panic!("{file}: {other:?}"),
    };
    if vector["expected_failure"] == true {
        assert!(result.is_err(), "{file}: {vector}: {result:?}");
        return;
    }
    let mut expected = vector["expected_output"].clone();
    if expected.is_object() {
        expected = as_json(&parts(&expected));
    }
    assert_eq!(result, Ok(expected), "{file}: {vector}");
}

fn parts(value: &Value) -> PackageUrl {
    let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let qualifiers = value["qualifiers"].as_object();
    let pairs = qualifiers.into_iter().flatten();
    PackageUrl {
        kind: text("type"),
        namespace: text("namespace"),
        name: text("name"),
        version: text("version"),
        qualifiers: pairs
            .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
        subpath: text("subpath"),
    }
}

fn as_json(url: &PackageUrl) -> Value {
    serde_json::json!([
        url.kind,
        url.namespace,
        url.name,
        url.version,
        url.qualifiers,
        url.subpath
    ])
}

proptest::proptest! {
    #[test]
    fn what_is_written_is_read_again(
        name in "[ -~äß]{1,12}",
        version in "[ -~]{0,12}",
        value in "[ -~]{1,12}",
    ) {
        let url = PackageUrl {
            kind: "generic".to_owned(),
            name,
            version,
            qualifiers: [("key".to_owned(), value)].into(),
            ..PackageUrl::default()
        };
        if let Ok(url) = url.canonical() {
            proptest::prop_assert_eq!(url.to_string().parse(), Ok(url));
        }
    }

    #[test]
    fn never_panics(text in "(pkg:)?[ -~ä%@/#?]{0,40}") {
        drop(text.parse::<PackageUrl>());
    }
}
