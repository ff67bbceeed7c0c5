use proptest::prelude::*;

use super::*;

fn parse(text: &str, media_type: Option<&str>) -> Result<RawManifest, String> {
    RawManifest::parse(text.as_bytes().to_vec(), media_type).map_err(|e| e.to_string())
}

#[test]
fn tells_index_from_image() {
    let index = parse(r#"{"schemaVersion":2,"manifests":[]}"#, None).expect("an index");
    assert!(matches!(index.kind, ManifestKind::Index(_)));
    assert_eq!(index.media_type, media_type::OCI_INDEX);
}

#[test]
fn keeps_what_it_does_not_know() {
    let digest = Digest::of(b"x");
    let blob = format!(r#"{{"mediaType":"text/spdx","digest":"{digest}","size":1}}"#);
    let text = format!(
        r#"{{"mediaType":"application/vnd.oci.artifact.manifest.v1+json","artifactType":"a/b",
            "blobs":[{blob}],"subject":{blob},"annotations":{{"a":"b"}},"extra":[1]}}"#
    );
    let manifest = parse(&text, None).expect("an artifact");
    assert!(matches!(manifest.kind, ManifestKind::Other(_)));
    assert_eq!(manifest.artifact_type(), Some("a/b"));
    assert_eq!(manifest.blobs().count(), 1);
    assert_eq!(manifest.subject().map(|it| &it.digest), Some(&digest));
    assert_eq!(manifest.annotations().map(BTreeMap::len), Some(1));
    assert!(parse("{}", Some("application/vnd.example+json")).is_ok());
    for broken in [
        ("[]", "application/vnd.example+json"),
        ("{", "application/vnd.example+json"),
        (r#"{"blobs":[1]}"#, "application/vnd.example+json"),
        ("{}", "text/json"),
        ("{}", "application/x y+json"),
        ("{}", "application/vnd.example"),
    ] {
        assert!(parse(broken.0, Some(broken.1)).is_err(), "{broken:?}");
    }
}

#[test]
fn schema_1_is_known_by_its_type_its_version_and_its_form() {
    let signed = media_type::DOCKER_SCHEMA1_SIGNED;
    for (text, media_type) in [
        (r#"{"schemaVersion":1}"#, None),
        (r#"{"schemaVersion":1}"#, Some(media_type::OCI_MANIFEST)),
        (
            r#"{"schemaVersion":1}"#,
            Some("application/vnd.example+json"),
        ),
        (r#"{"schemaVersion":2,"fsLayers":[]}"#, None),
        ("{}", Some(media_type::DOCKER_SCHEMA1)),
        ("{}", Some(signed)),
        (&format!(r#"{{"mediaType":"{signed}"}}"#), None),
    ] {
        let refused = parse(text, media_type).expect_err("schema 1");
        assert!(refused.contains("push the image again"), "{refused}");
    }
}

#[test]
fn says_what_is_wrong() {
    let no_config =
        parse(r#"{"schemaVersion":2}"#, Some(media_type::OCI_MANIFEST)).expect_err("no config");
    assert!(no_config.contains("missing field `config`"), "{no_config}");
    assert!(parse("{", None).is_err());
    assert!(
        parse("{}", None)
            .expect_err("version")
            .contains("must be 2")
    );
    let disagree = parse(
        &format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[]}}"#,
            media_type::OCI_INDEX
        ),
        Some(media_type::OCI_MANIFEST),
    );
    assert!(
        disagree
            .expect_err("types differ")
            .contains("the request said")
    );
}

/// Documents that nearly are manifests: known names with values of the right or another form.
fn document() -> impl Strategy<Value = String> {
    let digest = Digest::of(b"x");
    let descriptor = format!(r#"{{"mediaType":"a/b","digest":"{digest}","size":1}}"#);
    let value = prop_oneof![
        Just(descriptor.clone()),
        Just(format!("[{descriptor}]")),
        Just(r#"{"a":"b"}"#.to_owned()),
        Just("2".to_owned()),
        Just(format!("\"{}\"", media_type::OCI_MANIFEST)),
        Just(format!("\"{}\"", media_type::OCI_INDEX)),
        Just(r#""application/vnd.example+json""#.to_owned()),
        "[-\\[\\]{}\",:0-9a-z]{0,9}",
    ];
    let name = prop_oneof![
        Just("schemaVersion"),
        Just("mediaType"),
        Just("artifactType"),
        Just("config"),
        Just("layers"),
        Just("blobs"),
        Just("manifests"),
        Just("subject"),
        Just("annotations"),
    ];
    let members = proptest::collection::btree_map(name, value, 0..7);
    members.prop_map(|members| {
        let members = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    })
}

proptest! {
    #[test]
    fn what_is_taken_is_read_alike_again(text in document(), known in 0_usize..6) {
        let media_type = media_type::MANIFESTS.get(known).copied();
        let Ok(manifest) = RawManifest::parse(text.clone().into_bytes(), media_type) else {
            return Ok(());
        };
        prop_assert_eq!(&manifest.bytes, text.as_bytes());
        let stored = RawManifest::parse(manifest.bytes.clone(), Some(&manifest.media_type));
        prop_assert_eq!(stored.ok(), Some(manifest));
    }
}

#[test]
fn an_empty_artifact_type_is_none() {
    let manifest = |more: &str| {
        let text = format!(
            r#"{{"schemaVersion":2,{more},"config":{{"mediaType":"a/config","digest":"{}","size":2}},"layers":[]}}"#,
            Digest::of(b"{}")
        );
        RawManifest::parse(text.into_bytes(), Some(media_type::OCI_MANIFEST)).expect("a manifest")
    };
    for (more, kind) in [
        (r#""artifactType":"""#, "a/config"),
        (r#""artifactType":"a/b""#, "a/b"),
        (r#""annotations":{}"#, "a/config"),
    ] {
        assert_eq!(manifest(more).artifact_type(), Some(kind), "{more}");
    }
    let index = br#"{"schemaVersion":2,"artifactType":"","manifests":[]}"#;
    let index = RawManifest::parse(index.to_vec(), Some(media_type::OCI_INDEX)).expect("an index");
    assert_eq!(index.artifact_type(), None);
}
