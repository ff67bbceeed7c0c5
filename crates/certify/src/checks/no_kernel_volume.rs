//! Whether VOLUME names a directory of the kernel.

use crate::{Check, Evidence, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "no-kernel-volume",
    title: "No volume covers a kernel directory",
    proves: "No volume hides or exposes what the kernel shows below /dev, /proc and /sys.",
    help: "A volume there breaks the container, or opens a way out of it (dockle DKL-DI-0002).",
    suggestion: "Remove the VOLUME instruction; grant devices at run time with `--device`.",
    level: Level::Error,
    run,
};

const KERNEL: [&str; 3] = ["/dev", "/proc", "/sys"];

fn run(subject: &Subject<'_>) -> Outcome {
    let volumes = subject.config.config.volumes.keys();
    let evidence = volumes
        .filter(|volume| is_kernels(volume))
        .map(|volume| Evidence::new(format!("VOLUME `{volume}`")).at(volume.trim_matches('/')))
        .collect();
    Outcome::from_evidence(evidence, "no volume on /dev, /proc or /sys")
}

fn is_kernels(volume: &str) -> bool {
    KERNEL.iter().any(|folder| {
        volume
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
