//! A bill of materials for people: one table, or one for each layer.

use std::fmt::Write as _;

use app::scan::ImageContent;
use inventory::{Claim, Component, Removed};

use crate::printer::{Cell, columns, count, plain, short};

/// Returns the table of an image, or one for each layer.
pub(super) fn document(content: &ImageContent, by_layer: bool) -> String {
    let inventory = &content.inventory;
    let mut text = String::new();
    if by_layer {
        if let Some(base) = &content.base {
            let _infallible = writeln!(text, "Built on {}\n", plain(&base.name));
        }
        for (place, layer) in content.layers.iter().enumerate() {
            let brought = |component: &&Component| component.layer_index == place;
            let brought: Vec<_> = inventory.components.iter().filter(brought).collect();
            let taken = |removed: &&Removed| removed.by == layer.digest;
            let taken: Vec<_> = inventory.removed.iter().filter(taken).collect();
            let instruction = layer.instruction.as_deref().unwrap_or("-");
            let _infallible = writeln!(
                text,
                "Layer {}  {}\n  {}",
                place + 1,
                layer.digest,
                short(&plain(instruction), 100)
            );
            text.push_str(&table(&brought));
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
    for problem in inventory
        .problems
        .iter()
        .filter(|p| p.text.contains("not read"))
    {
        let _infallible = writeln!(text, "{}: {}", plain(&problem.path), plain(&problem.text));
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
