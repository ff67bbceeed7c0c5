//! Whether kernel packages are installed.

use crate::{Check, Evidence, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "no-kernel-package",
    title: "No kernel is installed",
    proves: "The image carries no kernel, firmware or kernel patches.",
    help: "A container uses its host's kernel; such packages are ballast that every scanner \
        complains about (preflight HasNoProhibitedPackages).",
    suggestion: "Remove the packages; they often come with a metapackage or a recommendation \
        (`--no-install-recommends`).",
    level: Level::Warning,
    run,
};

const NAMES: [&str; 5] = [
    "kernel",
    "kmod-kvdo",
    "linux-firmware",
    "linux-lts",
    "linux-virt",
];
const PREFIXES: [&str; 7] = [
    "kernel-core",
    "kernel-debug",
    "kernel-modules",
    "kernel-tools",
    "kernel-devel",
    "kpatch",
    "linux-image-",
];

fn run(subject: &Subject<'_>) -> Outcome {
    let components = &subject.inventory.components;
    let evidence = components
        .iter()
        .filter(|component| {
            let name = component.name.as_str();
            NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        })
        .map(|component| {
            Evidence::new(format!("{} {}", component.name, component.version))
                .at(&component.path)
                .in_layer(Some(&component.layer))
        })
        .collect();
    Outcome::from_evidence(evidence, format!("{} packages looked at", components.len()))
}
