//! What is in an image: each layer's stream is read once and taken apart, and
//! the layers' reports are merged into one inventory: components, facts, sizes.
//!
//! What lives here: the bounded tar reader, one file per analyser (below `os`, `lang`
//! and `bin`, listed in `analyser.rs`), the merged tree, SBOM documents.
//! What does not: advisories and matching, judgement about what was found
//! (`certify`), storage, the network, the clock.
//!
//! [`scan_layer`] is pure over a stream and independent of other layers, so a
//! report may be kept per layer digest and [`PARSER_VERSION`]; [`merge`] is cheap.
//! Memory is bounded whatever a layer holds: the first 16 MiB of a file are held, and the rest
//! goes to a temporary file; only the listing grows with the number of files.

mod analyser;
mod archive;
mod base;
mod bin;
mod body;
mod brought;
mod changes;
mod claims;
mod component;
mod components;
mod declared;
mod error;
mod facts;
mod folders;
mod gunzip;
mod header;
mod inspect;
mod inventory;
mod kind;
mod lang;
mod layer;
mod licenses;
mod limits;
mod linking;
mod merge;
mod names;
mod origins;
mod os;
mod ownership;
mod pax;
mod purl;
mod report;
mod rootfs;
pub mod sbom;
mod secret_env;
mod secret_forms;
mod secret_rules;
mod secrets;
mod sparse;
mod stream;
mod suppliers;
#[cfg(test)]
mod testing;
mod tree;
mod unzstd;
mod utf16;

pub use base::{BaseImage, KnownBase, base_image};
pub use changes::{PackageChange, package_changes};
pub use component::{Claim, Component, Confidence, Evidence, Package, Removed};
pub use error::{InspectError, ScanError};
pub use facts::{Cache, EmptyPassword, Facts, FileFact, Leftover, Secret};
pub use inspect::{Progress, Scan, inspect, scan_layers};
pub use inventory::{Inventory, LayerSummary};
pub use kind::Kind;
pub use layer::{DiffId, analyse_file, scan_layer};
pub use limits::Limits;
pub use linking::Linked;
pub use merge::merge;
pub use os::{
    accounts::{Account, Accounts},
    os_release::Distribution,
};
pub use purl::{PackageUrl, PurlError};
pub use report::{
    EntryKind, Extract, FileEntry, Found, LayerReport, Linkage, OwnedFiles, PARSER_VERSION,
    Problem, SecretMatch,
};
pub use rootfs::{scan_rootfs, scan_rootfs_layer};
pub use secret_env::{secret_in_env, secret_in_text};
pub use secret_rules::{Rule, rules};
pub use suppliers::third_party;
