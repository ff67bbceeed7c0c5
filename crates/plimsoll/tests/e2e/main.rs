//! The real program, seen by real clients: skopeo, podman, docker, cosign, a browser.
//! Tests whose client is not installed say so and pass.

mod browser;
#[path = "../../../store/tests/store/bucket.rs"]
mod bucket;
mod clients;
mod crash;
#[expect(dead_code, reason = "only PostgreSQL is asked for here")]
#[path = "../../../store/tests/store/databases.rs"]
mod databases;
mod docker;
mod doors;
mod http;
mod kills;
mod limits;
mod market;
mod memory;
mod model;
mod scale;
mod shutdown;
mod tls;
mod watch;
mod way;

/// Says that a test is skipped, and why.
#[expect(clippy::print_stderr, reason = "whoever runs the tests reads it")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}
