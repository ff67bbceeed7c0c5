//! The web crate from outside: a real application behind the real routes.

mod api;
mod fixture;
mod log;
mod pages;
