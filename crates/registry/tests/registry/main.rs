//! The registry over a real application: SQLite, blobs on disk, tokens from `/token`.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

mod access;
mod blobs;
mod clients;
mod image;
mod lists;
mod manifests;
mod market;
mod restart;
mod token;
mod uploads;
mod wire;
