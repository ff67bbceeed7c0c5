//! Persistence: rows, blobs, the job queue and the audit log, on SQLite and files or on
//! PostgreSQL and S3, from one SQL text.
//!
//! SQL stands here and nowhere else. Functions take the transaction first, one module an
//! aggregate; a state change and its audit record go into the same transaction.
//! What does not live here: who may do what, HTTP, and any rule of the programme.
//! Time and random bytes are arguments.

pub mod accounts;
pub mod agreements;
pub mod approvals;
pub mod assets;
pub mod audit;
pub mod blobs;
pub mod calendars;
pub mod classifications;
pub mod collection;
pub mod component_index;
pub mod condemned;
pub mod contents;
pub mod damaged;
mod db;
pub mod draft_versions;
pub mod entitlements;
mod error;
pub mod findings;
pub mod holds;
pub mod images;
pub mod imports;
pub mod invitations;
pub mod jobs;
pub mod letters;
pub mod log;
pub mod log_witnesses;
pub mod notary;
pub mod notices;
pub mod once;
pub mod own_advisories;
mod part;
pub mod partnerships;
pub mod prepared_roots;
pub mod previews;
pub mod products;
pub mod promises;
pub mod proofs;
pub mod publishers;
pub mod pulls;
pub mod quotas;
pub mod release_certificates;
pub mod release_keys;
pub mod releases;
pub mod repositories;
pub mod retention;
pub mod review_queue;
pub mod search;
mod session;
pub mod settings;
mod stamp;
pub mod submissions;
pub mod subscriptions;
pub mod templates;
pub mod terms;
pub mod token_keys;
pub mod tokens;
pub mod trust_guns;
pub mod trust_secrets;
pub mod upkeep;
pub mod uploads;
pub mod vex;
pub mod waivers;
mod wal;
pub mod webhooks;

pub use db::{Database, DatabaseUrl, PoolSize, Tx};
#[doc(hidden)]
pub use db::{Statement, statements_of_this_crate};
pub use error::StoreError;
pub use part::Part;
pub use stamp::Stamp;
