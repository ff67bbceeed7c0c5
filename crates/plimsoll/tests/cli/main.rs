//! The command line as its users meet it: arguments in; standard output, standard error and
//! the exit code out.

mod advisories;
mod asking;
mod broken_feeds;
mod carried;
mod certify;
mod config;
mod help;
mod inputs;
mod keys;
mod market;
mod matching;
mod remote;
mod reports;
mod sample;
mod sbom;
mod scan;
mod serve;
mod support;
mod verify;
