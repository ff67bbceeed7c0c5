use std::io::Read;

use proptest::prelude::*;
use serde_json::json;
use tempfile::tempdir;

use super::*;
use crate::{Layout, testing};

fn read(bytes: &[u8], descriptor: &Descriptor) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    VerifyingReader::new(bytes, descriptor)
        .read_to_end(&mut out)
        .map(|_| out)
        .map_err(|e| e.to_string())
}

#[test]
fn verifies_size_and_digest() {
    let descriptor = Descriptor::new("x", Digest::of(b"abc"), 3);
    assert_eq!(read(b"abc", &descriptor), Ok(b"abc".to_vec()));
    let message = |bytes| read(bytes, &descriptor).expect_err("damage");
    assert!(message(b"ab").contains("2 bytes instead of 3"));
    assert!(message(b"abcd").contains("more than its 3 bytes"));
    assert!(message(b"abd").contains("instead of sha256:ba7816"));
    let nothing = Descriptor::new("x", Digest::of(b"x"), 0);
    assert!(read(b"", &nothing).is_err());
}

#[test]
fn gives_out_no_last_byte_of_damaged_content() {
    let descriptor = Descriptor::new("x", Digest::of(b"abc"), 3);
    let mut reader = VerifyingReader::new(&b"abd"[..], &descriptor);
    let mut exactly = [0; 3];
    let error = reader.read_exact(&mut exactly).expect_err("damage");
    assert!(VerifyError::in_io(&error).is_some());
    assert!(reader.read(&mut exactly).is_err(), "the failure stays");
}

#[test]
fn resolves_an_index_without_its_attestations() {
    let dir = tempdir().expect("a directory");
    let (layout, _) = testing::two_platforms(dir.path());
    let source = layout.select(None).expect("an image");
    let images = platform_images(&source).expect("images");
    let platforms: Vec<_> = images.iter().map(PlatformImage::platform).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    assert_eq!(images[0].layers().len(), 2);
    assert_eq!(images[0].config.config.cmd, ["/bin/true"]);
}

#[test]
fn keeps_artifacts_apart() {
    let dir = tempdir().expect("a directory");
    let layout = Layout::create(dir.path()).expect("a layout");
    let config = layout
        .put_bytes(b"{}", media_type::OCI_EMPTY)
        .expect("a blob");
    let artifact = testing::manifest(&json!({
        "schemaVersion": 2, "artifactType": "application/x-proof", "config": config, "layers": [],
    }));
    layout
        .put_manifest(&artifact, Some("proof"))
        .expect("an entry");
    let alone = layout.select(Some("proof")).expect("an entry");
    let error = platform_images(&alone).expect_err("no image").to_string();
    assert!(
        error.contains("no container image but application/x-proof"),
        "{error}"
    );

    let image = testing::image(&layout, "amd64", &[b"a"]);
    let both = testing::index(&layout, &[(&artifact, json!({})), (&image, json!({}))]);
    layout.put_manifest(&both, Some("both")).expect("an entry");
    let both = layout.select(Some("both")).expect("an entry");
    assert_eq!(platform_images(&both).expect("images").len(), 1);
}

#[test]
fn stops_at_depth_and_count() {
    let dir = tempdir().expect("a directory");
    let layout = Layout::create(dir.path()).expect("a layout");
    let mut manifest = testing::image(&layout, "amd64", &[b"a"]);
    for depth in 1..=4 {
        manifest = testing::index(&layout, &[(&manifest, json!({}))]);
        layout
            .put_manifest(&manifest, Some("deep"))
            .expect("an entry");
        let found = platform_images(&layout.select(Some("deep")).expect("an entry"));
        assert_eq!(found.is_ok(), depth <= MAX_INDEX_DEPTH, "{found:?}");
    }
    let image = testing::image(&layout, "amd64", &[b"a"]);
    let many = vec![(&image, json!({})); MAX_INDEX_MANIFESTS + 1];
    let wide = testing::index(&layout, &many);
    layout.put_manifest(&wide, Some("wide")).expect("an entry");
    let error = platform_images(&layout.select(Some("wide")).expect("an entry"))
        .expect_err("too many")
        .to_string();
    assert!(error.contains("more than 64 manifests"), "{error}");
}

proptest! {
    #[test]
    fn passes_exactly_what_was_promised(
        promised in proptest::collection::vec(any::<u8>(), 0..40),
        given in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let descriptor = Descriptor::new("x", Digest::of(&promised), promised.len() as u64);
        prop_assert_eq!(read(&given, &descriptor).is_ok(), promised == given);
        prop_assert!(read(&promised, &descriptor).is_ok());
    }
}
