//! `plimsoll sbom`: an image's bill of materials.

use app::scan::ImageContent;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use inventory::sbom::{Subject, cyclonedx, spdx};
use oci::{Digest, ImageRef};

use super::Context;
use crate::{
    advisory_file::timestamp,
    exit::Exit,
    failure::Failure,
    image::{self, ImageArgs},
};

/// Write an image's bill of materials
///
/// Lists every installed package with version, licence, package URL and the layer that
/// brought it, as one JSON document on standard output.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll sbom registry.example/team/app:1.4 > app.cdx.json
  plimsoll sbom --output-format spdx oci:build/app > app.spdx.json")]
pub(crate) struct SbomArgs {
    #[command(flatten)]
    image: ImageArgs,
    /// Which kind of document
    #[arg(long, value_enum, default_value_t)]
    output_format: Document,
}

/// Kinds of bills of materials.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Document {
    /// CycloneDX, JSON
    #[default]
    Cyclonedx,
    /// SPDX, JSON
    Spdx,
}

pub(super) fn run(args: &SbomArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    if args.image.platform.as_deref() == Some("all") {
        return Err(Failure::usage(
            "a bill of materials is of one platform: name it, or leave --platform out",
        ));
    }
    let config = context.config(Vec::new())?;
    let loaded = image::load(&args.image, &config.environment, context.printer)?;
    for (digest, content) in &loaded.platforms {
        let subject = Subject {
            name: name(&args.image.image),
            digest: digest.clone().unwrap_or_else(|| listing(content)),
            platform: content.platform.clone(),
        };
        let (time, serial) = (timestamp(context.now()), serial(&subject, context.now()));
        let write = match args.output_format {
            Document::Cyclonedx => cyclonedx,
            Document::Spdx => spdx,
        };
        let document = write(&content.inventory, &subject, &time, &serial);
        context.printer.json(&document)?;
    }
    Ok(Exit::Success)
}

/// Returns a name without tag and digest.
fn name(image: &ImageRef) -> String {
    match image {
        ImageRef::Registry(reference) => {
            let host = image::host(reference);
            format!("{host}/{}", reference.repo)
        }
        ImageRef::OciLayout(path, _)
        | ImageRef::OciArchive(path, _)
        | ImageRef::DockerArchive(path, _)
        | ImageRef::Rootfs(path) => {
            let last = path.file_name().unwrap_or(path.as_os_str());
            last.to_string_lossy().into_owned()
        }
    }
}

/// A root file system has no manifest; the digest of its listing names it.
fn listing(content: &ImageContent) -> Digest {
    match content.layers.first() {
        Some(layer) => layer.digest.clone(),
        None => Digest::of(b""),
    }
}

/// Returns a UUID that the same image and second always have, so that runs can be compared
/// (RFC 9562, version 8: custom).
fn serial(subject: &Subject, now: DateTime<Utc>) -> String {
    let seed = format!("{}\n{}\n{}", subject.name, subject.digest, now.timestamp());
    let digest = Digest::of(seed.as_bytes());
    let hex = digest.hex();
    format!(
        "{}-{}-8{}-8{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..32]
    )
}
