//! Whether files have the setuid or setgid bit.

use crate::{Check, Evidence, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "setuid-file",
    title: "No file gives its user more rights",
    proves: "No program in the image runs with the rights of another user than the one who starts \
        it.",
    help: "A setuid or setgid program is the first thing that an intruder looks for (CIS Docker \
        Benchmark 4.8). Files of the distribution's packages are listed too, with the package \
        that brought them: hardly any container needs `su` or `mount`.",
    suggestion: "Remove the bits: `RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +`; or run \
        with `--security-opt no-new-privileges`.",
    level: Level::Warning,
    run,
};

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
            let package = file.package.as_deref();
            let origin = package.map(|name| format!("; brought by the package `{name}`"));
            Evidence::new(bits + &origin.unwrap_or_default())
                .at(&file.path)
                .in_layer(Some(&file.layer))
        })
        .collect();
    Outcome::from_evidence(evidence, "no such file")
}
