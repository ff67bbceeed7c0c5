//! What people and scripts see: storefront, publisher portal, review, operator console.
//!
//! A page is a file in `pages` (an askama template struct with plain view data) and the
//! template of the same name in `templates/`. Small things that several pages show
//! (times, digests, severities, field errors) are in `view`; they escape themselves.
//! The stylesheet and the mark are in [`assets`], the embeddable badge in [`badge`].
//!
//! There is no SQL, no blob and no permission here: `app` decides who may see what, and
//! a page only shows what it was given.

pub mod assets;
pub mod badge;
pub mod pages;
#[cfg(test)]
mod samples;
pub mod view;
