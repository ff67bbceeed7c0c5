//! The registry over a real application, with tokens from `/token`: on SQLite and files; with
//! `PLIMSOLL_TEST_ON=cluster` on PostgreSQL and S3, with two servers that get requests by turns.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

// As the tests of `trust` call it, whose publisher is used here too.
extern crate trust as plimsoll_trust;

mod access;
mod blobs;
#[path = "../../../store/tests/store/bucket.rs"]
mod bucket;
mod clients;
#[expect(dead_code, reason = "only a fresh database is asked for here")]
#[path = "../../../store/tests/store/databases.rs"]
mod databases;
mod image;
mod lists;
mod manifests;
mod market;
mod notary;
mod private;
#[path = "../../../trust/tests/trust/publisher.rs"]
mod publisher;
mod restart;
mod token;
mod uploads;
mod wire;
