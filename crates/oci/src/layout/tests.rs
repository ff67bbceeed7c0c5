use std::{fs, io::Read};

use tempfile::tempdir;

use super::*;
use crate::{media_type, platform_images, testing};

#[test]
fn keeps_what_is_put() {
    let dir = tempdir().expect("a directory");
    let path = dir.path().join("a/b");
    let layout = Layout::create(&path).expect("a layout");
    let blob = layout
        .put_blob(&mut &b"layer"[..], media_type::OCI_LAYER)
        .expect("a blob");
    assert_eq!((blob.digest.clone(), blob.size), (Digest::of(b"layer"), 5));
    assert!(layout.has_blob(&blob));
    let image = testing::image(&layout, "amd64", &[b"layer"]);
    layout.put_manifest(&image, Some("v1")).expect("an entry");
    layout.put_manifest(&image, Some("v2")).expect("an entry");

    let again = Layout::create(&path).expect("the same layout");
    assert_eq!(again.tags().expect("tags"), ["v1", "v2"]);
    let source = again.select(None).expect("one image under two tags");
    assert_eq!(source.root().digest, image.digest);
    assert_eq!(source.manifest(source.root()).expect("a manifest"), image);
    let mut bytes = Vec::new();
    source
        .open(&blob)
        .expect("a blob")
        .read_to_end(&mut bytes)
        .expect("the blob");
    assert_eq!(bytes, b"layer");
    let left: Vec<_> = fs::read_dir(&path).expect("entries").flatten().collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn a_tag_moves() {
    let dir = tempdir().expect("a directory");
    let layout = Layout::create(dir.path()).expect("a layout");
    for arch in ["amd64", "arm64"] {
        let image = testing::image(&layout, arch, &[b"a"]);
        layout.put_manifest(&image, Some("v1")).expect("an entry");
        layout.put_manifest(&image, None).expect("an entry");
        layout.put_manifest(&image, None).expect("the same entry");
    }
    assert_eq!(layout.tags().expect("tags"), ["v1"]);
    let moved = layout.select(Some("v1")).expect("an image");
    assert_eq!(
        platform_images(&moved).expect("an image")[0]
            .config
            .architecture,
        "arm64"
    );
    assert_eq!(layout.read_index().expect("an index").manifests.len(), 3);
}

#[test]
fn lists_the_tags_there_are() {
    let dir = tempdir().expect("a directory");
    let layout = Layout::create(dir.path()).expect("a layout");
    let message = |tag| layout.select(tag).expect_err("none").to_string();
    assert!(message(None).contains("holds no image yet"));
    for arch in ["amd64", "arm64"] {
        let image = testing::image(&layout, arch, &[b"a"]);
        layout.put_manifest(&image, Some(arch)).expect("an entry");
    }
    assert!(message(None).contains("2 images, name one of `amd64`, `arm64`"));
    assert!(message(Some("v9")).contains("no image `v9`; it has `amd64`, `arm64`"));
}

#[test]
fn refuses_damage() {
    let dir = tempdir().expect("a directory");
    let layout = Layout::create(dir.path()).expect("a layout");
    let promised = Descriptor::new(media_type::OCI_LAYER, Digest::of(b"abc"), 3);
    for wrong in [&b"abd"[..], b"ab", b"abcd"] {
        assert!(layout.put_verified(&mut &*wrong, &promised).is_err());
        assert!(!layout.has_blob(&promised));
    }
    let image = testing::image(&layout, "amd64", &[b"abc"]);
    layout.put_manifest(&image, None).expect("an entry");
    fs::write(layout.blob_path(&promised.digest), b"abd").expect("damage");
    let source = layout.select(None).expect("an image");
    let mut out = Vec::new();
    let mut reader = source.open(&promised).expect("a blob");
    assert!(reader.read_to_end(&mut out).is_err());
    fs::write(layout.blob_path(&image.digest), b"{}").expect("damage");
    let error = source.manifest(source.root()).expect_err("damage");
    assert!(matches!(error, SourceError::Damaged { .. }), "{error}");
    fs::remove_file(layout.blob_path(&image.digest)).expect("a file");
    let error = source.manifest(source.root()).expect_err("missing");
    assert!(matches!(error, SourceError::Missing { .. }), "{error}");
}

#[test]
fn opens_layouts_only() {
    let dir = tempdir().expect("a directory");
    let message = || Layout::open(dir.path()).expect_err("no layout").to_string();
    assert!(message().contains("no file `oci-layout`"));
    fs::write(
        dir.path().join("oci-layout"),
        r#"{"imageLayoutVersion":"9"}"#,
    )
    .expect("a file");
    assert!(message().contains("version `9` is not known"));
    fs::write(
        dir.path().join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .expect("a file");
    assert!(message().contains("cannot open"));
    fs::write(dir.path().join("index.json"), "[").expect("a file");
    assert!(message().contains("not the expected JSON"));
}

#[test]
fn reads_real_images() {
    for path in testing::real_layouts() {
        let source = Layout::open(&path)
            .and_then(|layout| layout.select(None))
            .expect("an image");
        for image in platform_images(&source).expect("images") {
            assert_eq!(image.config.os, "linux");
            for layer in image.layers() {
                let mut reader = source.open(layer).expect("a layer");
                std::io::copy(&mut reader, &mut std::io::sink()).expect("a whole layer");
            }
        }
    }
}
