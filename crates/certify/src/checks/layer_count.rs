//! Whether there are too many layers.

use crate::{Check, Level, Outcome, Subject};

pub(crate) static CHECK: Check = Check {
    id: "layer-count",
    title: "It has few layers",
    proves: "The image has at most 40 layers.",
    help: "Each layer costs a request and a mount; engines stop at 127 (preflight \
        LayerCountAcceptable).",
    suggestion: "Join RUN instructions, or build in several stages and copy the result.",
    level: Level::Error,
    run,
};

const MOST: usize = 40;

fn run(subject: &Subject<'_>) -> Outcome {
    let count = subject.layers.len();
    if count > MOST {
        Outcome::fail(format!("{count} layers; the limit is {MOST}"))
    } else {
        Outcome::Pass(format!("{count} layers"))
    }
}
