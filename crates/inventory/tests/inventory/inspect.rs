//! Whole images from a source.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
    sync::Mutex,
};

use oci::{Descriptor, Digest, ImageSource, PlatformImage, RawManifest, SourceError};
use plimsoll_inventory::{
    DiffId, InspectError, KnownBase, LayerReport, Limits, Progress, Scan, base_image, inspect,
    scan_layers,
};
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
    let inventory = inspect(
        &source,
        &image,
        &Scan {
            progress: &progress,
            ..Scan::default()
        },
    )
    .expect("an inventory");
    assert_eq!(names(&inventory), [("a", 0), ("b", 3)]);
    assert_eq!(inventory.layers.len(), 4);
    assert_eq!(source.opened.lock().expect("no panic").len(), 3);
    let last = last.into_inner().expect("no panic").expect("was told");
    assert_eq!((last.layers_total, last.bytes_total > 0), (3, true));
}

#[test]
fn what_is_too_much_of_all_layers_together() {
    let layers = |count, files| {
        let layer = || (0..files).fold(Layer::new(), |layer, n| layer.file(&format!("f{n}"), "x"));
        image((0..count).map(|_| layer()).collect(), false)
    };
    let (source, many) = layers(1025, 1);
    let error = inspect(&source, &many, &Scan::default()).expect_err("too many");
    assert!(
        matches!(error, InspectError::TooMuch { what: "layers", .. }),
        "{error}"
    );
    let scan = Scan {
        limits: Limits {
            entries: 10,
            ..Limits::default()
        },
        ..Scan::default()
    };
    // The same layer again and again is read once, and applied each time.
    let (source, four) = layers(4, 10);
    assert!(inspect(&source, &four, &scan).is_ok());
    let (source, five) = layers(5, 10);
    let error = inspect(&source, &five, &scan).expect_err("too many");
    assert!(
        matches!(
            error,
            InspectError::TooMuch {
                what: "entries",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn sizes_of_layers_that_no_file_has() {
    let (_, image) = image(vec![Layer::new()], false);
    let mut layer = serde_json::to_value(&image.layers()[0]).expect("plain values");
    layer["size"] = json!(1_u64 << 63);
    let error = serde_json::from_value::<Descriptor>(layer).expect_err("too large");
    assert!(error.to_string().contains("2^63"), "{error}");
}

#[test]
fn known_layers_are_not_opened() {
    let (source, image) = image(
        vec![Layer::new().file("x", "1"), Layer::new().file("y", "2")],
        false,
    );
    let kept = Mutex::new(0);
    let keep = |_: &Digest, _: &LayerReport| *kept.lock().expect("no panic") += 1;
    let scan = Scan {
        keep: &keep,
        ..Scan::default()
    };
    let first = scan_layers(&source, &image, &scan).expect("reports");
    source.opened.lock().expect("no panic").clear();
    let known: HashMap<_, _> = first.iter().cloned().collect();
    let look = |digest: &Digest| known.get(digest).cloned();
    let scan = Scan {
        known: &look,
        keep: &keep,
        ..Scan::default()
    };
    let again = scan_layers(&source, &image, &scan).expect("reports");
    assert_eq!(first, again);
    assert_eq!(*kept.lock().expect("no panic"), 2);
    assert!(source.opened.lock().expect("no panic").is_empty());
    let old = |digest: &Digest| {
        known.get(digest).cloned().map(|report| LayerReport {
            parser_version: 0,
            ..report
        })
    };
    let scan = Scan {
        known: &old,
        ..Scan::default()
    };
    scan_layers(&source, &image, &scan).expect("reports");
    assert_eq!(source.opened.lock().expect("no panic").len(), 2);
}

#[test]
fn a_report_without_diff_id_is_enough_where_none_is_asked_for() {
    let (source, image) = image(vec![Layer::new().file("x", "1")], true);
    let trusting = Scan {
        diff_id: DiffId::Skip,
        ..Scan::default()
    };
    let reports = scan_layers(&source, &image, &trusting).expect("reports");
    assert_eq!(reports[0].1.diff_id, Some(Digest::of(b"forged")));
    // What was kept of such a scan proves nothing, so the layer is read again.
    let known = |_: &Digest| {
        Some(LayerReport {
            diff_id: None,
            ..reports[0].1.clone()
        })
    };
    let scan = Scan {
        known: &known,
        ..Scan::default()
    };
    let error = scan_layers(&source, &image, &scan).expect_err("forged");
    assert!(matches!(error, InspectError::DiffId { .. }), "{error}");
}

#[test]
fn forged_and_broken_layers_are_named() {
    let fails = |(source, image): (Memory, PlatformImage)| {
        inspect(&source, &image, &Scan::default()).expect_err("no inventory")
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

#[test]
fn a_layer_beyond_a_bound_is_an_item_of_the_result_unless_proof_is_asked_for() {
    let layers = vec![
        Layer::new().file(STATUS, status(&["a"])),
        Layer::new().file("x", "1"),
    ];
    let (mut source, image) = image(layers, false);
    let second = image.layers()[1].digest.clone();
    // A frame with a window of 2 GiB, as `zstd --long=31` asks for.
    let wide = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0];
    source.blobs.insert(second.clone(), wide);
    let scan = Scan {
        diff_id: DiffId::Skip,
        ..Scan::default()
    };
    let inventory = inspect(&source, &image, &scan).expect("an inventory");
    assert_eq!(names(&inventory), [("a", 0)]);
    let [problem] = &inventory.problems[..] else {
        panic!("{:?}", inventory.problems);
    };
    for part in ["not read", "`zstd_window`", "2147483648", second.as_str()] {
        assert!(problem.text.contains(part), "{problem:?}");
    }
    let error = inspect(&source, &image, &Scan::default()).expect_err("no proof");
    assert!(
        matches!(error, InspectError::Layer { index: 2, .. }),
        "{error}"
    );
    // What was read before a bound counts.
    let limits = Limits {
        entries: 1,
        ..Limits::default()
    };
    let two = Layer::new().file(STATUS, status(&["b"])).file("y", "1");
    let (source, image) = self::image(vec![two], false);
    let inventory = inspect(&source, &image, &Scan { limits, ..scan }).expect("an inventory");
    assert_eq!(names(&inventory), [("b", 0)]);
    assert!(inventory.problems[0].text.contains("`entries`"));
}

#[test]
fn the_base_is_told_by_its_layers_or_by_the_builder() {
    let layers = || vec![Layer::new().file("x", "1"), Layer::new().file("y", "2")];
    let (_, mut image) = image(layers(), false);
    let diff_ids = image.config.rootfs.diff_ids.clone();
    let known = |name: &str, count: usize| KnownBase {
        name: name.to_owned(),
        diff_ids: diff_ids[..count].to_vec(),
    };
    let other = KnownBase {
        name: "other".to_owned(),
        diff_ids: vec![Digest::of(b"other")],
    };
    assert_eq!(base_image(&image, std::slice::from_ref(&other)), None);
    // The image itself is no base of its own.
    let bases = [known("itself", 2), known("base:1", 1), other];
    let found = base_image(&image, &bases).expect("a base");
    assert_eq!((found.name.as_str(), found.layers), ("base:1", Some(1)));
    // Published images are known without anybody saying so.
    let mut alpine = image.clone();
    let published = "sha256:63ca1fbb43ae5034640e5e6cb3e083e05c290072c5366fcaa9d62435a4cced85";
    alpine.config.rootfs.diff_ids[0] = published.parse().expect("a digest");
    let found = base_image(&alpine, &[]).expect("a base");
    assert_eq!(
        (found.name.as_str(), found.layers),
        ("alpine:3.20.3", Some(1))
    );
    let label = ("org.opencontainers.image.base.name", "debian:12");
    let labels = &mut image.config.config.labels;
    labels.insert(label.0.to_owned(), label.1.to_owned());
    let found = base_image(&image, &[]).expect("a base");
    assert_eq!((found.name.as_str(), found.layers), ("debian:12", None));
}
