//! The JSON API.

mod again;
mod client;
mod conditions;
mod coverage;
mod errors;
mod fuzz;
mod limits;
mod once;
mod plans;
mod stories;
