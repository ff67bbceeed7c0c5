//! Manifests that make content a referrer of an image (OCI image specification, "Guidelines for
//! Artifact Usage").

use chrono::{DateTime, SecondsFormat, Utc};
use oci::{Descriptor, Digest, Manifest, ManifestKind, RawManifest, media_type};

/// The type of a configuration that says nothing.
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
/// The bytes of that configuration (OCI image specification, "Guidance for an empty descriptor").
pub const EMPTY: &[u8] = b"{}";

/// Makes the manifest that carries `content`, of the given media type, as an artifact of `kind`.
pub(crate) fn manifest<const N: usize>(
    kind: &str,
    (content_type, content): (&str, &[u8]),
    annotations: [(&str, String); N],
    subject: Descriptor,
    created: DateTime<Utc>,
) -> RawManifest {
    let created = (
        "org.opencontainers.image.created",
        created.to_rfc3339_opts(SecondsFormat::Secs, true),
    );
    let annotations = annotations.into_iter().chain([created]);
    let of =
        |kind: &str, bytes: &[u8]| Descriptor::new(kind, Digest::of(bytes), bytes.len() as u64);
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        artifact_type: Some(kind.to_owned()),
        config: of(EMPTY_TYPE, EMPTY),
        layers: vec![of(content_type, content)],
        subject: Some(subject),
        annotations: Some(
            annotations
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        ),
    };
    let bytes = serde_json::to_vec(&manifest).expect("a manifest always serialises");
    RawManifest {
        digest: Digest::of(&bytes),
        bytes,
        media_type: media_type::OCI_MANIFEST.to_owned(),
        kind: ManifestKind::Image(manifest),
    }
}
