//! Updates of trust metadata: what is taken, and what is not.

mod attacks;
mod find;
mod recordings;
pub(crate) mod world;
