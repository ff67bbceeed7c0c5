//! The Update Framework as Notary v1 speaks it: metadata files, their keys and signatures,
//! and what makes an update good.
//!
//! Pure: what is there, the keys that the server holds, and the time are arguments.

mod certificate;
mod fields;
mod find;
mod json;
mod key;
mod metadata;
mod publish;
mod release;
mod role;
mod roots;
mod verify;
mod write;

pub use certificate::CertifyError;
pub(crate) use certificate::code_signing;
pub use find::{SignedTarget, find_target};
pub use key::Key;
pub use metadata::{
    Delegation, File, FileMeta, Invalid, MAX_DELEGATIONS, MAX_FILE_BYTES, MAX_KEYS, MAX_SIGNATURES,
    MAX_VERSION, Malformed, Meta, RoleKeys, Root, Signature, Targets,
};
pub use publish::{Current, Newest, Refusal, Update, ancestors, publish, renew};
pub use release::{RELEASE_LIFE, ROOT_RENEWAL, RootKeys, lasts, named_root_key, root, targets};
pub use role::{MAX_DEPTH, Role, RoleError};
pub use roots::{
    MAX_ROOTS, MAX_ROOTS_BYTES, RootToSign, RootsError, RootsToSign, SuccessionToSign, WhyRoot,
};
pub use verify::root as verify_root;
pub use write::{SNAPSHOT_LIFE, Signer, TIMESTAMP_LIFE, sign};
