//! Whether the program runs as root.

use crate::{Check, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "non-root-user",
    title: "It runs as an ordinary user",
    proves: "A program that is taken over has no root rights in its container.",
    help: "Root in a container is root on the host as soon as the isolation has a hole (CIS \
        Docker Benchmark 4.1, preflight RunAsNonRoot).",
    suggestion: "Create a user and end the Dockerfile with `USER name` or, better for orchestrators, \
        `USER 10001`.",
    level: Level::Warning,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    let user = subject.config.config.user.as_str();
    let name = user.split(':').next().unwrap_or_default();
    if name.is_empty() {
        return Outcome::fail("no USER is set, so the program runs as root");
    }
    let users = &subject.inventory.facts.users;
    let id = match name.parse::<u32>() {
        Ok(id) => Some(id),
        Err(_) => users
            .iter()
            .find(|user| user.name == name)
            .map(|user| user.id),
    };
    match id {
        Some(0) => Outcome::fail(format!("USER is `{user}`, which is root")),
        None if name == "root" => Outcome::fail("USER is `root`"),
        None => Outcome::fail(format!(
            "USER is `{user}`, but etc/passwd has no such user: the container will not start"
        )),
        Some(id) => Outcome::Pass(format!("runs as `{user}` (uid {id})")),
    }
}
