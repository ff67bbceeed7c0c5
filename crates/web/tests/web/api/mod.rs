//! The JSON API.

mod client;
mod coverage;
mod errors;
mod fuzz;
mod stories;
