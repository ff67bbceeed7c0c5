//! `plimsoll sbom diff`: what is in one image and not in another.

use std::fmt::Write as _;

use clap::Args;
use inventory::{DiffId, Inventory, PackageChange};
use oci::ImageRef;
use serde_json::json;

use super::Context;
use crate::{
    exit::Exit,
    failure::Failure,
    image::{self, ImageArgs, RegistryArgs},
    printer::{count, plain},
};

/// Compare the packages of two images
///
/// A package is the same if ecosystem and name are; what has another version is changed.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The older image
    #[arg(value_name = "BEFORE")]
    before: ImageRef,
    /// The newer image
    #[arg(value_name = "AFTER")]
    after: ImageRef,
    /// Which image of several, such as linux/arm64
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<String>,
    /// Read everything again, and keep nothing in the cache folder
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(args: &DiffArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    if args.platform.as_deref() == Some("all") {
        return Err(Failure::usage(
            "two images are compared for one platform: name it",
        ));
    }
    let before = inventories(args, &args.before, context)?;
    let after = inventories(args, &args.after, context)?;
    let changes = inventory::package_changes(&before, &after);
    if context.printer.is_json() {
        let of = |it: &PackageChange| json!({ "type": it.kind.as_str(), "name": it.name, "before": it.before, "after": it.after });
        let changes: Vec<_> = changes.iter().map(of).collect();
        context.printer.json(&json!({ "changes": changes }))?;
        return Ok(Exit::Success);
    }
    let mut text = String::new();
    for change in &changes {
        let (name, kind) = (&change.name, change.kind.as_str());
        let (old, new) = (change.before.join(", "), change.after.join(", "));
        let line = match (old.as_str(), new.as_str()) {
            ("", new) => format!("+ {name} {new} ({kind})"),
            (old, "") => format!("- {name} {old} ({kind})"),
            (old, new) => format!("~ {name} {old} -> {new} ({kind})"),
        };
        let _infallible = writeln!(text, "{}", plain(&line));
    }
    let _infallible = writeln!(
        text,
        "{}",
        count(changes.len(), "difference", "differences")
    );
    context.printer.out(&text)?;
    Ok(Exit::Success)
}

fn inventories(
    args: &DiffArgs,
    image: &ImageRef,
    context: &Context<'_>,
) -> Result<Vec<Inventory>, Failure> {
    let args = ImageArgs {
        named: Some(image.clone()),
        platform: args.platform.clone(),
        no_cache: args.no_cache,
        registry: args.registry.clone(),
    };
    let config = context.config(Vec::new())?;
    let loaded = image::load(&args, &config.environment, DiffId::Skip, context.printer)?;
    let contents = loaded.platforms.into_iter();
    Ok(contents.map(|(_, content)| content.inventory).collect())
}
