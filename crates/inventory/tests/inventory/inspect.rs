//! Whole images from a source.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
    sync::Mutex,
};

use oci::{Descriptor, Digest, ImageSource, PlatformImage, RawManifest, SourceError};
use plimsoll_inventory::{InspectError, Limits, Progress, inspect, scan_layers};
use serde_json::json;

use crate::support::{Layer, gzip, names, status};

const STATUS: &str = "var/lib/dpkg/status";

/// An image in memory.
struct Memory {
    root: Descriptor,
    blobs: HashMap<Digest, Vec<u8>>,
    opened: Mutex<Vec<Digest>>,
}

impl ImageSource for Memory {
    fn root(&self) -> &Descriptor {
        &self.root
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<RawManifest, SourceError> {
        let bytes = self.blobs[&descriptor.digest].clone();
        Ok(RawManifest::parse(bytes, Some(&descriptor.media_type)).expect("a manifest"))
    }

    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        self.opened
            .lock()
            .expect("no panic")
            .push(descriptor.digest.clone());
        Ok(Box::new(Cursor::new(
            self.blobs[&descriptor.digest].clone(),
        )))
    }
}

fn image(layers: Vec<Layer>, forge: bool) -> (Memory, PlatformImage) {
    let mut blobs = HashMap::new();
    let mut put = |bytes: Vec<u8>, media_type: &str| {
        let digest = Digest::of(&bytes);
        let descriptor = json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() });
        blobs.insert(digest, bytes);
        descriptor
    };
    let mut diff_ids = Vec::new();
    let mut descriptors = Vec::new();
    for layer in layers {
        let tar = layer.tar();
        diff_ids.push(Digest::of(if forge { b"forged" } else { &tar }));
        descriptors.push(put(
            gzip(&tar),
            "application/vnd.oci.image.layer.v1.tar+gzip",
        ));
    }
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    let config = put(config.to_string().into_bytes(), oci::media_type::OCI_CONFIG);
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": descriptors });
    let root = put(
        manifest.to_string().into_bytes(),
        oci::media_type::OCI_MANIFEST,
    );
    let root = serde_json::from_value(root).expect("a descriptor");
    let source = Memory {
        root,
        blobs,
        opened: Mutex::default(),
    };
    let image = oci::platform_images(&source).expect("an image").remove(0);
    source.opened.lock().expect("no panic").clear();
    (source, image)
}

#[test]
fn layers_are_scanned_once_each_and_in_order() {
    let layers = vec![
        Layer::new().file(STATUS, status(&["a"])),
        Layer::new().file("x", "same"),
        Layer::new().file("x", "same"),
        Layer::new().file(STATUS, status(&["a", "b"])),
    ];
    let (source, image) = image(layers, false);
    let last = Mutex::new(None);
    let progress = |p: Progress| *last.lock().expect("no panic") = Some(p);
    let inventory = inspect(&source, &image, &Limits::default(), &progress).expect("an inventory");
    assert_eq!(names(&inventory), [("a", 0), ("b", 3)]);
    assert_eq!(inventory.layers.len(), 4);
    assert_eq!(source.opened.lock().expect("no panic").len(), 3);
    let last = last.into_inner().expect("no panic").expect("was told");
    assert_eq!((last.layers_total, last.bytes_total > 0), (3, true));
}

#[test]
fn known_layers_are_not_opened() {
    let (source, image) = image(
        vec![Layer::new().file("x", "1"), Layer::new().file("y", "2")],
        false,
    );
    let limits = Limits::default();
    let first = scan_layers(&source, &image, &limits, &|_| None, &|_| {}).expect("reports");
    source.opened.lock().expect("no panic").clear();
    let known: HashMap<_, _> = first.iter().cloned().collect();
    let look = |digest: &Digest| known.get(digest).cloned();
    let again = scan_layers(&source, &image, &limits, &look, &|_| {}).expect("reports");
    assert_eq!(first, again);
    assert!(source.opened.lock().expect("no panic").is_empty());
    let old = |digest: &Digest| {
        known
            .get(digest)
            .cloned()
            .map(|report| plimsoll_inventory::LayerReport {
                parser_version: 0,
                ..report
            })
    };
    scan_layers(&source, &image, &limits, &old, &|_| {}).expect("reports");
    assert_eq!(source.opened.lock().expect("no panic").len(), 2);
}

#[test]
fn forged_and_broken_layers_are_named() {
    let fails = |(source, image): (Memory, PlatformImage)| {
        inspect(&source, &image, &Limits::default(), &|_| {}).expect_err("no inventory")
    };
    let forged = fails(image(vec![Layer::new().file("x", "1")], true));
    assert!(
        matches!(forged, InspectError::DiffId { index: 1, .. }),
        "{forged}"
    );
    let (mut source, broken) = image(vec![Layer::new().file("x", "1"), Layer::new()], false);
    let second = broken.layers()[1].digest.clone();
    source.blobs.insert(second.clone(), b"no archive".to_vec());
    let error = fails((source, broken)).to_string();
    assert!(
        error.contains("layer 2") && error.contains(second.as_str()),
        "{error}"
    );
    let (source, mut short) = image(vec![Layer::new()], false);
    short.config.rootfs.diff_ids.clear();
    assert!(matches!(
        fails((source, short)),
        InspectError::LayerCount { .. }
    ));
}
