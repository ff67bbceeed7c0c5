//! Small images to push.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use oci::{Descriptor, Digest, RawManifest, media_type};
use trust::{SigningKey, cosign};

/// A manifest and the blobs it names.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) manifest: RawManifest,
    pub(crate) blobs: Vec<Vec<u8>>,
}

/// Makes an image of one layer with one file that says `text`.
pub(crate) fn image(text: &str) -> Image {
    let mut layer = tar::Builder::new(Vec::new());
    let mut file = tar::Header::new_gnu();
    file.set_size(text.len() as u64);
    file.set_mode(0o644);
    layer
        .append_data(&mut file, "etc/motd", text.as_bytes())
        .unwrap();
    let layer = layer.into_inner().unwrap();
    let diff = Digest::of(&layer);
    // Compressed, because skopeo compresses what is not and so changes the manifest.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&layer).unwrap();
    let layer = gzip.finish().unwrap();
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux",
        "config": {"User": "1000", "Cmd": ["/bin/true"]},
        "rootfs": {"type": "layers", "diff_ids": [diff]},
        "history": [{"created_by": "test"}],
    });
    let config = serde_json::to_vec(&config).unwrap();
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": descriptor(media_type::OCI_CONFIG, &config),
        "layers": [descriptor(media_type::OCI_LAYER_GZIP, &layer)],
    });
    Image {
        manifest: parse(&manifest),
        blobs: vec![config, layer],
    }
}

/// Makes an artifact about `subject`.
pub(crate) fn artifact(subject: &RawManifest, kind: &str) -> Image {
    let empty = b"{}".to_vec();
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "artifactType": kind,
        "config": descriptor(media_type::OCI_EMPTY, &empty),
        "layers": [descriptor(media_type::OCI_EMPTY, &empty)],
        "subject": subject.descriptor(),
        "annotations": {"org.example.note": kind},
    });
    Image {
        manifest: parse(&manifest),
        blobs: vec![empty],
    }
}

/// Makes an index over images that were pushed.
pub(crate) fn index(images: &[&RawManifest]) -> RawManifest {
    let manifests: Vec<_> = images.iter().map(|image| image.descriptor()).collect();
    parse(&serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests,
    }))
}

/// Makes the image that carries a signature of `image`, and the tag it goes under.
pub(crate) fn signature(key: &SigningKey, image: &RawManifest) -> (Image, String) {
    let payload = cosign::payload("registry.example/staging/acme/db", &image.digest, None);
    let signed =
        cosign::signature_manifest(&[cosign::sign(key, payload).expect("signed")]).unwrap();
    let mut blobs = signed.payloads;
    blobs.push(signed.config);
    let tag = cosign::signature_tag(&image.digest).unwrap().to_string();
    let manifest = signed.manifest;
    (Image { manifest, blobs }, tag)
}

fn descriptor(kind: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(kind, Digest::of(bytes), bytes.len() as u64)
}

fn parse(manifest: &serde_json::Value) -> RawManifest {
    RawManifest::parse(serde_json::to_vec(manifest).unwrap(), None).unwrap()
}
