//! A marketplace in a box: the real server as a process, people as HTTP clients, real
//! images made from folders, a browser. The demo and the end-to-end tests both tell
//! their story with it. For development only; nothing here is part of the product.

mod api;
mod dns;
mod files;
mod image;
mod picture;
mod server;
mod story;
pub mod webdriver;
mod witness;

pub use api::{ApiError, User};
pub use dns::DnsServer;
pub use files::FileServer;
pub use image::{Content, File, Health, ImageSpec, write_image};
pub use picture::{logo, screenshot};
pub use server::{Ready, Server};
pub use story::{Cast, Listing, Narrator, PublisherDesk, register_key, sign_and_push};
pub use witness::WitnessServer;
