//! One binary for all tests of the crate from outside.

mod cvss;
mod database;
mod feeds;
mod matching;
mod properties;
mod real_data;
mod rules;
mod starter;
mod support;
mod versions;
mod vex;
