//! Advisories: what is known to be wrong with which version of which package.
//!
//! Here live the readers of advisory feeds ([`feeds`]), the one compiled file they become
//! ([`database`]), the exact version orders of distributions and ecosystems ([`version`]), CVSS
//! vectors and scores ([`cvss`], [`score`]), the matching of installed packages ([`matching`]),
//! and what those who know a product say about findings in it ([`vex`]).
//! A small [`starter`] set is compiled in, so that a fresh installation has something to match.
//!
//! Not here: images, layers and how packages are found in them (`inventory`), the programme's
//! classes, clocks and holds (`market`), downloading feeds, and any clock: time is an argument.
//! Ecosystems without a version order here are stored and shown, but never match;
//! [`matching::Report::uncovered`] says so.

pub mod cvss;
pub mod database;
pub mod ecosystem;
pub mod feeds;
pub mod health;
pub mod matching;
mod purl;
pub mod record;
pub mod score;
mod starter;
pub mod version;
pub mod vex;

pub use starter::{STARTER_SOURCE, starter};
