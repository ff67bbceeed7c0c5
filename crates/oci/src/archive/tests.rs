use std::{fs, io::Read, path::Path};

use proptest::prelude::*;
use serde_json::json;
use tempfile::tempdir;

use super::*;
use crate::{Digest, PlatformImage, media_type, platform_images, testing};

fn contents(source: &dyn ImageSource, image: &PlatformImage) -> Vec<Vec<u8>> {
    let read = |layer| {
        let mut bytes = Vec::new();
        let mut reader = source.open(layer).expect("a layer");
        reader.read_to_end(&mut bytes).expect("a whole layer");
        bytes
    };
    image.layers().iter().map(read).collect()
}

fn refusal(source: Result<DockerArchive, SourceError>) -> String {
    source.expect_err("a refusal").to_string()
}

/// Writes an archive as old engines did: a directory a layer, repeated layers as links.
fn legacy(file: &Path) {
    let layer = b"one layer";
    let id = Digest::of(layer);
    let config = json!({"architecture": "amd64", "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [id, id]}})
    .to_string();
    let manifest = json!([{"Config": "c.json", "RepoTags": ["acme/db:1"],
        "Layers": ["a/layer.tar", "b/layer.tar"]}])
    .to_string();
    let mut builder = tar::Builder::new(fs::File::create(file).expect("a file"));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder
        .append_link(&mut header, "b/layer.tar", "../a/layer.tar")
        .expect("a link");
    for (name, bytes) in [
        ("a/layer.tar", &layer[..]),
        ("c.json", config.as_bytes()),
        ("manifest.json", manifest.as_bytes()),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        builder
            .append_data(&mut header, name, bytes)
            .expect("a member");
    }
    builder.finish().expect("a tar file");
}

#[test]
fn reads_what_a_layout_became() {
    let dir = tempdir().expect("a directory");
    let (layout, outer) = testing::two_platforms(&dir.path().join("layout"));
    let file = dir.path().join("image.tar");
    testing::pack(layout.dir(), &file);
    let archive = OciArchive::open(&file, Some("v1")).expect("an archive");
    assert_eq!(archive.root().digest, outer.digest);
    let images = platform_images(&archive).expect("images");
    assert_eq!(images.len(), 2);
    assert_eq!(contents(&archive, &images[1]), [&b"base"[..], b"arm"]);
    let error = OciArchive::open(&file, Some("v2")).expect_err("no such tag");
    assert!(error.to_string().contains("it has `v1`"), "{error}");
    let error = refusal(DockerArchive::open(&file, None));
    assert!(error.contains("name it as `oci-archive:FILE`"), "{error}");
}

#[test]
fn reads_what_old_engines_saved() {
    let dir = tempdir().expect("a directory");
    let file = dir.path().join("saved.tar");
    legacy(&file);
    for name in [None, Some("acme/db:1"), Some("docker.io/acme/db:1")] {
        let archive = DockerArchive::open(&file, name).expect("an archive");
        let images = platform_images(&archive).expect("an image");
        assert_eq!(images[0].platform(), "linux/amd64");
        assert_eq!(contents(&archive, &images[0]), [b"one layer", b"one layer"]);
    }
    let error = refusal(DockerArchive::open(&file, Some("acme/db")));
    assert!(
        error.contains("no image `acme/db`; it has `acme/db:1`"),
        "{error}"
    );
}

#[test]
fn keeps_the_manifest_that_new_engines_save() {
    let dir = tempdir().expect("a directory");
    let layout = Layout::create(&dir.path().join("layout")).expect("a layout");
    let image = testing::image(&layout, "amd64", &[b"base", b"top"]);
    layout.put_manifest(&image, Some("1")).expect("an entry");
    let parsed = image.image().expect("an image");
    let name = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
    let layers: Vec<_> = parsed.layers.iter().map(|l| name(&l.digest)).collect();
    let saved =
        json!([{"Config": name(&parsed.config.digest), "RepoTags": null, "Layers": layers}]);
    fs::write(layout.dir().join("manifest.json"), saved.to_string()).expect("a file");
    let file = dir.path().join("saved.tar");
    testing::pack(layout.dir(), &file);
    let archive = DockerArchive::open(&file, None).expect("an archive");
    assert_eq!(archive.root().digest, image.digest);
    assert_eq!(platform_images(&archive).expect("an image").len(), 1);
}

#[test]
fn tells_compression_and_finds_foreign_layers() {
    let dir = tempdir().expect("a directory");
    let file = dir.path().join("saved.tar");
    let save = |layer: &[u8], ids: &[Digest]| {
        let config = json!({"architecture": "amd64", "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": ids}});
        testing::tar(
            &file,
            &[
                ("manifest.json", br#"[{"Config":"c","Layers":["l"]}]"#),
                ("c", config.to_string().as_bytes()),
                ("l", layer),
            ],
        );
        DockerArchive::open(&file, None)
    };
    let some = Digest::of(b"uncompressed");
    for (magic, kind) in [
        (&b"\x1f\x8b\x08rest"[..], media_type::OCI_LAYER_GZIP),
        (b"\x28\xb5\x2f\xfdrest", media_type::OCI_LAYER_ZSTD),
    ] {
        let archive = save(magic, std::slice::from_ref(&some)).expect("an archive");
        let images = platform_images(&archive).expect("an image");
        assert_eq!(images[0].layers()[0].media_type, kind);
    }
    assert!(refusal(save(b"other", std::slice::from_ref(&some))).contains("instead of"));
    assert!(refusal(save(b"other", &[])).contains("lists 1 layers, the configuration 0"));
}

#[test]
fn says_what_is_wrong_with_a_file() {
    let dir = tempdir().expect("a directory");
    let file = dir.path().join("image.tar");
    let open = |bytes: &[u8]| {
        fs::write(&file, bytes).expect("a file");
        OciArchive::open(&file, None)
            .expect_err("a refusal")
            .to_string()
    };
    assert!(open(b"\x1f\x8b").contains("no tar file, or a truncated one"));
    assert!(open(&[b"\x1f\x8b\x08".to_vec(), vec![0; 600]].concat()).contains("decompress it"));
    assert!(open(&[7; 1024]).contains("wrong checksum"));
    assert!(open(b"").contains("truncated"));
    assert!(open(&[0; 1024]).contains("no `index.json`"));
    legacy(&file);
    let saved = fs::read(&file).expect("a file");
    assert!(open(&saved).contains("name it as `docker-archive:FILE`"));
    assert!(open(&saved[..1030]).contains("truncated: `a/layer.tar` needs 9 bytes, 6 are left"));
}

#[test]
fn links_in_a_circle_end() {
    let dir = tempdir().expect("a directory");
    let file = dir.path().join("image.tar");
    let mut builder = tar::Builder::new(fs::File::create(&file).expect("a file"));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder
        .append_link(&mut header, "manifest.json", "manifest.json")
        .expect("a link");
    builder.finish().expect("a tar file");
    let error = refusal(DockerArchive::open(&file, None));
    assert!(error.contains("more than 8 links to follow"), "{error}");
}

#[test]
fn reads_long_names_of_both_kinds() {
    let dir = tempdir().expect("a directory");
    let file = dir.path().join("image.tar");
    let long = "d/".repeat(80) + "name";
    testing::tar(&file, &[(&long, b"gnu")]);
    let index = tar_index::TarIndex::open(&file).expect("a tar file");
    assert_eq!(index.read_small(&long).expect("a member"), b"gnu");

    let mut builder = tar::Builder::new(fs::File::create(&file).expect("a file"));
    builder
        .append_pax_extensions([("path", long.as_bytes()), ("size", b"3")])
        .expect("an extension");
    let mut header = tar::Header::new_ustar();
    header.set_size(3);
    builder
        .append_data(&mut header, "short", &b"pax"[..])
        .expect("a member");
    builder.finish().expect("a tar file");
    let index = tar_index::TarIndex::open(&file).expect("a tar file");
    assert_eq!(index.read_small(&long).expect("a member"), b"pax");
}

#[test]
fn names_what_opens_other_references() {
    let open = |text: &str| open_image(&text.parse().expect("a reference")).err();
    let message = |text| open(text).expect("a refusal").to_string();
    assert!(message("acme/db:1").contains("pull_to_layout"));
    assert!(message("dir:/x").contains("root file system"));
    assert!(message("oci:/nowhere").contains("no OCI layout"));
    assert!(message("oci-archive:/nowhere.tar").contains("cannot open `/nowhere.tar`"));
}

#[test]
fn reads_what_skopeo_writes() {
    let dir = tempdir().expect("a directory");
    let Some(real) = testing::real_layouts().into_iter().min() else {
        return;
    };
    let from = format!("oci:{}:latest", real.display());
    let (oci, docker) = (dir.path().join("oci.tar"), dir.path().join("docker.tar"));
    let to_oci = format!("oci-archive:{}:v1", oci.display());
    let to_docker = format!("docker-archive:{}:acme/db:v1", docker.display());
    if !testing::skopeo(&[&from, &to_oci]) || !testing::skopeo(&[&from, &to_docker]) {
        return;
    }
    let original = open_image(&from.parse().expect("a reference")).expect("an image");
    let original = platform_images(original.as_ref()).expect("an image");
    for text in [to_oci, to_docker] {
        let source = open_image(&text.parse().expect("a reference")).expect("an image");
        let images = platform_images(source.as_ref()).expect("an image");
        assert_eq!(images[0].config.rootfs, original[0].config.rootfs, "{text}");
        let layers = contents(source.as_ref(), &images[0]);
        assert_eq!(layers.len(), original[0].layers().len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn never_panics_on_damage(
        cut in 0_usize..6000,
        at in 0_usize..6000,
        with in any::<u8>(),
        summed in any::<bool>(),
    ) {
        let dir = tempdir().expect("a directory");
        let file = dir.path().join("saved.tar");
        legacy(&file);
        let mut bytes = fs::read(&file).expect("a file");
        bytes.truncate(cut);
        if let Some(byte) = bytes.get_mut(at) {
            *byte = with;
        }
        // With a right checksum the damaged field itself is read.
        if let Some(block) = bytes.get_mut(at / 512 * 512..at / 512 * 512 + 512)
            && summed
        {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        }
        fs::write(&file, &bytes).expect("a file");
        if let Ok(archive) = DockerArchive::open(&file, None) {
            let _images = platform_images(&archive);
        }
        let _archive = OciArchive::open(&file, None);
    }

    #[test]
    fn never_panics_on_any_bytes(blocks in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let dir = tempdir().expect("a directory");
        let file = dir.path().join("any.tar");
        fs::write(&file, &blocks).expect("a file");
        let _archive = OciArchive::open(&file, None);
    }
}
