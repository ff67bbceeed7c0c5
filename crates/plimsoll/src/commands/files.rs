//! `plimsoll files`: what the layers of an image consist of.

use std::fmt::Write as _;

use clap::Args;
use inventory::{FileEntry, LayerReport, Linked};
use oci::Digest;
use serde_json::json;

use super::Context;
use crate::{
    exit::Exit,
    failure::Failure,
    image::{self, ImageArgs},
    printer::{Printer, plain},
};

/// List the files of an image's layers with owner and mode
///
/// Lists what each layer adds or replaces, with rights, numbers of owner and group, and size, and
/// the paths that it takes away from those below; not what is left of it all in the end. With
/// --needs, lists instead which shared libraries each program and library of the whole image is
/// linked with, as the loader would find them. With --format json, one document a line.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll files registry.example/team/app:1.4
  plimsoll files --layer 2 oci:build/app
  plimsoll files --under /usr/bin registry.example/team/app:1.4
  plimsoll files --needs --under /usr/bin/nginx registry.example/team/app:1.4")]
pub(crate) struct FilesArgs {
    #[command(flatten)]
    image: ImageArgs,
    /// This layer only, counted from 1, lowest first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    layer: Option<u32>,
    /// This path and what lies below it only
    #[arg(long, value_name = "PATH")]
    under: Option<String>,
    /// Which shared libraries each program needs, and which of them are not in the image
    #[arg(long, conflicts_with = "layer")]
    needs: bool,
}

pub(super) fn run(args: &FilesArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let (config, printer) = (context.config(Vec::new())?, context.printer);
    let platforms = image::load_layers(&args.image, &config.environment, printer)?;
    let several = platforms.len() > 1;
    for (platform, layers) in &platforms {
        if several && !printer.is_json() {
            printer.out(&format!("Platform {platform}\n"))?;
        }
        if args.needs {
            args.list_needs(platform, layers, printer)?;
            continue;
        }
        if let Some(number) = args.layer
            && number as usize > layers.len()
        {
            return Err(Failure::usage(format!(
                "there is no layer {number}: the image has {}",
                layers.len()
            )));
        }
        for (number, layer) in (1..).zip(layers) {
            if args.layer.is_none_or(|asked| asked == number) {
                args.list(platform, number, layer, printer)?;
            }
        }
    }
    Ok(Exit::Success)
}

impl FilesArgs {
    fn is_asked(&self, path: &str) -> bool {
        let folder = self.under.as_deref().unwrap_or_default().trim_matches('/');
        let below = path.strip_prefix(folder);
        folder.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Lists what programs and libraries are linked with.
    fn list_needs(
        &self,
        platform: &str,
        layers: &[(Digest, LayerReport)],
        printer: &Printer,
    ) -> Result<(), Failure> {
        let linked = inventory::merge(layers).facts.linked;
        let mut text = String::new();
        for one in linked.iter().filter(|one| self.is_asked(&one.path)) {
            if printer.is_json() {
                let Linked {
                    path,
                    libraries,
                    missing,
                } = one;
                printer.json_line(&json!({
                    "platform": platform,
                    "path": path,
                    "libraries": libraries,
                    "missing": missing,
                }))?;
                continue;
            }
            let _infallible = writeln!(text, "/{}", plain(&one.path));
            for library in &one.libraries {
                let _infallible = writeln!(text, "  /{}", plain(library));
            }
            for name in &one.missing {
                let _infallible = writeln!(text, "  {} (not in the image)", plain(name));
            }
        }
        if printer.is_json() {
            return Ok(());
        }
        printer.out(&text)
    }

    /// Lists one layer.
    fn list(
        &self,
        platform: &str,
        number: u32,
        (digest, report): &(Digest, LayerReport),
        printer: &Printer,
    ) -> Result<(), Failure> {
        let files = report.files.iter().filter(|it| self.is_asked(&it.path));
        let taken = [
            ("removed", &report.whiteouts),
            ("emptied", &report.opaque_dirs),
        ];
        let taken = taken.into_iter().flat_map(|(what, paths)| {
            let asked = paths.iter().filter(|path| self.is_asked(path));
            asked.map(move |path| (what, path))
        });
        if printer.is_json() {
            let head = json!({"platform": platform, "layer": number, "digest": digest});
            for file in files {
                printer.json_line(&merged(&head, &document(file)))?;
            }
            for (kind, path) in taken {
                printer.json_line(&merged(&head, &json!({"kind": kind, "path": path})))?;
            }
            return Ok(());
        }
        let mut text = format!("Layer {number}  {digest}\n");
        for file in files {
            let owner = format!("{}:{}", file.uid, file.gid);
            let (rights, size) = (file.rights(), file.size);
            let _infallible = write!(
                text,
                "{rights} {owner:>11} {size:>11} /{}",
                plain(&file.path)
            );
            let link = file
                .link
                .as_deref()
                .map(|link| format!(" -> {}", plain(link)));
            text.push_str(&link.unwrap_or_default());
            text.push('\n');
        }
        for (what, path) in taken {
            let _infallible = writeln!(text, "{what:<34} /{}", plain(path));
        }
        for problem in report.problems.iter().filter(|it| it.is_cut_off()) {
            let _infallible = writeln!(text, "{}", plain(&problem.text));
        }
        text.push('\n');
        printer.out(&text)
    }
}

fn document(file: &FileEntry) -> serde_json::Value {
    json!({
        "path": file.path,
        "kind": file.kind.as_str(),
        "mode": format!("{:04o}", file.mode),
        "uid": file.uid,
        "gid": file.gid,
        "size": file.size,
        "link": file.link,
    })
}

/// Puts two objects together.
fn merged(head: &serde_json::Value, rest: &serde_json::Value) -> serde_json::Value {
    let fields = [head, rest]
        .into_iter()
        .filter_map(serde_json::Value::as_object);
    let fields = fields.flatten();
    fields
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
