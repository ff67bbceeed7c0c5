//! What is in an image: each layer's stream is read once and taken apart, and
//! the layers' reports are merged into one inventory: components, facts, sizes.
//!
//! What lives here: the bounded tar reader, one file per extractor (listed in
//! `extract.rs`), the merged tree, SBOM documents.
//! What does not: advisories and matching, judgement about what was found
//! (`certify`), storage, the network, the clock.
//!
//! [`scan_layer`] is pure over a stream and independent of other layers, so a
//! report may be kept per layer digest and [`PARSER_VERSION`]; [`merge`] is cheap.

mod accounts;
mod apk;
mod archive;
mod component;
mod copyright;
mod dpkg;
mod error;
mod extract;
mod facts;
mod header;
mod inspect;
mod inventory;
mod layer;
mod limits;
mod merge;
mod os_release;
mod pax;
mod purl;
mod report;
mod rootfs;
pub mod sbom;
mod secret_env;
mod secret_rules;
mod secrets;
mod stream;
mod tree;

pub use accounts::{Account, Accounts};
pub use component::{Component, Kind, Package};
pub use error::{InspectError, ScanError};
pub use facts::{Cache, EmptyPassword, Facts, FileFact, Leftover, Secret};
pub use inspect::{Progress, inspect, scan_layers};
pub use inventory::{Inventory, LayerSummary};
pub use layer::scan_layer;
pub use limits::Limits;
pub use merge::merge;
pub use os_release::Distribution;
pub use report::{
    EntryKind, Extract, FileEntry, Found, LayerReport, PARSER_VERSION, Problem, SecretMatch,
};
pub use rootfs::{scan_rootfs, scan_rootfs_layer};
pub use secret_env::secret_in_env;
pub use secret_rules::{Rule, rules};
