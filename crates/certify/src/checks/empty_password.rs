//! Whether an account has an empty password.

use crate::{Check, Evidence, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "empty-password",
    title: "No account has an empty password",
    proves: "Nobody becomes another user without a password.",
    help: "An empty password field lets anybody in who reaches a login, `su` or SSH (dockle \
        DKL-LI-0001).",
    suggestion: "Lock the account: `RUN passwd -l NAME`.",
    level: Level::Error,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let evidence = subject
        .inventory
        .facts
        .empty_passwords
        .iter()
        .map(|account| {
            Evidence::new(format!("user `{}` has an empty password", account.user))
                .at(&account.path)
        })
        .collect();
    Outcome::from_evidence(evidence, "no such account")
}
