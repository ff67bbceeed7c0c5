//! The JSON API.

mod again;
mod client;
mod coverage;
mod errors;
mod fuzz;
mod once;
mod stories;
