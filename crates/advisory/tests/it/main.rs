//! One binary for all tests of the crate from outside.

mod changes;
mod cvss;
mod database;
mod deltas;
mod feeds;
mod formats;
mod matching;
mod properties;
mod real_data;
mod real_feeds;
mod rules;
mod starter;
mod support;
mod versions;
mod vex;
