//! A whole image: layers upon layers of well-formed archives with whatever in them, and its
//! configuration. What is found can be kept, is found again, can be told and judged.
#![no_main]

use certify::{LayerFacts, run_all};
use chrono::DateTime;
use inventory::{DiffId, Inventory, Limits, merge, sbom, scan_layer};
use libfuzzer_sys::fuzz_target;
use oci::{Digest, ImageConfig};
use plimsoll_fuzz::Image;

const MOST_LAYERS: usize = 16;

fn found(image: &Image<'_>) -> Option<Inventory> {
    let limits = Limits {
        uncompressed_bytes: 4 << 20,
        entries: 1_000,
        ..Limits::default()
    };
    let layers = image.layers.iter().enumerate().map(|(number, layer)| {
        let digest = format!("sha256:{number:064x}").parse().expect("a digest");
        let report = scan_layer(&mut &layer[..], "fuzz", &limits, DiffId::Skip).ok()?;
        Some((digest, report))
    });
    Some(merge(&layers.collect::<Option<Vec<_>>>()?))
}

fn tell(inventory: &Inventory) {
    let subject = sbom::Subject {
        name: "fuzz.example/app".to_owned(),
        digest: Digest::of(b""),
        platform: "linux/amd64".to_owned(),
        base: None,
    };
    let serial = subject.serial(inventory, 0);
    for document in [sbom::cyclonedx, sbom::spdx] {
        let document = document(inventory, &subject, "1970-01-01T00:00:00Z", &serial);
        serde_json::to_vec(&document).expect("a document is JSON");
    }
}

fn judge(inventory: &Inventory, config: &ImageConfig) {
    let mut history = config.layer_history().into_iter();
    let layers = inventory.layers.iter().map(|layer| LayerFacts {
        digest: layer.digest.clone(),
        compressed_size: 0,
        history: history.next().flatten().and_then(|line| line.created_by.clone()),
    });
    run_all(&certify::Subject {
        reference_tag: Some("latest"),
        config,
        annotations: None,
        layers: &layers.collect::<Vec<_>>(),
        inventory,
        now: DateTime::UNIX_EPOCH,
    });
}

fuzz_target!(|data: &[u8]| {
    let image = Image::read(data);
    if image.layers.len() > MOST_LAYERS {
        return;
    }
    let Some(inventory) = found(&image) else { return };
    assert_eq!(Some(&inventory), found(&image).as_ref(), "the same image, the same inventory");
    let kept = serde_json::to_vec(&inventory).expect("it is kept as JSON");
    let again: Inventory = serde_json::from_slice(&kept).expect("what was kept is read");
    assert_eq!(again, inventory);
    for component in &inventory.components {
        assert!(!component.evidence.is_empty(), "{} was seen somewhere", component.purl);
        assert!(component.purl.starts_with("pkg:"), "{}", component.purl);
    }
    tell(&inventory);
    if let Ok(config) = serde_json::from_slice::<ImageConfig>(image.config) {
        judge(&inventory, &config);
    }
});
