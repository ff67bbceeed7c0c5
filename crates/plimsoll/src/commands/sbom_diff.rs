//! `plimsoll sbom diff`: what is in one image and not in another.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

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
    /// Which image of several, such as linux/arm64, or all, each by itself
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<String>,
    /// Read everything again, and keep nothing in the cache folder
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(args: &DiffArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let before = inventories(args, &args.before, context)?;
    let after = inventories(args, &args.after, context)?;
    let platforms = match args.platform.as_deref() {
        Some("all") => before.keys().chain(after.keys()).collect(),
        // Of one each, whichever that is: images of two platforms may be compared.
        _ => BTreeSet::new(),
    };
    if platforms.is_empty() {
        let (before, after) = (before.values().flatten(), after.values().flatten());
        let changes = inventory::package_changes(before, after);
        return match context.printer.is_json() {
            true => context
                .printer
                .json(&json!({ "changes": json_of(&changes) })),
            false => context.printer.out(&text_of(&changes)),
        }
        .map(|()| Exit::Success);
    }
    for platform in platforms {
        let (old, new) = (before.get(platform), after.get(platform));
        let changes =
            inventory::package_changes(old.into_iter().flatten(), new.into_iter().flatten());
        match context.printer.is_json() {
            true => context
                .printer
                .json_line(&json!({ "platform": platform, "changes": json_of(&changes) }))?,
            false => {
                let title = format!("Platform {}\n", plain(platform));
                context.printer.out(&(title + &text_of(&changes)))?;
            }
        }
    }
    Ok(Exit::Success)
}

fn json_of(changes: &[PackageChange]) -> serde_json::Value {
    let of = |it: &PackageChange| json!({ "type": it.kind.as_str(), "name": it.name, "before": it.before, "after": it.after });
    changes.iter().map(of).collect()
}

fn text_of(changes: &[PackageChange]) -> String {
    let mut text = String::new();
    for change in changes {
        let (name, kind) = (&change.name, change.kind.as_str());
        let (old, new) = (change.before.join(", "), change.after.join(", "));
        let line = match (change.before.is_empty(), change.after.is_empty()) {
            (true, _) => format!("+ {name} {new} ({kind})"),
            (_, true) => format!("- {name} {old} ({kind})"),
            _ => format!("~ {name} {old} -> {new} ({kind})"),
        };
        let _infallible = writeln!(text, "{}", plain(&line));
    }
    let _infallible = writeln!(
        text,
        "{}",
        count(changes.len(), "difference", "differences")
    );
    text
}

/// The inventories of an image, by platform.
type Platforms = BTreeMap<String, Vec<Inventory>>;

fn inventories(
    args: &DiffArgs,
    image: &ImageRef,
    context: &Context<'_>,
) -> Result<Platforms, Failure> {
    let args = ImageArgs {
        named: Some(image.clone()),
        platform: args.platform.clone(),
        no_cache: args.no_cache,
        registry: args.registry.clone(),
    };
    let config = context.config(Vec::new())?;
    let loaded = image::load(&args, &config.environment, DiffId::Skip, context.printer)?;
    let mut platforms = Platforms::new();
    for (_, content) in loaded.platforms {
        let of = platforms.entry(content.platform).or_default();
        of.push(content.inventory);
    }
    Ok(platforms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_version_comes_and_goes_as_others_do() {
        let change = |before: &[&str], after: &[&str]| {
            let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
            let change = PackageChange {
                kind: inventory::Kind::Golang,
                name: "a".to_owned(),
                before: texts(before),
                after: texts(after),
            };
            text_of(&[change])
        };
        assert!(change(&[""], &[]).starts_with("- a "));
        assert!(change(&[], &[""]).starts_with("+ a "));
        assert!(change(&[""], &["1"]).starts_with("~ a "));
    }
}
