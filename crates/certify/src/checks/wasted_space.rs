//! Whether lower layers hold much that upper ones hide.

use crate::{Check, Evidence, Level, Outcome, Subject, history::shown, report::bytes};

pub(crate) static CHECK: Check = Check {
    id: "wasted-space",
    title: "It carries little that is hidden",
    proves: "Of the bytes that are pulled, hardly any are hidden by upper layers.",
    help: "A file that is deleted, replaced or has its owner changed in a later instruction is \
        pulled all the same. Reported above 10 % of the files and 20 MB.",
    suggestion: "Delete in the instruction that created the file, use `COPY --chown`, or build in \
        several stages.",
    level: Level::Warning,
    run,
};

const MOST_BYTES: u64 = 20_000_000;
const MOST_PERCENT: u64 = 10;

fn run(subject: &Subject<'_>) -> Outcome {
    let facts = &subject.inventory.facts;
    let wasted = facts.wasted_bytes;
    let all = facts.bytes.saturating_add(wasted).max(1);
    let percent = (u128::from(wasted) * 100 / u128::from(all)) as u64;
    let note = format!("{} of files are hidden ({percent} %)", bytes(wasted));
    if wasted <= MOST_BYTES || percent <= MOST_PERCENT {
        return Outcome::Pass(note);
    }
    let mut layers: Vec<_> = subject.inventory.layers.iter().collect();
    layers.retain(|layer| layer.wasted_bytes > 0);
    layers.sort_by_key(|layer| std::cmp::Reverse(layer.wasted_bytes));
    let mut evidence = vec![Evidence::new(note)];
    evidence.extend(layers.into_iter().map(|layer| {
        let note = format!("{} of this layer are hidden", bytes(layer.wasted_bytes));
        let evidence = Evidence::new(note).in_layer(Some(&layer.digest));
        let facts = subject
            .layers
            .iter()
            .find(|facts| facts.digest == layer.digest);
        match facts.and_then(|facts| facts.history.as_deref()) {
            Some(line) => evidence.with_line(shown(line)),
            None => evidence,
        }
    }));
    Outcome::Fail(evidence)
}
