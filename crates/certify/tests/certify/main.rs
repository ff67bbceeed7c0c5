//! The checks, over an image that is as it should be and over what may be wrong with one.

mod cases;
mod catalogue;
mod image;
mod real;
mod report;
