//! Whether caches of package managers were left.

use crate::{Check, Evidence, Level, Outcome, Subject, report::bytes};

pub(crate) static CHECK: Check = Check {
    id: "package-cache",
    title: "No package manager left its cache",
    proves: "The image carries no downloads of package managers.",
    help: "Package lists and downloaded archives are of no use in a container and are pulled by \
        everybody (dockle DKL-DI-0004 and 0005, hadolint DL3009, DL3019, DL3042).",
    suggestion: "Clean in the same RUN instruction: `rm -rf /var/lib/apt/lists/*`, `apk add \
        --no-cache`, `pip install --no-cache-dir`, `dnf clean all`; or use `RUN \
        --mount=type=cache`.",
    level: Level::Warning,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let evidence = subject
        .inventory
        .facts
        .caches
        .iter()
        .map(|cache| {
            let (kind, files, size) = (&cache.kind, cache.files, bytes(cache.bytes));
            let files = if files == 1 {
                "1 file".to_owned()
            } else {
                format!("{files} files")
            };
            Evidence::new(format!("{kind}: {files}, {size}")).at(&cache.path)
        })
        .collect();
    Outcome::from_evidence(evidence, "no cache found")
}
