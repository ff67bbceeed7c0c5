//! The real program, seen by real clients: skopeo, podman, docker, cosign, a browser.
//! Tests whose client is not installed say so and pass.

mod browser;
mod clients;
mod crash;
mod docker;
mod market;
mod way;

/// Says that a test is skipped, and why.
#[expect(clippy::print_stderr, reason = "whoever runs the tests reads it")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}
