//! Whether the base that the image names has a version.

use crate::{Check, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "base-tag",
    title: "Its base is a fixed version",
    proves: "The image was built on a base of a known version.",
    help: "A build on `latest`, or without a tag, gives another image tomorrow (hadolint DL3006 \
        and DL3007).",
    suggestion: "Write `FROM name:version`, better `FROM name:version@sha256:…`.",
    level: Level::Warning,
    run,
};

const NAME: &str = "org.opencontainers.image.base.name";

fn run(subject: &Subject<'_>) -> Outcome {
    let Some(base) = subject.label(NAME).filter(|base| *base != "scratch") else {
        return Outcome::NotApplicable(format!("the image does not name its base (`{NAME}`)"));
    };
    let name = base.rsplit('/').next().unwrap_or(base);
    if base.contains("@sha256:") {
        return Outcome::Pass(format!("built on `{base}`"));
    }
    match name.split_once(':') {
        None => Outcome::fail(format!("built on `{base}`, which has no tag")),
        Some((_, "latest")) => Outcome::fail(format!("built on `{base}`")),
        Some(_) => Outcome::Pass(format!("built on `{base}`")),
    }
}
