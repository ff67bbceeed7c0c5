//! Small images, made byte by byte.

use std::io::Write;

use oci::{Digest, media_type};
use serde_json::{Value, json};

/// How a layer is packed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Packing {
    None,
    Gzip,
    Zstd,
}

/// An image's parts, ready to push.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// Layers as pushed, with their media type.
    pub(crate) layers: Vec<(Vec<u8>, &'static str)>,
    pub(crate) config: Value,
}

pub(crate) const DEBIAN_11: &str = "PRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"\nID=debian\nVERSION_ID=\"11\"\nVERSION_CODENAME=bullseye\n";

/// Packs files as a layer's archive.
pub(crate) fn tar<C: AsRef<[u8]>>(files: &[(&str, C)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.as_ref().len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, name, content.as_ref())
            .expect("a member");
    }
    builder.into_inner().expect("an archive")
}

/// Returns the installed packages as dpkg notes them.
pub(crate) fn dpkg(packages: &[(&str, &str)]) -> String {
    let entry = |(name, version): &(&str, &str)| {
        format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
        )
    };
    packages.iter().map(entry).collect()
}

pub(crate) fn pack(tar: &[u8], packing: Packing) -> (Vec<u8>, &'static str) {
    match packing {
        Packing::None => (tar.to_vec(), media_type::OCI_LAYER),
        Packing::Gzip => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(tar).expect("packed");
            (gzip.finish().expect("packed"), media_type::OCI_LAYER_GZIP)
        }
        Packing::Zstd => (
            zstd::encode_all(tar, 3).expect("packed"),
            media_type::OCI_LAYER_ZSTD,
        ),
    }
}

impl Image {
    /// Makes an image of archives, each packed in this way.
    pub(crate) fn of(archives: &[Vec<u8>], packing: Packing) -> Self {
        let diff_ids: Vec<_> = archives
            .iter()
            .map(|tar| Digest::of(tar).to_string())
            .collect();
        let history: Vec<_> = archives
            .iter()
            .map(|_| json!({"created": "2026-10-01T00:00:00Z", "created_by": "COPY rootfs / # buildkit"}))
            .collect();
        Self {
            layers: archives.iter().map(|tar| pack(tar, packing)).collect(),
            config: json!({
                "architecture": "amd64", "os": "linux", "created": "2026-10-01T00:00:00Z",
                "config": {"User": "app", "Env": ["PATH=/usr/bin"], "Entrypoint": ["/app"]},
                "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": history,
            }),
        }
    }

    /// Debian 11 with these packages, and a second layer that differs by `seed`.
    pub(crate) fn debian(packages: &[(&str, &str)], seed: &str) -> Self {
        let base = tar(&[
            ("etc/os-release", DEBIAN_11),
            ("var/lib/dpkg/status", &dpkg(packages)),
        ]);
        Self::of(&[base, tar(&[("app", seed)])], Packing::Gzip)
    }

    /// With openssl as Debian 11 had it, which the starter advisories know about.
    pub(crate) fn vulnerable(seed: &str) -> Self {
        Self::debian(
            &[("openssl", "1.1.1n-0+deb11u1"), ("bash", "5.1-2+deb11u1")],
            seed,
        )
    }

    /// Returns the manifest over these parts.
    pub(crate) fn manifest(&self) -> Vec<u8> {
        let descriptor = |bytes: &[u8], media_type: &str| json!({"mediaType": media_type, "digest": Digest::of(bytes).to_string(), "size": bytes.len()});
        let layers: Vec<_> = self
            .layers
            .iter()
            .map(|(bytes, kind)| descriptor(bytes, kind))
            .collect();
        let config = self.config.to_string();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
            "config": descriptor(config.as_bytes(), media_type::OCI_CONFIG), "layers": layers,
        });
        manifest.to_string().into_bytes()
    }
}

/// Returns an index over manifests, each with its architecture.
pub(crate) fn index(children: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<_> = children
        .iter()
        .map(|(architecture, manifest)| {
            json!({"mediaType": media_type::OCI_MANIFEST, "digest": Digest::of(manifest).to_string(), "size": manifest.len(),
                "platform": {"os": "linux", "architecture": architecture}})
        })
        .collect();
    let index =
        json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries});
    index.to_string().into_bytes()
}

/// Returns a grey picture.
pub(crate) fn picture(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().expect("a header");
    let pixels = vec![128; (width * height) as usize];
    writer.write_image_data(&pixels).expect("pixels");
    writer.finish().expect("a picture");
    bytes
}
