//! Who vouches for what: keys, tokens and signatures, as pure functions over bytes.
//!
//! What lives here: ECDSA P-256 keys, which all that is signed here is signed with, and their
//! files, plain and encrypted ([`key`]); what signs,
//! be it such a key or a device that has one ([`Signer`]); compact
//! ES256 tokens and the key set that others check them with ([`jws`]); cosign's signatures
//! over an image's digest, made and verified ([`cosign`]), bundles with statements ([`bundle`]),
//! those of identities with certificates and public logs ([`keyless`]), and Notation's envelopes
//! with their certificates ([`notation`]); what people register to sign
//! with, and how they prove that it is theirs ([`credential`]); the metadata of Notary v1
//! and what makes an update of it good ([`tuf`]); a log that cannot forget ([`log`]); signatures
//! over what is sent to webhooks ([`webhook`]).
//! What does not: where keys, tokens and signatures are stored, who may sign what, the clock,
//! registries, anything about a marketplace. Randomness comes from the operating system, and
//! only where a key is made or encrypted; signing with a key in memory needs none (RFC 6979).

pub mod bundle;
pub mod cosign;
pub mod credential;
pub mod jws;
pub mod key;
mod key_file;
pub mod keyless;
pub mod log;
pub mod notation;
mod pem;
pub mod referrer;
pub mod sealed;
mod signer;
mod spki;
pub mod succession;
pub mod tuf;
pub mod webhook;

pub use key::{KeyError, PublicKey, SigningKey};
pub use pem::certificate_pem;
pub use signer::{SignError, Signer};
