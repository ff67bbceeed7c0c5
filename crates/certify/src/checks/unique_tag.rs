//! Whether the tag is something else than `latest`.

use crate::{Check, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "unique-tag",
    title: "It has a tag of its own",
    proves: "The tag names one version, so that consumers know what they run and can go back.",
    help: "`latest` moves: two hosts with the same tag run different images (preflight \
        HasUniqueTag, dockle DKL-DI-0006). Paid plans may not use it.",
    suggestion: "Push the image under its version, such as `1.4.2`.",
    level: Level::Warning,
    run,
};

fn run(subject: &Subject<'_>) -> Outcome {
    match subject.reference_tag {
        None => Outcome::NotApplicable("the image was given by digest".to_owned()),
        Some("latest") => Outcome::fail("the tag is `latest`"),
        Some(tag) => Outcome::Pass(format!("the tag is `{tag}`")),
    }
}
