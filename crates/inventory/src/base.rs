//! Which image another one is built on: proven by the same layers, or as its builder says.

use std::sync::LazyLock;

use oci::{Digest, PlatformImage};
use serde::{Deserialize, Serialize};

/// An image that others may be built on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownBase {
    /// Its name, such as `debian:12`.
    pub name: String,
    /// Its layers as unpacked, lowest first.
    pub diff_ids: Vec<Digest>,
}

/// What an image is built on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseImage {
    /// Its name.
    pub name: String,
    /// Its manifest's digest, if the builder wrote it down.
    pub digest: Option<String>,
    /// How many of the lowest layers are its own, if they are known.
    pub layers: Option<usize>,
}

/// The images that `base/known.txt` lists; what a caller knows comes before them.
static LISTED: LazyLock<Vec<KnownBase>> = LazyLock::new(|| {
    let lines = include_str!("base/known.txt").lines();
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines.filter_map(listed).collect()
});

fn listed(line: &str) -> Option<KnownBase> {
    let mut words = line.split_whitespace();
    let name = words.next()?.to_owned();
    // The digests belong to one platform anyway; it is written down for people.
    words.next()?;
    let diff_ids: Option<Vec<_>> = words.map(|word| word.parse().ok()).collect();
    let diff_ids = diff_ids.filter(|diff_ids| !diff_ids.is_empty())?;
    Some(KnownBase { name, diff_ids })
}

/// Annotation and label of the OCI image specification.
const NAME: &str = "org.opencontainers.image.base.name";
const DIGEST: &str = "org.opencontainers.image.base.digest";

/// Returns the image of `known`, or of the table of published ones, that has most of the lowest
/// layers, all of its own; else what the annotations, or the labels, say.
pub fn base_image(image: &PlatformImage, known: &[KnownBase]) -> Option<BaseImage> {
    let annotations = image.manifest.annotations();
    let said = |key: &str| {
        let annotation = annotations.and_then(|all| all.get(key));
        let value = annotation.or_else(|| image.config.config.labels.get(key));
        value.filter(|value| !value.is_empty()).cloned()
    };
    let own = &image.config.rootfs.diff_ids;
    // An image is not built on itself.
    let below = |base: &&KnownBase| {
        !base.diff_ids.is_empty()
            && base.diff_ids.len() < own.len()
            && own.starts_with(&base.diff_ids)
    };
    // Of equals the last wins, so the caller's.
    let found = LISTED.iter().chain(known).filter(below);
    if let Some(base) = found.max_by_key(|base| base.diff_ids.len()) {
        return Some(BaseImage {
            name: base.name.clone(),
            digest: said(DIGEST).filter(|_| said(NAME).is_some_and(|name| name == base.name)),
            layers: Some(base.diff_ids.len()),
        });
    }
    Some(BaseImage {
        name: said(NAME)?,
        digest: said(DIGEST),
        layers: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_counts() {
        let lines = include_str!("base/known.txt").lines();
        let lines = lines.filter(|line| !line.starts_with('#')).count();
        assert_eq!(LISTED.len(), lines);
        let mut all: Vec<_> = LISTED.iter().map(|base| &base.diff_ids).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), lines, "no image has two names");
        assert!(listed("a linux/amd64 sha256:no").is_none());
    }
}
