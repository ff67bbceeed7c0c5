//! Whether files have the setuid or setgid bit.

use crate::{Check, Evidence, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "setuid-file",
    title: "No file gives its user more rights",
    proves: "No program in the image runs with the rights of another user than the one who starts \
        it.",
    help: "A setuid or setgid program is the first thing that an intruder looks for (CIS Docker \
        Benchmark 4.8). Files that the distribution's base brings are listed too: hardly any \
        container needs `su` or `mount`.",
    suggestion: "Remove the bits: `RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +`; or run \
        with `--security-opt no-new-privileges`.",
    level: Level::Warning,
    run,
};

/// What Debian's base packages bring.
const OF_THE_BASE: [&str; 13] = [
    "chage",
    "chfn",
    "chsh",
    "expiry",
    "gpasswd",
    "mount",
    "newgrp",
    "passwd",
    "su",
    "umount",
    "unix_chkpwd",
    "wall",
    "ssh-agent",
];

fn run(subject: &Subject<'_>) -> Outcome {
    let evidence = subject
        .inventory
        .facts
        .setuid
        .iter()
        .map(|file| {
            let bits = match file.mode & 0o6000 {
                0o4000 => format!("setuid, owner {}", file.uid),
                0o2000 => format!("setgid, group {}", file.gid),
                _ => format!("setuid and setgid, owner {}, group {}", file.uid, file.gid),
            };
            let name = file.path.rsplit('/').next().unwrap_or(&file.path);
            let origin = if OF_THE_BASE.contains(&name) {
                "; brought by the distribution's base"
            } else {
                ""
            };
            Evidence::new(format!("{bits}{origin}"))
                .at(&file.path)
                .in_layer(Some(&file.layer))
        })
        .collect();
    Outcome::from_evidence(evidence, "no such file")
}
