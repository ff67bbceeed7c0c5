//! `/v2/<name>/blobs/uploads/…`: blobs on their way in (end-4, 5, 6, 11, 13, 14).
//!
//! Bytes go to the disk as they arrive. What a client sent before it went away is kept, and
//! nothing is a blob before all of it is there and has the digest that was claimed.

use std::sync::Arc;

use app::{
    App,
    registry::{Body as Bytes, RegistryError},
};
use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use oci::{Algorithm, Digest, ErrorCode, RepoName};

use crate::{
    dispatch::Call,
    error::Failure,
    header::{CONTENT_DIGEST, UPLOAD_UUID, content_length, digest, value},
    range,
};

/// Begins an upload; or mounts a blob of another repository, or takes the whole blob at once.
pub(crate) async fn start(call: &Call, name: RepoName, body: Body) -> Result<Response, Failure> {
    if let Some(blob) = call.query.one("mount")? {
        let blob = digest("`mount`", blob)?;
        if mount(call, &name, &blob).await? {
            return Ok(created(&name, &blob));
        }
    } else if let Some(claimed) = call.query.one("digest")? {
        let claimed = digest("`digest`", claimed)?;
        return whole(call, name, claimed, body).await;
    }
    if let Some(algorithm) = call.query.one("digest-algorithm")? {
        // Digests of both kinds are made of any upload, so the announcement changes nothing.
        let known = [Algorithm::Sha256, Algorithm::Sha512];
        if !known.iter().any(|known| known.as_str() == algorithm) {
            return Err(Failure::new(
                ErrorCode::DigestInvalid,
                format!("digest algorithm `{algorithm}` is not supported: use sha256 or sha512"),
            ));
        }
    }
    let id = call.app.start_upload(&name, &call.access).await?;
    Ok(progress(StatusCode::ACCEPTED, &name, id.as_str(), 0))
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

/// end-4b: the body is the blob. What does not become one is dropped, for nobody knows the upload's name.
async fn whole(
    call: &Call,
    name: RepoName,
    claimed: Digest,
    body: Body,
) -> Result<Response, Failure> {
    let id = call.app.start_upload(&name, &call.access).await?;
    let id = id.as_str().to_owned();
    let (app, stream) = (Arc::clone(&call.app), bytes(body));
    to_the_end(async move {
        let received = async {
            app.append_upload(&name, &id, Some(0), stream).await?;
            app.finish_upload(&name, &id, &claimed).await
        };
        let Err(error) = received.await else {
            return Ok(created(&name, &claimed));
        };
        if let Err(left) = app.cancel_upload(&name, &id).await {
            let left: &dyn std::error::Error = &left;
            tracing::warn!(
                error = left,
                upload.id = id,
                "an upload is left to the sweeper"
            );
        }
        Err(error.into())
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
        let received = receive(&app, (&name, &id), at, stream).await?;
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
        receive(&app, (&name, &id), at, stream).await?;
        app.finish_upload(&name, &id, &claimed).await?;
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

async fn receive(
    app: &App,
    (name, id): (&RepoName, &str),
    at: Option<u64>,
    stream: Bytes,
) -> Result<u64, Failure> {
    app.append_upload(name, id, at, stream)
        .await
        .map_err(|error: RegistryError| match error.offset {
            // Where to go on stands beside the error.
            Some(offset) => Failure::from(error)
                .header(header::LOCATION, &upload_location(name, id))
                .header(header::RANGE, &received_range(offset))
                .header(UPLOAD_UUID, id),
            None => error.into(),
        })
}

/// Returns where the body begins, if it says so, and its bytes: exactly as many as it says.
fn chunk(call: &Call, body: Body) -> Result<(Option<u64>, Bytes), Failure> {
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

/// Reads the body in a task of its own; what nobody takes any more is read and dropped.
fn bytes(body: Body) -> Bytes {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(4);
    tokio::spawn(async move {
        let mut stream = body.into_data_stream();
        let mut discarded = 0;
        while let Some(piece) = stream.next().await {
            let size = piece.as_ref().map_or(0, |piece| piece.len() as u64);
            if sender.send(piece).await.is_err() {
                discarded += size;
                if size == 0 || discarded > MOST_DISCARDED {
                    return;
                }
            }
        }
    });
    stream::poll_fn(move |context| receiver.poll_recv(context))
        .map_err(|error| Box::new(error) as Box<dyn std::error::Error + Send + Sync>)
        .boxed()
}

/// Breaks off where the stream is longer or shorter than `expected` bytes.
fn exactly(expected: u64, stream: Bytes) -> Bytes {
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
