//! `plimsoll sbom diff`: what is in one image and not in another.

use std::{collections::BTreeMap, fmt::Write as _};

use clap::Args;
use inventory::{DiffId, Inventory, Kind};
use oci::ImageRef;
use serde_json::json;

use super::{Context, sbom_text::full_name};
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

/// A package by ecosystem and name, and its versions.
type Packages = BTreeMap<(Kind, String), Vec<String>>;

pub(super) fn run(args: &DiffArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    if args.platform.as_deref() == Some("all") {
        return Err(Failure::usage(
            "two images are compared for one platform: name it",
        ));
    }
    let before = packages(args, &args.before, context)?;
    let after = packages(args, &args.after, context)?;
    let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let none = Vec::new();
    let mut changes = Vec::new();
    for key in keys {
        let (old, new) = (
            before.get(key).unwrap_or(&none),
            after.get(key).unwrap_or(&none),
        );
        if old != new {
            changes.push((key, old, new));
        }
    }
    if context.printer.is_json() {
        let of = |(key, old, new): &(&(Kind, String), &Vec<String>, &Vec<String>)| json!({ "type": key.0.as_str(), "name": key.1, "before": old, "after": new });
        let changes: Vec<_> = changes.iter().map(of).collect();
        context.printer.json(&json!({ "changes": changes }))?;
        return Ok(Exit::Success);
    }
    let mut text = String::new();
    for ((kind, name), old, new) in &changes {
        let (old, new) = (old.join(", "), new.join(", "));
        let line = match (old.as_str(), new.as_str()) {
            ("", new) => format!("+ {name} {new} ({})", kind.as_str()),
            (old, "") => format!("- {name} {old} ({})", kind.as_str()),
            (old, new) => format!("~ {name} {old} -> {new} ({})", kind.as_str()),
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

fn packages(args: &DiffArgs, image: &ImageRef, context: &Context<'_>) -> Result<Packages, Failure> {
    let args = ImageArgs {
        named: Some(image.clone()),
        platform: args.platform.clone(),
        no_cache: args.no_cache,
        registry: args.registry.clone(),
    };
    let config = context.config(Vec::new())?;
    let loaded = image::load(&args, &config.environment, DiffId::Skip, context.printer)?;
    let contents = loaded.platforms.iter();
    Ok(by_name(contents.map(|(_, content)| &content.inventory)))
}

fn by_name<'i>(inventories: impl Iterator<Item = &'i Inventory>) -> Packages {
    let mut packages = Packages::new();
    for component in inventories.flat_map(|inventory| &inventory.components) {
        let versions = packages
            .entry((component.kind, full_name(component)))
            .or_default();
        if !versions.contains(&component.version) {
            versions.push(component.version.clone());
        }
    }
    packages.values_mut().for_each(|versions| versions.sort());
    packages
}
