//! A small image, the same bytes each time, and advisories about what is in it.

use std::path::Path;

use oci::{Descriptor, Digest, Layout, RawManifest, media_type};
use serde_json::json;
use trust::{SigningKey, cosign};

use crate::support::Place;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

const OS_RELEASE: &str = "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.20.3\n\
    PRETTY_NAME=\"Alpine Linux v3.20\"\n";

const INSTALLED: &str = "P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\n\n\
    P:zlib\nV:1.3.1-r1\nA:x86_64\nL:Zlib\no:zlib\n\n";

/// What `oci:image:1.4` holds in `place`.
pub(crate) fn image(place: &Place) {
    let layout = Layout::create(&place.join("image")).expect("a layout");
    put_image(&layout, "1.4", "amd64");
}

/// An image with two platforms as `oci:multi:1.4`.
pub(crate) fn multi(place: &Place) {
    let layout = Layout::create(&place.join("multi")).expect("a layout");
    let children = ["amd64", "arm64"].map(|architecture| {
        let child = put_image(&layout, architecture, architecture);
        json!({
            "mediaType": child.media_type, "digest": child.digest, "size": child.size,
            "platform": { "os": "linux", "architecture": architecture },
        })
    });
    let index = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": children,
    });
    put(&layout, &index, media_type::OCI_INDEX, "1.4");
}

/// An image of which one layer asks for more memory than anybody gets, as `oci:wide:1`.
pub(crate) fn wide(place: &Place) {
    let layout = Layout::create(&place.join("wide")).expect("a layout");
    // A zstd frame with a window of 2 GiB, as `zstd --long=31` asks for.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0];
    let kind = format!("{LAYER}+zstd");
    let layer = layout.put_bytes(&frame, &kind).expect("a layer");
    let config = json!({
        "architecture": "amd64", "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": [layer.digest] },
    });
    let config = layout
        .put_bytes(config.to_string().as_bytes(), media_type::OCI_CONFIG)
        .expect("a configuration");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": config, "layers": [layer],
    });
    put(&layout, &manifest, media_type::OCI_MANIFEST, "1");
}

fn put_image(layout: &Layout, tag: &str, architecture: &str) -> Descriptor {
    let lower = layer(layout, &[("etc/os-release", OS_RELEASE)]);
    let upper = layer(
        layout,
        &[
            ("lib/apk/db/installed", INSTALLED),
            ("licenses/LICENSE", "MIT"),
        ],
    );
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "created": "2026-10-20T10:00:00Z",
        "config": {
            "Cmd": ["/bin/app"], "User": "10001",
            "Env": ["PATH=/bin", "DB_PASSWORD=hunter2hunter2"],
        },
        "rootfs": { "type": "layers", "diff_ids": [lower.digest, upper.digest] },
        "history": [
            { "created_by": "ADD rootfs /", "created": "2026-10-20T10:00:00Z" },
            { "created_by": "RUN apk add zlib", "created": "2026-10-20T10:00:01Z" },
        ],
    });
    let config = layout
        .put_bytes(config.to_string().as_bytes(), media_type::OCI_CONFIG)
        .expect("a configuration");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": config, "layers": [lower, upper],
    });
    put(layout, &manifest, media_type::OCI_MANIFEST, tag)
}

fn put(layout: &Layout, document: &serde_json::Value, kind: &str, tag: &str) -> Descriptor {
    let bytes = document.to_string().into_bytes();
    let manifest = RawManifest::parse(bytes, Some(kind)).expect("a manifest");
    layout.put_manifest(&manifest, Some(tag)).expect("a tag")
}

fn layer(layout: &Layout, files: &[(&str, &str)]) -> Descriptor {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive
            .append_data(&mut header, path, content.as_bytes())
            .expect("an entry");
    }
    let bytes = archive.into_inner().expect("an archive");
    layout.put_bytes(&bytes, LAYER).expect("a layer")
}

/// Compiles two advisories into `a.db`: one with a score and a fix, one without either.
pub(crate) fn advisories(place: &Place) {
    let zlib = json!({
        "schema_version": "1.7.0", "id": "ALPINE-CVE-2026-1111", "modified": "2026-10-01T00:00:00Z",
        "upstream": ["CVE-2026-1111"], "summary": "zlib: writes beyond its buffer",
        "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
        "references": [{ "type": "WEB", "url": "https://example.com/CVE-2026-1111" }],
        "affected": [{
            "package": { "ecosystem": "Alpine:v3.20", "name": "zlib" },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "1.3.2-r0" }] }],
        }],
    });
    let musl = json!({
        "schema_version": "1.7.0", "id": "ALPINE-CVE-2026-2222", "modified": "2026-10-02T00:00:00Z",
        "upstream": ["CVE-2026-2222"], "summary": "musl: a locale may be misread",
        "affected": [{
            "package": { "ecosystem": "Alpine:v3.20", "name": "musl" },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }] }],
        }],
    });
    place.write("feed.jsonl", format!("{zlib}\n{musl}\n"));
    let import = [
        "advisories",
        "import",
        "--without-starter",
        "--output",
        "a.db",
        "test=feed.jsonl",
        "--now",
        crate::support::NOW,
    ];
    let output = place.output(&import);
    assert!(output.status.success(), "{}", place.show(&output));
}

/// Signs what `oci:image:1.4` is as `name` with the key of `scalar`; writes the public key.
pub(crate) fn sign(place: &Place, name: &str, scalar: u8) {
    let key = SigningKey::from_scalar(&[scalar; 32]).expect("a key");
    place.write("release.pub", key.public().to_pem());
    let layout = Layout::open(&place.join("image")).expect("a layout");
    let digest = digest(&place.join("image"));
    let signature = cosign::sign(&key, cosign::payload(name, &digest, None)).expect("signed");
    let signature = cosign::signature_manifest(&[signature]).expect("a signature");
    for payload in signature.payloads.iter().chain([&signature.config]) {
        layout
            .put_bytes(payload, "application/octet-stream")
            .expect("a payload");
    }
    let tag = cosign::signature_tag(&digest).expect("a tag");
    layout
        .put_manifest(&signature.manifest, Some(tag.as_str()))
        .expect("a signature");
}

fn digest(layout: &Path) -> Digest {
    use oci::ImageSource as _;
    let layout = Layout::open(layout).expect("a layout");
    let image = layout.select(Some("1.4")).expect("an image");
    image.root().digest.clone()
}
