//! `/v2/<name>/blobs/uploads/…`: blobs on their way in (end-4, 5, 6, 11, 13, 14).
//!
//! Bytes go to the disk as they arrive. What a client sent before it went away is kept, and
//! nothing is a blob before all of it is there and has the digest that was claimed.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use app::registry::{ByteStream, RegistryError, StreamError};
use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use oci::{Algorithm, Digest, DigestError, ErrorCode, RepoName};

use crate::{
    dispatch::Call,
    error::Failure,
    header::{CONTENT_DIGEST, UPLOAD_UUID, content_length, digest, value},
    range,
};

/// Begins an upload; or mounts a blob of another repository, or takes the whole blob at once.
pub(crate) async fn start(call: &Call, name: RepoName, body: Body) -> Result<Response, Failure> {
    // What is uploaded instead of being mounted will have the same digest.
    let mut expected = Algorithm::Sha256;
    if let Some(blob) = call.query.one("mount")? {
        let blob = digest("`mount`", blob)?;
        if mount(call, &name, &blob).await? {
            return Ok(created(&name, &blob));
        }
        expected = blob.algorithm();
    } else if let Some(claimed) = call.query.one("digest")? {
        let claimed = digest("`digest`", claimed)?;
        return whole(call, name, claimed, body).await;
    }
    let algorithm = match call.query.one("digest-algorithm")? {
        None => expected,
        Some(announced) => announced.parse().map_err(|error: DigestError| {
            Failure::new(ErrorCode::DigestInvalid, error.to_string())
        })?,
    };
    let id = call.app.start_upload(&name, &call.access, algorithm);
    Ok(progress(StatusCode::ACCEPTED, &name, id.await?.as_str(), 0))
}

async fn mount(call: &Call, name: &RepoName, blob: &Digest) -> Result<bool, Failure> {
    let from = call.query.one("from")?.map(str::parse::<RepoName>);
    // containerd names whatever an image was called before, which need not be a name here: no
    // blob is there, so it is uploaded.
    let Ok(from) = from.transpose() else {
        return Ok(false);
    };
    let source = from.as_ref();
    Ok(call
        .app
        .mount_blob(name, blob, source, &call.access)
        .await?)
}

/// end-4b: the body is the blob. What does not become one is dropped, for it has no name to go on under.
async fn whole(
    call: &Call,
    name: RepoName,
    claimed: Digest,
    body: Body,
) -> Result<Response, Failure> {
    let (app, stream) = (Arc::clone(&call.app), bytes(body));
    to_the_end(async move {
        app.put_blob(&name, stream, &claimed).await?;
        Ok(created(&name, &claimed))
    })
    .await
}

/// Says how far an upload is.
pub(crate) async fn status(call: &Call, name: &RepoName, id: &str) -> Result<Response, Failure> {
    let offset = call.app.upload_offset(name, id).await?;
    Ok(progress(StatusCode::NO_CONTENT, name, id, offset))
}

/// Adds the body to an upload.
pub(crate) async fn append(
    call: &Call,
    name: RepoName,
    id: String,
    body: Body,
) -> Result<Response, Failure> {
    let (at, stream) = chunk(call, body)?;
    let app = Arc::clone(&call.app);
    to_the_end(async move {
        let received = app.append_upload(&name, &id, at, stream).await;
        let received = received.map_err(|error| refused(error, &name, &id))?;
        Ok(progress(StatusCode::ACCEPTED, &name, &id, received))
    })
    .await
}

/// Adds the body, where there is one, and makes the upload a blob.
pub(crate) async fn finish(
    call: &Call,
    name: RepoName,
    id: String,
    body: Body,
) -> Result<Response, Failure> {
    let missing = || {
        let message = "`digest` is missing: end the upload with ?digest=sha256:…";
        Failure::new(ErrorCode::DigestInvalid, message)
    };
    let claimed = call.query.one("digest")?.ok_or_else(missing)?;
    let claimed = digest("`digest`", claimed)?;
    let (at, stream) = chunk(call, body)?;
    let app = Arc::clone(&call.app);
    to_the_end(async move {
        let piece = (at, stream);
        let finished = app.finish_upload(&name, &id, piece, &claimed).await;
        finished.map_err(|error| refused(error, &name, &id))?;
        Ok(created(&name, &claimed))
    })
    .await
}

