//! Where an image lies, with its signatures.

use std::io::Read as _;

use oci::{
    Client, Descriptor, Digest, ImageRef, ImageSource as _, Layout, ManifestKind, RawManifest,
    Reference, Tag,
};
use serde::Deserialize;
use trust::{PublicKey, cosign};

use super::{VerifyArgs, log, own_name};
use crate::{
    config::environment::Environment,
    failure::Failure,
    image::{find_platform, select_platform},
};

/// No configuration of an image is larger, in bytes.
const MAX_CONFIG_BYTES: u64 = 8 << 20;

/// Where an image and its signature lie.
pub(super) enum Place {
    Registry(Box<Client>, Reference),
    Layout(Layout),
}

/// The platform of an image without an index.
#[derive(Deserialize)]
struct ImageConfig {
    os: String,
    architecture: String,
    variant: Option<String>,
}

pub(super) fn find(
    args: &VerifyArgs,
    environment: &Environment,
    keys: &[PublicKey],
) -> Result<(Place, Digest), Failure> {
    match &args.image {
        ImageRef::Registry(reference) => {
            let client = args.registry.client(reference, environment)?;
            let digest = match (&reference.digest, client.head_manifest(reference)?) {
                (Some(digest), _) => digest.clone(),
                (None, Some(found)) => found.digest,
                (None, None) => {
                    return Err(log::absent(args, reference, &own_name(args)?, keys));
                }
            };
            Ok((Place::Registry(Box::new(client), reference.clone()), digest))
        }
        ImageRef::OciLayout(dir, tag) => {
            // Without one there is nothing to look for.
            own_name(args)?;
            let layout = Layout::open(dir)?;
            let tag = match tag {
                Some(tag) => Some(tag.clone()),
                None => only_image(&layout)?,
            };
            let digest = layout.select(tag.as_deref())?.root().digest.clone();
            Ok((Place::Layout(layout), digest))
        }
        _ => Err(Failure::usage(
            "only images in a registry or an OCI layout have signatures beside them",
        )
        .hint("write host/name:tag or oci:DIR[:TAG]")),
    }
}

/// Returns the one tag of a layout that is no signature's; nothing where there is not exactly one.
fn only_image(layout: &Layout) -> Result<Option<String>, Failure> {
    let tags = layout.tags()?;
    let signature = |tag: &String| tag.starts_with("sha256-") && tag.ends_with(".sig");
    let mut images = tags.into_iter().filter(|tag| !signature(tag));
    let first = images.next();
    Ok(if images.next().is_some() { None } else { first })
}

impl Place {
    pub(super) fn signature(&self, tag: &Tag) -> Result<Option<RawManifest>, Failure> {
        match self {
            Self::Registry(client, reference) => {
                let beside = Reference {
                    tag: Some(tag.clone()),
                    digest: None,
                    ..reference.clone()
                };
                match client.manifest(&beside) {
                    Ok(manifest) => Ok(Some(manifest)),
                    Err(error) if error.status() == Some(404) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
            Self::Layout(layout) => {
                if !layout.tags()?.iter().any(|known| known == tag.as_str()) {
                    return Ok(None);
                }
                let image = layout.select(Some(tag.as_str()))?;
                Ok(Some(image.manifest(image.root())?))
            }
        }
    }

    /// Returns the manifest with a digest, whose bytes are checked against it.
    pub(super) fn manifest(&self, digest: &Digest) -> Result<RawManifest, Failure> {
        match self {
            Self::Registry(client, reference) => Ok(client.manifest(&Reference {
                digest: Some(digest.clone()),
                ..reference.clone()
            })?),
            Self::Layout(layout) => {
                let bytes = std::fs::read(layout.blob_path(digest));
                let bytes = bytes.map_err(|error| {
                    Failure::failed(format!("the layout lacks {digest}")).because(&error)
                })?;
                if Digest::of(&bytes) != *digest {
                    return Err(Failure::failed(format!(
                        "the layout's {digest} was altered"
                    )));
                }
                RawManifest::parse(bytes, None)
                    .map_err(|error| Failure::failed("the image cannot be read").because(&error))
            }
        }
    }

    /// Returns the platform's own digest within a verified image.
    pub(super) fn platform(&self, digest: &Digest, wanted: &str) -> Result<Digest, Failure> {
        let manifest = self.manifest(digest)?;
        let config = match &manifest.kind {
            ManifestKind::Index(index) => return find_platform(index, wanted),
            ManifestKind::Image(image) => &image.config,
            ManifestKind::Other(_) => {
                return Err(Failure::usage("what was verified is no image"));
            }
        };
        let bytes = self.blob(config, MAX_CONFIG_BYTES).unwrap_or_default();
        if Digest::of(&bytes) != config.digest {
            return Err(Failure::failed("the image's configuration cannot be had"));
        }
        let read = serde_json::from_slice(&bytes);
        let found: ImageConfig = read.map_err(|error| {
            Failure::failed("the image's configuration cannot be read").because(&error)
        })?;
        let mut name = format!("{}/{}", found.os, found.architecture);
        if let Some(variant) = found.variant {
            name = format!("{name}/{variant}");
        }
        let child = (name, digest.clone());
        select_platform(&[child], wanted)
    }

    /// Returns a payload; what cannot be had counts as missing, and the verification says so.
    pub(super) fn payload(&self, layer: &Descriptor) -> Option<Vec<u8>> {
        self.blob(layer, cosign::MAX_PAYLOAD_BYTES)
    }

    /// Returns what refers to a manifest; nothing where that cannot be had.
    pub(super) fn referrers(&self, digest: &Digest) -> Vec<Descriptor> {
        match self {
            Self::Registry(client, reference) => {
                client.referrers(&reference.repo, digest, None).ok()
            }
            Self::Layout(layout) => layout.referrers(digest).ok(),
        }
        .unwrap_or_default()
    }

    pub(super) fn blob(&self, layer: &Descriptor, limit: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        match self {
            Self::Registry(client, reference) => {
                let reader = client.blob(&reference.repo, layer).ok()?;
                reader.take(limit + 1).read_to_end(&mut bytes).ok()?;
            }
            Self::Layout(layout) => {
                let file = std::fs::File::open(layout.blob_path(&layer.digest)).ok()?;
                file.take(limit + 1).read_to_end(&mut bytes).ok()?;
            }
        }
        Some(bytes)
    }
}
