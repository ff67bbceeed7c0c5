//! Ranges of bytes: of a blob that is pulled, and of a chunk that is pushed.

use axum::http::{HeaderMap, header};
use oci::{ByteRange, ChunkRange, ErrorCode};

use crate::{error::Failure, header::text, query::bad};

/// Reads `Range` for content of `size` bytes with this digest.
pub(crate) fn wanted(headers: &HeaderMap, size: u64, digest: &str) -> Result<ByteRange, Failure> {
    let Some(range) = text(headers, &header::RANGE)? else {
        return Ok(ByteRange::Whole);
    };
    let unchanged = text(headers, &header::IF_RANGE)?
        .is_none_or(|condition| condition.trim_matches('"') == digest);
    if !unchanged {
        return Ok(ByteRange::Whole);
    }
    ByteRange::parse(range, size).map_err(|error| bad(error.to_string()))
}

/// Reads `Content-Range`, where there is one.
pub(crate) fn chunk(headers: &HeaderMap) -> Result<Option<ChunkRange>, Failure> {
    let range = text(headers, &header::CONTENT_RANGE)?.map(str::parse);
    range.transpose().map_err(|error: oci::RangeError| {
        Failure::new(ErrorCode::BlobUploadInvalid, error.to_string())
    })
}
