//! The pages, one file each, named like its template.

pub mod account;
pub mod agreement;
pub mod audit;
pub mod classes;
pub mod compare;
pub mod components;
pub mod draft_versions;
pub mod error;
pub mod feed;
pub mod image;
pub mod imports;
pub mod layer_files;
pub mod notices;
pub mod operator;
pub mod own_advisories;
pub mod partnership;
pub mod product;
pub mod product_edit;
pub mod proofs;
pub mod public_publisher;
pub mod publisher;
pub mod publisher_portal;
pub mod register;
pub mod review;
pub mod robot;
pub mod sign_in;
pub mod storage;
pub mod storefront;
pub mod submission;
mod submission_parts;
pub mod tags;
pub mod team;
pub mod templates;
pub mod terms;
pub mod vex;
pub mod webhooks;

#[cfg(test)]
mod tests;

pub use submission_parts::{
    AnchorChoice, Changes, Check, ComponentLine, Finding, LayerPanel, ManifestItem, PlatformPanel,
    Progress, Remark, SignatureLine, SignatureReport,
};
