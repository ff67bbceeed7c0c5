//! Image manifests and indexes (image-spec, manifest.md and image-index.md).
//! The raw bytes are what is signed and stored; the parsed view is for reading.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{Digest, media_type};

/// The largest manifest accepted, 4 MiB (distribution-spec, "Pushing Manifests").
pub const MAX_MANIFEST_BYTES: usize = 4 << 20;

/// Points at content: what it is, its digest, its size in bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the content is.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes; the largest that any system has for a file, at most.
    #[serde(deserialize_with = "size")]
    pub size: u64,
    /// The kind of artifact, in referrers and indexes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// For which platform, in indexes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Free notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// Where else the content may be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urls: Option<Vec<String>>,
}

impl Descriptor {
    /// Returns a descriptor of so many bytes, without any of the optional parts.
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            digest,
            size,
            artifact_type: None,
            platform: None,
            annotations: None,
            urls: None,
        }
    }
}

/// Refuses what no file's size can be, so that sums of them do not overflow soon.
fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let size = u64::deserialize(deserializer)?;
    if size > i64::MAX.cast_unsigned() {
        return Err(D::Error::custom("a size of 2^63 bytes or more"));
    }
    Ok(size)
}

/// A platform in an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// GOARCH.
    pub architecture: String,
    /// GOOS.
    pub os: String,
    /// The architecture's variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The operating system's version.
    #[serde(
        rename = "os.version",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub os_version: Option<String>,
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant
            .as_ref()
            .map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

/// An image manifest, Docker's schema 2 or OCI's; they read alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// What this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The kind of artifact, where it is not an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, lowest first.
    #[serde(default)]
    pub layers: Vec<Descriptor>,
    /// What this is about, for signatures and attestations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Free notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
}

impl Manifest {
    /// Returns whether it is an image, and no artifact that is kept like one.
    pub fn is_image(&self) -> bool {
        self.artifact_type.is_none()
            && matches!(
                self.config.media_type.as_str(),
                media_type::OCI_CONFIG | media_type::DOCKER_CONFIG
            )
    }
}

/// An image index or Docker manifest list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// What this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The kind of artifact, where it is not an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// One manifest a platform.
    pub manifests: Vec<Descriptor>,
    /// What this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Free notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
}

/// A manifest of another kind: kept and handed out as it is, with the little that can be told
/// of it, so that what it names stays with it and what it is about leads to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OtherManifest {
    /// The kind of artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// A configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Descriptor>,
    /// Blobs, under the name that images have for them.
    #[serde(default)]
    pub layers: Vec<Descriptor>,
    /// Blobs, under the name that the early artifact manifests had for them.
    #[serde(default)]
    pub blobs: Vec<Descriptor>,
    /// Further manifests.
    #[serde(default)]
    pub manifests: Vec<Descriptor>,
    /// What this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Free notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
}

/// The parsed view.
#[derive(Debug, Clone, PartialEq)]
pub enum ManifestKind {
    /// One image or artifact.
    Image(Manifest),
    /// Several, one a platform.
    Index(Index),
    /// Something that is neither.
    Other(OtherManifest),
}

/// A manifest's bytes, as pushed, with their media type, digest and parsed view.
#[derive(Debug, Clone, PartialEq)]
pub struct RawManifest {
    /// The bytes, never re-encoded.
    pub bytes: Vec<u8>,
    /// Their media type.
    pub media_type: String,
    /// Their digest.
    pub digest: Digest,
    /// What they say.
    pub kind: ManifestKind,
}

/// What is wrong with a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Larger than the limit.
    #[error("the manifest has {0} bytes; the limit is {MAX_MANIFEST_BYTES}")]
    TooLarge(usize),
    /// Docker's schema 1.
    #[error(
        "Docker manifest schema 1 is not supported: push the image again with a current client, in OCI's format or Docker's schema 2 (docker 1.10 or newer, or `skopeo copy --format v2s2`)"
    )]
    Schema1,
    /// A media type that no manifest has.
    #[error(
        "media type `{0}` is no manifest's: send an OCI or Docker schema 2 manifest or index, or another JSON document of a type `application/…json`"
    )]
    MediaType(String),
    /// It is something else than an object.
    #[error("the manifest is no JSON object: it must begin with `{{`")]
    NotAnObject,
    /// The document is not what its media type says.
    #[error("the manifest is not valid JSON for `{media_type}`: {source}")]
    Json {
        /// The type it claims.
        media_type: String,
        /// Where it goes wrong.
        source: serde_json::Error,
    },
    /// `schemaVersion` is not 2.
    #[error("`schemaVersion` is {0}; it must be 2")]
    SchemaVersion(u32),
    /// The header and the document name different types.
    #[error("the document says `mediaType` `{document}`, the request said `{request}`")]
    Disagree {
        /// The type in the document.
        document: String,
        /// The type in the request.
        request: String,
    },
}

/// Only what decides how to read the rest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    #[serde(default)]
    schema_version: u32,
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
    /// Only schema 1 has these.
    fs_layers: Option<serde::de::IgnoredAny>,
}

