//! The other proofs beside a verified image: Notation's signature, and what is stated of it.
//!
//! None of them is needed for the image to be verified; each is listed with whether it holds.

use chrono::{DateTime, Utc};
use oci::{Descriptor, Digest, ManifestKind, RawManifest};
use serde::Serialize;
use trust::{
    PublicKey, bundle,
    notation::{self, Trusted},
};

use super::place::Place;
use crate::printer::plain;

/// More referrers of an image, and more platforms, are not looked at.
const MOST: usize = 100;

/// A proof beside an image.
#[derive(Debug, Serialize)]
pub(super) struct Proof {
    /// What it is, in words, or the type of what is stated.
    pub(super) kind: String,
    /// Which image it is about: the whole, or one platform of it.
    digest: Digest,
    /// The platform, where it is about one.
    platform: Option<String>,
    /// Whether the key signed it, for this image.
    pub(super) holds: bool,
    /// Why it does not.
    pub(super) reason: Option<String>,
}

impl Proof {
    /// Names it for people, with the platform that it is about.
    pub(super) fn name(&self) -> String {
        match &self.platform {
            Some(platform) => format!("{} of {platform}", self.kind),
            None => self.kind.clone(),
        }
    }
}

/// Returns the proofs beside an image and its platforms, or the one that is asked for, as far as
/// they can be had.
pub(super) fn look(
    place: &Place,
    digest: &Digest,
    platform: Option<&Digest>,
    (keys, now): (&[PublicKey], DateTime<Utc>),
) -> Vec<Proof> {
    let Ok(whole) = place.manifest(digest) else {
        return Vec::new();
    };
    let mut images = vec![(None, whole.descriptor())];
    if let ManifestKind::Index(index) = &whole.kind {
        let asked = |child: &&Descriptor| platform.is_none_or(|asked| *asked == child.digest);
        for child in index.manifests.iter().filter(asked).take(MOST) {
            // Only the name tells platforms from what lies beside them.
            let named = child.platform.as_ref().map(ToString::to_string);
            let named = named.filter(|name| !name.starts_with("unknown"));
            images.extend(named.map(|name| (Some(name), child.clone())));
        }
    }
    let mut proofs = Vec::new();
    for (platform, image) in images {
        let referrers = place.referrers(&image.digest).into_iter().take(MOST);
        let each = referrers.filter_map(|found| proof(place, &found, &image, (keys, now)));
        proofs.extend(each.map(|proof| Proof {
            platform: platform.clone(),
            ..proof
        }));
    }
    proofs.sort_by(|a, b| (&a.kind, &a.platform).cmp(&(&b.kind, &b.platform)));
    proofs
}

fn proof(
    place: &Place,
    referrer: &Descriptor,
    image: &Descriptor,
    (keys, now): (&[PublicKey], DateTime<Utc>),
) -> Option<Proof> {
    let carrier: RawManifest = place.manifest(&referrer.digest).ok()?;
    let carrier = carrier.image()?;
    let layer = carrier.layers.first()?;
    let kind = carrier
        .artifact_type
        .as_deref()
        .unwrap_or(&carrier.config.media_type);
    let (name, found) = match kind {
        notation::SIGNATURE => {
            let bytes = place.blob(layer, notation::MAX_ENVELOPE_BYTES as u64)?;
            let envelope = (layer.media_type.as_str(), bytes.as_slice());
            let verify = |key| notation::verify(envelope, image, Trusted::Key(key), now);
            let found = keys.iter().map(verify).reduce(|one, next| one.or(next))?;
            let found = found.map(|_| ()).map_err(|error| error.to_string());
            ("Notation signature".to_owned(), found)
        }
        bundle::BUNDLE => {
            let bytes = place.blob(layer, bundle::MAX_BUNDLE_BYTES as u64)?;
            let found = bundle::verify(&bytes, &image.digest, keys);
            match found {
                Ok(found) => (statement(&found.predicate_type), Ok(())),
                Err(error) => ("statement".to_owned(), Err(error.to_string())),
            }
        }
        _ => return None,
    };
    Some(Proof {
        kind: name,
        digest: image.digest.clone(),
        platform: None,
        holds: found.is_ok(),
        reason: found.err().map(|why| plain(&why)),
    })
}

/// Names a kind of statement for people.
fn statement(kind: &str) -> String {
    match kind {
        bundle::SIGNATURE => "cosign 3 signature".to_owned(),
        bundle::PROVENANCE => "provenance".to_owned(),
        bundle::TEST_RESULT => "test result".to_owned(),
        bundle::CYCLONEDX => "CycloneDX SBOM".to_owned(),
        bundle::SPDX => "SPDX SBOM".to_owned(),
        bundle::OPENVEX => "VEX statements".to_owned(),
        other => plain(other),
    }
}
