//! Updates of trust metadata as clients send them: `multipart/form-data`, one part for each
//! file, with the role as its file name.

use std::collections::BTreeMap;

use app::{TrustUploads, tuf};
use axum::body::{Body, Bytes};
use futures_util::{Stream, TryStreamExt as _};
use multer::{Constraints, Multipart, SizeLimit};
use oci::ErrorCode;

use crate::error::Failure;

/// All parts together, in bytes.
const MOST_BYTES: usize = 2 * tuf::MAX_FILE_BYTES;
const MOST_PARTS: usize = 200;

/// Reads the parts of an upload.
pub(crate) async fn read(content_type: &str, body: Body) -> Result<TrustUploads, Failure> {
    parts(
        content_type,
        body.into_data_stream().map_err(std::io::Error::other),
    )
    .await
}

async fn parts(
    content_type: &str,
    stream: impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
) -> Result<TrustUploads, Failure> {
    let boundary = multer::parse_boundary(content_type).map_err(|error| malformed(&error))?;
    let sizes = SizeLimit::new()
        .whole_stream(MOST_BYTES as u64)
        .per_field(tuf::MAX_FILE_BYTES as u64);
    let limits = Constraints::new().size_limit(sizes);
    let mut form = Multipart::with_constraints(stream, boundary, limits);
    let mut uploads = BTreeMap::new();
    while let Some(part) = form.next_field().await.map_err(|error| malformed(&error))? {
        if uploads.len() == MOST_PARTS {
            return Err(refused(format!(
                "an update may have {MOST_PARTS} parts at most"
            )));
        }
        let name = part.file_name().unwrap_or_default();
        let name = name.strip_suffix(".json").unwrap_or(name);
        if name.is_empty() {
            let code = ErrorCode::NoFilename;
            return Err(Failure::new(code, code.message()));
        }
        let role: tuf::Role = name.parse().map_err(|error: tuf::RoleError| {
            let code = ErrorCode::InvalidRole;
            Failure::new(code, code.message()).detail(error.0.into())
        })?;
        let bytes = part.bytes().await.map_err(|error| match error {
            // The reference does not look for the end, and finds half a file.
            multer::Error::IncompleteFieldData { .. } => {
                let code = ErrorCode::MalformedJson;
                Failure::new(code, code.message()).detail(error.to_string().into())
            }
            other => malformed(&other),
        })?;
        if uploads.insert(role.clone(), bytes.into()).is_some() {
            return Err(refused(format!("there are two parts for {role}")));
        }
    }
    Ok(uploads)
}

fn malformed(error: &multer::Error) -> Failure {
    match error {
        multer::Error::FieldSizeExceeded { .. } => refused(format!(
            "a file may have {} bytes at most",
            tuf::MAX_FILE_BYTES
        )),
        multer::Error::StreamSizeExceeded { .. } => {
            refused(format!("an update may have {MOST_BYTES} bytes at most"))
        }
        other => refused(other.to_string()),
    }
}

fn refused(why: String) -> Failure {
    let code = ErrorCode::MalformedUpload;
    Failure::new(code, code.message()).detail(why.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(body: &'static str) -> Result<TrustUploads, Failure> {
        read("multipart/form-data; boundary=x", Body::from(body)).await
    }

    #[tokio::test]
    async fn parts_are_files_by_their_roles() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"targets/a.json\"\r\n\r\n{}\r\n--x--\r\n";
        let uploads = told(body).await.expect("an upload");
        let role = "targets/a".parse().expect("a role");
        assert_eq!(
            uploads.get(&role).map(Vec::as_slice),
            Some(b"{}".as_slice())
        );
        assert!(told("--x--\r\n").await.expect("an empty upload").is_empty());
    }

    #[tokio::test]
    async fn what_is_wrong_is_said() {
        let part = |name: &str| {
            format!("--x\r\nContent-Disposition: form-data; name=\"files\"{name}\r\n\r\n{{}}\r\n")
        };
        let root = part("; filename=\"root\"");
        for (body, code) in [
            (part(""), ErrorCode::NoFilename),
            (part("; filename=\"bogus\""), ErrorCode::InvalidRole),
            (format!("{root}{root}--x--\r\n"), ErrorCode::MalformedUpload),
            (root, ErrorCode::MalformedJson),
        ] {
            let body = Body::from(body);
            let failure = read("multipart/form-data; boundary=x", body).await;
            let failure = failure.expect_err("a refusal");
            assert!(failure.is(code), "{failure:?}");
        }
        let failure = read("application/json", Body::empty()).await;
        assert!(
            failure
                .expect_err("a refusal")
                .is(ErrorCode::MalformedUpload)
        );
    }
}
