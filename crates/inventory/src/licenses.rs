//! Licences: SPDX identifiers of the names that package managers use, and of licence files.

pub(crate) mod file;
mod names;
pub(crate) mod spdx;

pub(crate) use names::{is_known, normalise};
