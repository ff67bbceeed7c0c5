//! Languages: packages as their own package managers install or lock them.

pub(crate) mod npm;
pub(crate) mod python;