/// Cancels an upload.
pub(crate) async fn cancel(call: &Call, name: &RepoName, id: &str) -> Result<Response, Failure> {
    call.app.cancel_upload(name, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Goes on though the client has gone, so that what had arrived reaches the disk.
async fn to_the_end(
    work: impl Future<Output = Result<Response, Failure>> + Send + 'static,
) -> Result<Response, Failure> {
    match tokio::spawn(work).await {
        Ok(answer) => answer,
        Err(error) => Err(Failure::internal(&error)),
    }
}

/// Says beside the error where to go on, if that is known.
fn refused(error: RegistryError, name: &RepoName, id: &str) -> Failure {
    match error.offset {
        Some(offset) => Failure::from(error)
            .header(header::LOCATION, &upload_location(name, id))
            .header(header::RANGE, &received_range(offset))
            .header(UPLOAD_UUID, id),
        None => error.into(),
    }
}

/// Returns where the body begins, if it says so, and its bytes: exactly as many as it says.
fn chunk(call: &Call, body: Body) -> Result<(Option<u64>, ByteStream), Failure> {
    let Some(chunk) = range::chunk(&call.headers)? else {
        return Ok((None, bytes(body)));
    };
    if let Some(length) = content_length(&call.headers)?
        && length != chunk.len
    {
        return Err(Failure::new(
            ErrorCode::SizeInvalid,
            format!(
                "`Content-Range` names {} bytes, `Content-Length` {length}",
                chunk.len
            ),
        ));
    }
    Ok((Some(chunk.first), exactly(chunk.len, bytes(body))))
}

/// How much of a refused body is still read, so that a client that sends before it listens
/// gets to the answer instead of a broken pipe.
const MOST_DISCARDED: u64 = 1 << 30;

fn bytes(body: Body) -> ByteStream {
    let stream = body.into_data_stream();
    Received(Some(stream.map_err(StreamError::from).boxed())).boxed()
}

/// A body. What nobody takes any more of it is read and dropped.
struct Received(Option<ByteStream>);

impl Stream for Received {
    type Item = Result<Bytes, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let polled = stream.poll_next_unpin(context);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.0 = None;
        }
        polled
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if let Some(mut rest) = self.0.take() {
            tokio::spawn(async move {
                let mut discarded = 0;
                while let Some(Ok(piece)) = rest.next().await {
                    discarded += piece.len() as u64;
                    if discarded > MOST_DISCARDED {
                        break;
                    }
                }
            });
        }
    }
}

/// Breaks off where the stream is longer or shorter than `expected` bytes.
fn exactly(expected: u64, stream: ByteStream) -> ByteStream {
    let state = (stream, expected, false);
    stream::unfold(state, move |(mut stream, left, ended)| async move {
        if ended {
            return None;
        }
        match stream.next().await {
            Some(Ok(piece)) => match left.checked_sub(piece.len() as u64) {
                Some(left) => Some((Ok(piece), (stream, left, false))),
                None => {
                    let error = format!("more bytes came than the {expected} announced");
                    Some((Err(error.into()), (stream, 0, true)))
                }
            },
            Some(Err(error)) => Some((Err(error), (stream, left, true))),
            None if left > 0 => {
                let error = format!("{left} of the {expected} bytes announced did not come");
                Some((Err(error.into()), (stream, 0, true)))
            }
            None => None,
        }
    })
    .boxed()
}

fn upload_location(name: &RepoName, id: &str) -> String {
    format!("/v2/{name}/blobs/uploads/{id}")
}

/// The last byte received, counted from zero; for none the same as for one, as clients are used to.
fn received_range(offset: u64) -> String {
    format!("0-{}", offset.saturating_sub(1))
}

fn progress(status: StatusCode, name: &RepoName, id: &str, offset: u64) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, value(&upload_location(name, id)));
    headers.insert(header::RANGE, value(&received_range(offset)));
    headers.insert(UPLOAD_UUID, value(id));
    response
}

fn created(name: &RepoName, digest: &Digest) -> Response {
    let mut response = StatusCode::CREATED.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::LOCATION,
        value(&format!("/v2/{name}/blobs/{digest}")),
    );
    headers.insert(CONTENT_DIGEST, value(digest.as_str()));
    response
}
