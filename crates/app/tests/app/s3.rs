//! The store's own S3 server for tests.

#[path = "../../../store/src/blobs/tests/moto.rs"]
pub(crate) mod moto;
