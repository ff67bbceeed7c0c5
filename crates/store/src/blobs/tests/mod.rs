//! One contract that every store keeps, and what is particular to each.

mod contract;
mod fs;
mod moto;
mod s3;
mod s3_uploads;
mod upload_contract;
mod uploads;

use bytes::Bytes;
use futures_util::TryStreamExt;
use oci::Digest;

use super::{Blob, BlobError, BlobStore};

/// Reads all of a stream.
async fn read(blob: Blob) -> Bytes {
    let pieces: Vec<Bytes> = blob.into_stream().try_collect().await.expect("stream");
    pieces.concat().into()
}

/// Returns `len` bytes that are not the same everywhere, and other ones for another `seed`.
fn bytes(len: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut all: Vec<u8> = std::iter::from_fn(|| Some(next()))
        .take(len.div_ceil(8))
        .flatten()
        .collect();
    all.truncate(len);
    all.into()
}

/// Returns the SHA-512 digest of `bytes`.
fn sha512(bytes: &[u8]) -> Digest {
    let mut digester = oci::Digester::new(oci::Algorithm::Sha512);
    digester.update(bytes);
    digester.finish()
}
