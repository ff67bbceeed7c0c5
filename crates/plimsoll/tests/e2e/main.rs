//! The real program, seen by real clients: docker with its engine, skopeo, podman, buildah,
//! umoci, crane, oras, notation, cosign, a browser.
//! Tests whose client is not installed say so and pass.

// As the tests of `trust` call it, whose publisher is used here too.
extern crate trust as plimsoll_trust;

mod artifacts;
mod browser;
#[path = "../../../store/tests/store/bucket.rs"]
mod bucket;
mod builders;
mod clients;
mod content_trust;
mod cosign;
mod crash;
#[expect(dead_code, reason = "only PostgreSQL is asked for here")]
#[path = "../../../store/tests/store/databases.rs"]
mod databases;
mod docker;
mod docker_signers;
mod doors;
mod durable;
mod engine;
mod holds;
mod http;
mod imports;
mod kills;
mod limits;
mod mail;
mod market;
mod memory;
mod model;
mod notary;
mod notary_desk;
mod notary_recorded;
mod notary_refusals;
mod offline;
mod plans;
mod proofs;
#[path = "../../../trust/tests/trust/publisher.rs"]
mod publisher;
mod read_ahead;
mod reference;
mod releases;
mod robots;
mod roots;
mod rotation;
mod scale;
mod scripts;
mod secrets;
mod shutdown;
mod signing_keys;
mod swarm;
mod tls;
mod token;
mod watch;
mod way;
mod webhooks;
mod withdrawals;
mod witnesses;

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Says that a test is skipped, and why.
#[expect(clippy::print_stderr, reason = "whoever runs the tests reads it")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

/// Returns whether a client is installed.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        skip(&format!("{program} is not installed"));
    }
    found
}

/// Has openssl make something in a folder; nothing where it is not installed.
fn openssl(dir: &Path, arguments: &str) -> Option<()> {
    let made = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(dir)
        .stdin(Stdio::null())
        .output();
    let made = made.is_ok_and(|output| output.status.success());
    if !made {
        skip("openssl is not installed");
    }
    made.then_some(())
}

/// Returns a client of a newer Debian suite: where the task runner put it, or where it is installed.
fn newer(variable: &str, program: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the task runner says where it put the client"
    )]
    let program = std::env::var(variable).unwrap_or_else(|_| program.to_owned());
    (Path::new(&program).exists() || has(&program)).then_some(program)
}