impl RawManifest {
    /// Reads `bytes`; `media_type` is the `Content-Type` they came with, if any.
    ///
    /// # Errors
    /// [`ManifestError`] says what is wrong with them.
    pub fn parse(bytes: Vec<u8>, media_type: Option<&str>) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLarge(bytes.len()));
        }
        let request = media_type.map(|text| text.split(';').next().unwrap_or(text).trim());
        if matches!(
            request,
            Some(media_type::DOCKER_SCHEMA1 | media_type::DOCKER_SCHEMA1_SIGNED)
        ) {
            return Err(ManifestError::Schema1);
        }
        // Lists would be taken for objects whose names are left out.
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(ManifestError::NotAnObject);
        }
        let json = |source, media_type: &str| ManifestError::Json {
            media_type: media_type.to_owned(),
            source,
        };
        let probe: Probe =
            serde_json::from_slice(&bytes).map_err(|e| json(e, request.unwrap_or("a manifest")))?;
        if probe.schema_version == 1 || probe.fs_layers.is_some() {
            return Err(ManifestError::Schema1);
        }
        let media_type = decide_media_type(&probe, request)?;
        let known = media_type::MANIFESTS.contains(&media_type.as_str());
        if known && probe.schema_version != 2 {
            return Err(ManifestError::SchemaVersion(probe.schema_version));
        }
        let kind = if !known {
            serde_json::from_slice(&bytes).map(ManifestKind::Other)
        } else if media_type::is_index(&media_type) {
            serde_json::from_slice(&bytes).map(ManifestKind::Index)
        } else {
            serde_json::from_slice(&bytes).map(ManifestKind::Image)
        }
        .map_err(|error| json(error, &media_type))?;
        Ok(Self {
            digest: Digest::of(&bytes),
            bytes,
            media_type,
            kind,
        })
    }

    /// Returns the descriptor of these bytes.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(
            self.media_type.clone(),
            self.digest.clone(),
            self.bytes.len() as u64,
        )
    }

    /// Returns the manifest where this is a single image or artifact.
    pub fn image(&self) -> Option<&Manifest> {
        match &self.kind {
            ManifestKind::Image(manifest) => Some(manifest),
            ManifestKind::Index(_) | ManifestKind::Other(_) => None,
        }
    }

    /// Returns the blobs that belong to it; layers that are kept elsewhere are left out.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        let (config, layers, blobs) = match &self.kind {
            ManifestKind::Image(image) => (Some(&image.config), image.layers.as_slice(), &[][..]),
            ManifestKind::Index(_) => (None, &[][..], &[][..]),
            ManifestKind::Other(other) => {
                let blobs = other.blobs.as_slice();
                (other.config.as_ref(), other.layers.as_slice(), blobs)
            }
        };
        let kept = |blob: &&Descriptor| !media_type::is_foreign(&blob.media_type);
        config
            .into_iter()
            .chain(layers.iter().chain(blobs).filter(kept))
    }

    /// Returns the manifests that it names.
    pub fn children(&self) -> &[Descriptor] {
        match &self.kind {
            ManifestKind::Image(_) => &[],
            ManifestKind::Index(index) => &index.manifests,
            ManifestKind::Other(other) => &other.manifests,
        }
    }

    /// Returns everything this names in its own repository: configuration and layers, or an
    /// index's manifests. What it is about is [`Self::subject`].
    pub fn references(&self) -> Vec<&Descriptor> {
        match &self.kind {
            ManifestKind::Image(image) => image.layers.iter().chain([&image.config]).collect(),
            ManifestKind::Index(index) => index.manifests.iter().collect(),
            ManifestKind::Other(_) => self.blobs().chain(self.children()).collect(),
        }
    }

    /// Returns what this is about, for signatures and attestations.
    pub fn subject(&self) -> Option<&Descriptor> {
        match &self.kind {
            ManifestKind::Image(manifest) => manifest.subject.as_ref(),
            ManifestKind::Index(index) => index.subject.as_ref(),
            ManifestKind::Other(other) => other.subject.as_ref(),
        }
    }

    /// Returns the artifact type that referrers list it under
    /// (distribution-spec, "Listing Referrers": `artifactType`; where it is missing or empty,
    /// the configuration's type, which an index has not).
    pub fn artifact_type(&self) -> Option<&str> {
        let (own, config) = match &self.kind {
            ManifestKind::Image(image) => (&image.artifact_type, Some(&image.config)),
            ManifestKind::Index(index) => (&index.artifact_type, None),
            ManifestKind::Other(other) => (&other.artifact_type, other.config.as_ref()),
        };
        let own = own.as_deref().filter(|kind| !kind.is_empty());
        own.or(config.map(|config| config.media_type.as_str()))
    }

    /// Returns the annotations.
    pub fn annotations(&self) -> Option<&BTreeMap<String, String>> {
        match &self.kind {
            ManifestKind::Image(manifest) => manifest.annotations.as_ref(),
            ManifestKind::Index(index) => index.annotations.as_ref(),
            ManifestKind::Other(other) => other.annotations.as_ref(),
        }
    }
}

/// The request's type and the document's must be one; either alone will do.
fn decide_media_type(probe: &Probe, request: Option<&str>) -> Result<String, ManifestError> {
    let document = probe.media_type.as_deref();
    // These say no more than that it is JSON, or bytes; what is no manifest's type says less
    // than the document.
    let vague = ["", "application/json", "application/octet-stream"];
    let says = |text: &&str| {
        !vague.contains(text) && (document.is_none() || media_type::may_be_manifest(text))
    };
    let decided = match (request.filter(says), document) {
        (Some(request), Some(document)) if request != document => {
            return Err(ManifestError::Disagree {
                document: document.to_owned(),
                request: request.to_owned(),
            });
        }
        (Some(request), _) => request,
        (None, Some(document)) => document,
        (None, None) if probe.manifests.is_some() => media_type::OCI_INDEX,
        (None, None) => media_type::OCI_MANIFEST,
    };
    match decided {
        media_type::DOCKER_SCHEMA1 | media_type::DOCKER_SCHEMA1_SIGNED => {
            Err(ManifestError::Schema1)
        }
        decided if media_type::may_be_manifest(decided) => Ok(decided.to_owned()),
        other => Err(ManifestError::MediaType(other.chars().take(300).collect())),
    }
}

#[cfg(test)]
mod tests;
