//! Prints the inventory of an image or of an unpacked root file system as JSON:
//! `inventory oci:DIR|oci-archive:FILE|docker-archive:FILE|dir:ROOTFS [cyclonedx|spdx]`.

use std::{env, error::Error, io, path::Path};

use plimsoll_inventory::{Inventory, Limits, Scan, base_image, inspect, sbom, scan_rootfs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("usage: inventory IMAGE [cyclonedx|spdx]")?;
    let (inventory, subject) = take_apart(&path)?;
    // An example has no clock and no name for the document of its own.
    let (time, serial) = (
        "2026-01-01T00:00:00Z",
        "00000000-0000-4000-8000-000000000000",
    );
    let document = match arguments.next().as_deref() {
        None => serde_json::to_value(&inventory)?,
        Some("cyclonedx") => sbom::cyclonedx(&inventory, &subject, time, serial),
        Some("spdx") => sbom::spdx(&inventory, &subject, time, serial),
        Some(other) => return Err(format!("`{other}` is neither cyclonedx nor spdx").into()),
    };
    serde_json::to_writer(io::stdout().lock(), &document)?;
    Ok(())
}

fn take_apart(name: &str) -> Result<(Inventory, sbom::Subject), Box<dyn Error>> {
    let limits = Limits::default();
    if let Some(root) = name.strip_prefix("dir:") {
        let inventory = scan_rootfs(Path::new(root), &limits)?;
        let digest = inventory.layers[0].digest.clone();
        let subject = sbom::Subject {
            name: "rootfs".to_owned(),
            digest,
            platform: String::new(),
            base: None,
        };
        return Ok((inventory, subject));
    }
    let source = oci::open_image(&name.parse()?)?;
    let image = oci::platform_images(&*source)?.remove(0);
    let subject = sbom::Subject {
        name: name.to_owned(),
        digest: image.descriptor.digest.clone(),
        platform: image.platform(),
        base: base_image(&image, &[]),
    };
    Ok((inspect(&*source, &image, &Scan::default())?, subject))
}
