//! `/v2/<name>/manifests/<tag or digest>` (end-3, end-7, end-9).

use app::registry::{ManifestPush, PullRequest};
use axum::{
    body::{Body, Bytes, to_bytes},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use oci::{Digest, ErrorCode, MAX_MANIFEST_BYTES, ManifestError, RawManifest, RepoName, Tag};

use crate::{
    action::Target,
    dispatch::Call,
    error::Failure,
    header::{
        CONTENT_DIGEST, OCI_SUBJECT, OCI_TAG, content_length, etag, has_already, may_replace,
        quoted, text, value,
    },
    query::bad,
};

/// Tags set with one push by digest.
const MOST_TAGS: usize = 50;

/// Says whether there is a manifest, without counting as a pull.
pub(crate) async fn head(
    call: &Call,
    name: &RepoName,
    target: &Target,
) -> Result<Response, Failure> {
    let (app, access) = (&call.app, &call.access);
    let manifest = app.find_manifest(name, target.as_str()).await?;
    app.require_given(access, name, &manifest.digest).await?;
    app.note_looked_at(name, &manifest.digest, access).await?;
    Ok(found(
        &manifest.digest,
        &manifest.media_type,
        manifest.content,
    ))
}

/// Sends a manifest; this is what counts as a pull.
pub(crate) async fn get(
    call: &Call,
    name: &RepoName,
    target: &Target,
) -> Result<Response, Failure> {
    let user_agent = call
        .headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    let request = PullRequest {
        reference: target.as_str(),
        user_agent,
        access: &call.access,
    };
    let (row, warning) = call.app.pull_manifest(name, request).await?;
    let mut response = if has_already(&call.headers, &row.digest) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        found(&row.digest, &row.media_type, row.content)
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag(&row.digest));
    if let Some(warning) = warning {
        let warning = format!("299 - {}", quoted(&warning));
        headers.insert(header::WARNING, value(&warning));
    }
    Ok(response)
}

/// Keeps a manifest under a tag, or under its digest and any tags in the query.
pub(crate) async fn put(
    call: &Call,
    name: &RepoName,
    target: &Target,
    body: Body,
) -> Result<Response, Failure> {
    let tags = tags(call, target)?;
    let bytes = read(call, body).await?;
    let media_type = text(&call.headers, &header::CONTENT_TYPE)?;
    let mut manifest = RawManifest::parse(bytes, media_type).map_err(|error| refuse(&error))?;
    if let Target::Digest(claimed) = target {
        check_digest(&manifest, claimed)?;
        manifest.digest = claimed.clone();
    }
    let push = ManifestPush {
        manifest: &manifest,
        tags: &tags,
        may_replace: &|there| may_replace(&call.headers, there),
    };
    let pushed = call.app.put_manifest(name, push).await?;
    let mut response = StatusCode::CREATED.into_response();
    let headers = response.headers_mut();
    let location = format!("/v2/{name}/manifests/{}", pushed.digest);
    headers.insert(header::LOCATION, value(&location));
    headers.insert(CONTENT_DIGEST, value(pushed.digest.as_str()));
    if let Some(subject) = pushed.subject {
        headers.insert(OCI_SUBJECT, value(subject.as_str()));
    }
    if matches!(target, Target::Digest(_)) {
        for tag in &tags {
            headers.append(OCI_TAG, value(tag.as_str()));
        }
    }
    Ok(response)
}

/// Takes a manifest with its tags, or one tag, out of a repository.
pub(crate) async fn delete(
    call: &Call,
    name: &RepoName,
    target: &Target,
) -> Result<Response, Failure> {
    call.app.delete_manifest(name, target.as_str()).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// Returns the tags to set.
fn tags(call: &Call, target: &Target) -> Result<Vec<Tag>, Failure> {
    let asked: Vec<_> = call.query.all("tag").collect();
    match target {
        Target::Tag(tag) if asked.is_empty() => Ok(vec![tag.clone()]),
        Target::Tag(_) => Err(bad(
            "`tag` goes with a push by digest: put the digest in the path",
        )),
        Target::Digest(_) if asked.len() > MOST_TAGS => {
            let message = format!(
                "{} tags were given; at most {MOST_TAGS} are set",
                asked.len()
            );
            Err(Failure::with_status(ErrorCode::Unsupported, 414, message))
        }
        Target::Digest(_) => {
            let tag = |text: &str| {
                text.parse().map_err(|error: oci::ReferenceError| {
                    Failure::new(ErrorCode::ManifestInvalid, format!("`tag`: {error}"))
                })
            };
            asked.into_iter().map(tag).collect()
        }
    }
}

async fn read(call: &Call, body: Body) -> Result<Vec<u8>, Failure> {
    let too_large = || {
        let message = format!("a manifest may have {MAX_MANIFEST_BYTES} bytes at most");
        Failure::new(ErrorCode::TooLarge, message)
    };
    if content_length(&call.headers)?.is_some_and(|length| length > MAX_MANIFEST_BYTES as u64) {
        return Err(too_large());
    }
    match to_bytes(body, MAX_MANIFEST_BYTES).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) if is_limit(&error) => Err(too_large()),
        Err(_) => Err(Failure::new(
            ErrorCode::ManifestInvalid,
            "the manifest broke off: send it again",
        )),
    }
}

fn is_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error)
        .is_some_and(|source| source.is::<http_body_util::LengthLimitError>())
}

fn check_digest(manifest: &RawManifest, claimed: &Digest) -> Result<(), Failure> {
    let actual = Digest::by(claimed.algorithm(), &manifest.bytes);
    if actual == *claimed {
        return Ok(());
    }
    Err(Failure::new(
        ErrorCode::DigestInvalid,
        format!("the manifest has digest {actual}, not {claimed}"),
    ))
}

fn refuse(error: &ManifestError) -> Failure {
    let code = match error {
        ManifestError::TooLarge(_) => ErrorCode::TooLarge,
        _ => ErrorCode::ManifestInvalid,
    };
    Failure::new(code, error.to_string())
}

fn found(digest: &str, media_type: &str, content: Bytes) -> Response {
    let mut response = Body::from(content).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, value(media_type));
    headers.insert(header::ETAG, etag(digest));
    headers.insert(CONTENT_DIGEST, value(digest));
    response
}
