//! Layers, merges and whole images, through the public interface.

mod archive;
mod claims;
mod facts;
mod images;
mod inspect;
mod languages;
mod layers;
mod merge;
mod rootfs;
mod sbom;
mod seeds;
mod support;
