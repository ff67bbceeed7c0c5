//! What people and scripts see: storefront, publisher portal, review, operator console.
//!
//! A page is a file in `pages` (an askama template struct with plain view data) and the
//! template of the same name in `templates/`. Small things that several pages show
//! (times, digests, severities, field errors) are in `view`; they escape themselves.
//! The stylesheet and the mark are in [`assets`], the embeddable badge in [`badge`].
//!
//! [`router`] lists every route. A page's handlers are in `handlers`, named like the page;
//! around them stands the `frame`, which finds who looks and makes pages of failures.
//!
//! There is no SQL, no blob and no permission here: `app` decides who may see what, and
//! a page only shows what it was given.

mod answer;
pub mod api;
pub mod assets;
pub mod badge;
mod cache;
mod calendar;
mod cookie;
mod csrf;
mod etag;
mod failure;
mod form;
mod frame;
mod handlers;
mod markdown;
mod notice;
pub mod pages;
mod router;
#[cfg(test)]
mod samples;
pub mod view;
mod viewer;

pub use router::{loggable, router};
