//! Whether the labels that identify an image are there.

use crate::{Check, Evidence, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "labels",
    title: "It says what it is",
    proves: "An image found on a host can be traced to its product, version and publisher.",
    help: "Scanners, registries and people read these labels; the Red Hat and label-schema \
        names count too (OCI image specification, annotations.md; preflight \
        HasRequiredLabel).",
    suggestion: "Add the missing ones with `LABEL org.opencontainers.image.…` or as annotations.",
    level: Level::Warning,
    run,
};

/// What must be said, and the names under which it may be said.
const REQUIRED: [(&str, &[&str]); 5] = [
    (
        "org.opencontainers.image.title",
        &["org.label-schema.name", "name"],
    ),
    (
        "org.opencontainers.image.vendor",
        &[
            "org.opencontainers.image.authors",
            "org.label-schema.vendor",
            "vendor",
            "maintainer",
        ],
    ),
    (
        "org.opencontainers.image.version",
        &["org.label-schema.version", "version"],
    ),
    (
        "org.opencontainers.image.licenses",
        &["license", "licenses"],
    ),
    (
        "org.opencontainers.image.description",
        &[
            "org.label-schema.description",
            "description",
            "summary",
            "io.k8s.description",
        ],
    ),
];

fn run(subject: &Subject<'_>) -> Outcome {
    let evidence = REQUIRED
        .iter()
        .filter(|(name, others)| {
            let mut names = std::iter::once(name).chain(others.iter());
            !names.any(|name| subject.label(name).is_some())
        })
        .map(|(name, others)| {
            Evidence::new(format!(
                "`{name}` is missing (also accepted: {})",
                others.join(", ")
            ))
        })
        .collect();
    Outcome::from_evidence(
        evidence,
        "title, vendor, version, licence and description are given",
    )
}
