//! Small images and archives for this crate's tests.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;

use crate::{Descriptor, Layout, ManifestKind, RawManifest, media_type};

/// Stores a configuration and layers, and returns the manifest over them.
pub(crate) fn image(layout: &Layout, architecture: &str, layers: &[&[u8]]) -> RawManifest {
    let layers: Vec<Descriptor> = layers
        .iter()
        .map(|bytes| {
            layout
                .put_bytes(bytes, media_type::OCI_LAYER)
                .expect("a layer")
        })
        .collect();
    let diff_ids: Vec<_> = layers.iter().map(|layer| &layer.digest).collect();
    let config = json!({
        "architecture": architecture, "os": "linux",
        "config": {"Cmd": ["/bin/true"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let config = layout
        .put_bytes(config.to_string().as_bytes(), media_type::OCI_CONFIG)
        .expect("a configuration");
    manifest(&json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": config, "layers": layers,
    }))
}

/// Stores an index over `children` with the notes given for each, and returns it.
pub(crate) fn index(
    layout: &Layout,
    children: &[(&RawManifest, serde_json::Value)],
) -> RawManifest {
    let entries: Vec<_> = children
        .iter()
        .map(|(child, extra)| {
            layout
                .put_bytes(&child.bytes, &child.media_type)
                .expect("a manifest");
            let mut entry = serde_json::to_value(child.descriptor()).expect("JSON");
            let extra = extra.as_object().expect("an object").clone();
            entry.as_object_mut().expect("an object").extend(extra);
            entry
        })
        .collect();
    manifest(&json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries,
    }))
}

pub(crate) fn manifest(value: &serde_json::Value) -> RawManifest {
    RawManifest::parse(value.to_string().into_bytes(), None).expect("a manifest")
}

/// Makes a layout with one image of two platforms and an attestation, tagged `v1`.
pub(crate) fn two_platforms(dir: &Path) -> (Layout, RawManifest) {
    let layout = Layout::create(dir).expect("a layout");
    let amd = image(&layout, "amd64", &[b"base", b"amd"]);
    let arm = image(&layout, "arm64", &[b"base", b"arm"]);
    let proof = image(&layout, "unknown", &[b"proof"]);
    let platform = |os: &str, arch: &str| json!({"platform": {"os": os, "architecture": arch}});
    let outer = index(
        &layout,
        &[
            (&amd, platform("linux", "amd64")),
            (&arm, platform("linux", "arm64")),
            (&proof, platform("unknown", "unknown")),
        ],
    );
    assert!(matches!(outer.kind, ManifestKind::Index(_)));
    layout.put_manifest(&outer, Some("v1")).expect("an entry");
    (layout, outer)
}

/// Writes a tar file of `members`.
pub(crate) fn tar(file: &Path, members: &[(&str, &[u8])]) {
    let mut builder = tar::Builder::new(File::create(file).expect("a file"));
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, name, *bytes)
            .expect("a member");
    }
    builder.finish().expect("a tar file");
}

/// Packs a layout as `tar -C dir .` does.
pub(crate) fn pack(dir: &Path, file: &Path) {
    let mut builder = tar::Builder::new(File::create(file).expect("a file"));
    builder.append_dir_all(".", dir).expect("members");
    builder.finish().expect("a tar file");
}

/// Returns the layouts of real images, none where they are absent.
pub(crate) fn real_layouts() -> Vec<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where tests find real data")]
    let data = std::env::var("PLIMSOLL_TEST_DATA").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_owned()
    });
    // Clients of other projects resolve `..` by the text alone.
    let images = Path::new(&data).join("images").canonicalize();
    let Ok(entries) = images.and_then(std::fs::read_dir) else {
        eprintln!("skipped: no images in {data}");
        return Vec::new();
    };
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

/// Runs skopeo; false where it is not installed.
pub(crate) fn skopeo(arguments: &[&str]) -> bool {
    let run = Command::new("skopeo")
        .args(["--insecure-policy", "copy", "--quiet"])
        .args(arguments)
        .stdout(Stdio::null())
        .output();
    match run {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{arguments:?}: {said}");
            true
        }
        Err(_) => {
            eprintln!("skipped: skopeo is not installed");
            false
        }
    }
}
