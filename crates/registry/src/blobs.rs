//! `/v2/<name>/blobs/<digest>` (end-2, end-10).

use std::ops::Range;

use app::{Blob, BlobSource};
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use oci::{ByteRange, Digest, ErrorCode, RepoName};

use crate::{
    dispatch::Call,
    error::Failure,
    header::{CONTENT_DIGEST, etag, has_already, value},
    range::wanted,
};

/// A digest never names other bytes; `private`, because not everybody may have them.
const FOR_EVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");
const BYTES: HeaderValue = HeaderValue::from_static("bytes");
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Says whether the repository has a blob, and how large it is.
pub(crate) async fn head(
    call: &Call,
    name: &RepoName,
    digest: &Digest,
) -> Result<Response, Failure> {
    let (app, access) = (&call.app, &call.access);
    let size = app.blob_size(name, digest).await?;
    app.require_given(access, name, digest.as_str()).await?;
    app.note_looked_at(name, digest.as_str(), access).await?;
    Ok(with_headers(StatusCode::OK, digest, size, Body::empty()))
}

/// Sends a blob, or the one range of it that was asked for.
pub(crate) async fn get(
    call: &Call,
    name: &RepoName,
    digest: &Digest,
) -> Result<Response, Failure> {
    let (app, access) = (&call.app, &call.access);
    let size = app.blob_size(name, digest).await?;
    app.require_given(access, name, digest.as_str()).await?;
    if has_already(&call.headers, digest.as_str()) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        response
            .headers_mut()
            .insert(header::ETAG, etag(digest.as_str()));
        return Ok(response);
    }
    let range = match wanted(&call.headers, size, digest.as_str())? {
        ByteRange::Whole => None,
        ByteRange::Part(range) => Some(range),
        ByteRange::Nothing => {
            let message = format!("blob {digest} has {size} bytes; the range lies outside");
            let failure = Failure::new(ErrorCode::RangeInvalid, message);
            return Err(failure.header(header::CONTENT_RANGE, &format!("bytes */{size}")));
        }
    };
    if let Some(url) = app.redirect_blob(digest).await? {
        // The client asks there again, with its `Range`.
        let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
        let headers = response.headers_mut();
        headers.insert(header::LOCATION, value(&url));
        headers.insert(header::CACHE_CONTROL, value("no-store"));
        headers.insert(CONTENT_DIGEST, value(digest.as_str()));
        return Ok(response);
    }
    let (whole, body) = body(call, digest, size, range.clone()).await?;
    let Some(range) = range else {
        return Ok(with_headers(StatusCode::OK, digest, whole, body));
    };
    let length = range.end - range.start;
    let mut response = with_headers(StatusCode::PARTIAL_CONTENT, digest, length, body);
    let place = format!("bytes {}-{}/{size}", range.start, range.end - 1);
    response
        .headers_mut()
        .insert(header::CONTENT_RANGE, value(&place));
    Ok(response)
}

/// Gives the size of the whole blob as it lies there, and what was asked of it. A file goes
/// straight to the socket where the connection can do that, unless it is small.
async fn body(
    call: &Call,
    digest: &Digest,
    size: u64,
    range: Option<Range<u64>>,
) -> Result<(u64, Body), Failure> {
    if let Some(bytes) = call.app.small_blob(digest, size).await? {
        let bytes = match range {
            Some(range) => part(&bytes, &range),
            None => bytes,
        };
        return Ok((size, bytes.into()));
    }
    let blob = call.app.open_blob(digest, range).await?;
    let whole = blob.size;
    let body = match (blob.source, call.outlet.clone()) {
        (
            BlobSource::File {
                file,
                offset,
                length,
            },
            Some(outlet),
        ) => Body::new(outlet.body(file, offset, length)),
        (source, _) => {
            let size = blob.size;
            Body::from_stream(Blob { size, source }.into_stream())
        }
    };
    Ok((whole, body))
}

/// `range` lies inside of `bytes`, whose number it was made for.
fn part(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    let place = |at: u64| usize::try_from(at).unwrap_or(bytes.len()).min(bytes.len());
    bytes.slice(place(range.start)..place(range.end))
}

/// Takes a blob out of a repository.
pub(crate) async fn delete(
    call: &Call,
    name: &RepoName,
    digest: &Digest,
) -> Result<Response, Failure> {
    call.app.delete_blob(name, digest).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

fn with_headers(status: StatusCode, digest: &Digest, length: u64, body: Body) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, OCTETS);
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::ACCEPT_RANGES, BYTES);
    headers.insert(header::CACHE_CONTROL, FOR_EVER);
    headers.insert(header::ETAG, etag(digest.as_str()));
    headers.insert(CONTENT_DIGEST, value(digest.as_str()));
    response
}
