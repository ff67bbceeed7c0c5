//! A bill of materials for people: one table, or one for each layer.

use std::fmt::Write as _;

use app::scan::ImageContent;
use inventory::{Claim, Component};

use crate::printer::{Cell, columns, count, plain, short};

/// Returns the table of an image, or one for each layer.
pub(super) fn document(content: &ImageContent, by_layer: bool) -> String {
    let inventory = &content.inventory;
    let mut text = String::new();
    if by_layer {
        if let Some(base) = &content.base {
            let digest = base.digest.as_deref();
            let digest = digest.map(|digest| format!("@{}", plain(digest)));
            let layers = base.layers.map(|layers| format!(", layers 1 to {layers}"));
            let _infallible = writeln!(
                text,
                "Built on {}{}{}\n",
                plain(&base.name),
                digest.unwrap_or_default(),
                layers.unwrap_or_default()
            );
        }
        for (place, layer) in content.layers.iter().enumerate() {
            let brought = |component: &&Component| component.layer_index == place;
            let brought: Vec<_> = inventory.components.iter().filter(brought).collect();
            let removed = || inventory.removed.iter();
            let passing: Vec<_> = removed().filter(|it| it.layer_index == place).collect();
            let taken = removed().filter(|it| it.by_index == place);
            let instruction = layer.instruction.as_deref().unwrap_or("-");
            let _infallible = writeln!(
                text,
                "Layer {}  {}\n  {}",
                place + 1,
                layer.digest,
                short(&plain(instruction), 100)
            );
            if !brought.is_empty() || passing.is_empty() {
                text.push_str(&table(&brought));
            }
            for removed in passing {
                let (purl, until) = (plain(&removed.purl), removed.by_index + 1);
                let _infallible = writeln!(text, "+ {purl} (until layer {until})");
            }
            for removed in taken {
                let by = removed.replaced_by.as_deref();
                let by = by.map_or("removed".to_owned(), |version| format!("now {version}"));
                let _infallible = writeln!(text, "- {} ({})", plain(&removed.purl), plain(&by));
            }
            text.push('\n');
        }
    } else {
        text.push_str(&table(&inventory.components.iter().collect::<Vec<_>>()));
    }
    if !inventory.covered.is_empty() {
        let _infallible = writeln!(
            text,
            "{} of distribution packages are not listed again",
            count(inventory.covered.len(), "part", "parts")
        );
    }
    text
}

fn table(components: &[&Component]) -> String {
    if components.is_empty() {
        return "no packages\n".to_owned();
    }
    let mut rows = vec![
        ["NAME", "VERSION", "TYPE", "FOUND IN"]
            .map(Cell::new)
            .to_vec(),
    ];
    rows.extend(components.iter().map(|component| {
        let claim = match component.claim {
            Claim::Installed => component.kind.as_str().to_owned(),
            Claim::Declared => format!("{} (declared)", component.kind.as_str()),
            Claim::Claimed => format!("{} (claimed)", component.kind.as_str()),
        };
        [
            component.full_name(),
            component.version.clone(),
            claim,
            component.path.clone(),
        ]
        .map(|text| Cell::new(&plain(&text)))
        .to_vec()
    }));
    columns(&rows)
}
