//! What the checks look at.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use inventory::Inventory;
use oci::{Digest, ImageConfig, PlatformImage};

/// An image of one platform, as far as it is known without running it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The tag it was submitted under, if any.
    pub reference_tag: Option<&'a str>,
    /// Its configuration.
    pub config: &'a ImageConfig,
    /// The manifest's annotations, or the index's.
    pub annotations: Option<&'a BTreeMap<String, String>>,
    /// The manifest's layers, lowest first.
    pub layers: &'a [LayerFacts],
    /// What is inside.
    pub inventory: &'a Inventory,
    /// The time of the judgement.
    pub now: DateTime<Utc>,
}

/// A layer as the manifest and the configuration describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerFacts {
    /// The blob's digest.
    pub digest: Digest,
    /// The blob's size in bytes.
    pub compressed_size: u64,
    /// The line of history that made it.
    pub history: Option<String>,
}

impl LayerFacts {
    /// Returns the layers of `image`, lowest first.
    pub fn of(image: &PlatformImage) -> Vec<Self> {
        let mut history = image.config.layer_history().into_iter();
        let layers = image.layers().iter();
        layers
            .map(|layer| Self {
                digest: layer.digest.clone(),
                compressed_size: layer.size,
                history: history.next().flatten().and_then(|h| h.created_by.clone()),
            })
            .collect()
    }
}

impl Subject<'_> {
    /// Returns the digest of the layer at `index`, counted from the lowest.
    pub(crate) fn layer(&self, index: usize) -> Option<&Digest> {
        self.layers.get(index).map(|layer| &layer.digest)
    }

    /// Returns a label, or the annotation of the same name.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        let value = self.config.config.labels.get(name);
        let value = value.or_else(|| self.annotations?.get(name))?.trim();
        (!value.is_empty()).then_some(value)
    }
}
