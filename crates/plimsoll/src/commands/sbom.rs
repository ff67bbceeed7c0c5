//! `plimsoll sbom`: an image's bill of materials.

use app::scan::ImageContent;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use inventory::{
    DiffId, Inventory,
    sbom::{Subject, cyclonedx, spdx},
};
use oci::{Digest, ImageRef};

use super::{Context, sbom_diff, sbom_diff::DiffArgs, sbom_text};
use crate::{
    advisory_file::timestamp,
    config::environment::Environment,
    exit::Exit,
    failure::Failure,
    image::{self, ImageArgs},
    printer::{Printer, count, plain},
};

/// More problems than these are counted rather than told.
const NOTED: usize = 10;

/// Write an image's bill of materials
///
/// Lists every package with version, licence, package URL, the file that shows it and the layer
/// that brought it, as one JSON document on standard output, or as a table.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_long_help = "Examples:
  plimsoll sbom registry.example/team/app:1.4 > app.cdx.json
  plimsoll sbom --output-format spdx oci:build/app > app.spdx.json
  plimsoll sbom --by-layer registry.example/team/app:1.4
  plimsoll sbom diff registry.example/team/app:1.3 registry.example/team/app:1.4

With --platform all, JSON documents come one to a line.

The same image gives the same bytes: documents bear the time of $SOURCE_DATE_EPOCH, else that
at which the image was made (1970 where it does not say), and a serial number that follows from
it, the digest and what was found."
)]
pub(crate) struct SbomArgs {
    #[command(subcommand)]
    diff: Option<SbomCommand>,
    #[command(flatten)]
    image: ImageArgs,
    /// Which kind of document
    #[arg(long, value_enum, default_value_t)]
    output_format: Document,
    /// Write a table for each layer: what it brought, what it took away
    #[arg(long)]
    by_layer: bool,
}

/// What else can be done with bills of materials.
#[derive(Debug, Subcommand)]
enum SbomCommand {
    Diff(DiffArgs),
}

/// Kinds of bills of materials.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Document {
    /// CycloneDX, JSON
    #[default]
    Cyclonedx,
    /// SPDX, JSON
    Spdx,
    /// A table for people
    Table,
}

pub(super) fn run(args: &SbomArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    if let Some(SbomCommand::Diff(args)) = &args.diff {
        return sbom_diff::run(args, context);
    }
    let image = &args.image;
    let (config, printer) = (context.config(Vec::new())?, context.printer);
    let loaded = image::load(image, &config.environment, DiffId::Skip, printer)?;
    let several = loaded.platforms.len() > 1;
    for (digest, content) in &loaded.platforms {
        if args.by_layer || args.output_format == Document::Table {
            if several {
                printer.out(&format!("Platform {}\n", content.platform))?;
            }
            printer.out(&sbom_text::document(content, args.by_layer))?;
            note_problems(&content.inventory, printer);
            continue;
        }
        let subject = subject(image.image(), digest.as_ref(), content);
        let time = match given_time(context, &config.environment)? {
            Some(time) => time,
            None => content.created().unwrap_or(DateTime::UNIX_EPOCH),
        };
        let serial = subject.serial(&content.inventory, time.timestamp());
        let time = timestamp(time);
        let write = match args.output_format {
            Document::Spdx => spdx,
            Document::Cyclonedx | Document::Table => cyclonedx,
        };
        let document = write(&content.inventory, &subject, &time, &serial);
        if several {
            printer.json_line(&document)?;
        } else {
            printer.json(&document)?;
        }
        note_problems(&content.inventory, printer);
    }
    Ok(Exit::Success)
}

/// Returns the time that a document is told to bear: by the flag, else by the variable that
/// reproducible builds agreed on.
fn given_time(
    context: &Context<'_>,
    environment: &Environment,
) -> Result<Option<DateTime<Utc>>, Failure> {
    if let Some(time) = context.given_now() {
        return Ok(Some(time));
    }
    let Some(text) = environment.get("SOURCE_DATE_EPOCH") else {
        return Ok(None);
    };
    let seconds = text.parse().ok();
    match seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)) {
        Some(time) => Ok(Some(time)),
        None => Err(Failure::usage(format!(
            "SOURCE_DATE_EPOCH is `{text}`: it must be a number of seconds since 1970"
        ))),
    }
}

/// Says on the side what is not in a document, as it was not understood.
fn note_problems(inventory: &Inventory, printer: &Printer) {
    for problem in inventory.problems.iter().take(NOTED) {
        let path = match problem.path.as_str() {
            "" => String::new(),
            path => format!("{}: ", plain(path)),
        };
        printer.note(&format!("{path}{}", plain(&problem.text)));
    }
    let more = inventory.problems.len().saturating_sub(NOTED);
    if more > 0 {
        let problems = count(more, "problem", "problems");
        printer.note(&format!("and {problems} more, which the document lists"));
    }
}

/// Returns what a document about an image is about.
pub(super) fn subject(
    image: &ImageRef,
    digest: Option<&Digest>,
    content: &ImageContent,
) -> Subject {
    Subject {
        name: name(image),
        digest: digest.cloned().unwrap_or_else(|| listing(content)),
        platform: content.platform.clone(),
        base: content.base.clone(),
    }
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
