//! Whether numbers of users and groups are unique.

use std::collections::{BTreeMap, BTreeSet};

use inventory::Account;

use crate::{Check, Evidence, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "unique-ids",
    title: "No two users or groups share a number",
    proves: "Files belong to one user and one group only.",
    help: "Two names with one number are one account to the kernel: rights that are given to \
        one are given to both (dockle DKL-LI-0002).",
    suggestion: "Give each user and group its own number.",
    level: Level::Warning,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let facts = &subject.inventory.facts;
    let mut evidence = shared("users", "etc/passwd", &facts.users);
    evidence.extend(shared("groups", "etc/group", &facts.groups));
    let note = format!("{} users, {} groups", facts.users.len(), facts.groups.len());
    Outcome::from_evidence(evidence, note)
}

fn shared(kind: &str, path: &str, accounts: &[Account]) -> Vec<Evidence> {
    let mut by_id: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
    for account in accounts {
        by_id.entry(account.id).or_default().insert(&account.name);
    }
    let several = by_id.into_iter().filter(|(_, names)| names.len() > 1);
    several
        .map(|(id, names)| {
            let names: Vec<_> = names.into_iter().collect();
            Evidence::new(format!("{kind} {} share the number {id}", names.join(", "))).at(path)
        })
        .collect()
}
