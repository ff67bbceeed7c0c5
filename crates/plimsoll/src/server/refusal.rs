//! What the server itself refuses, before any route: in the registry's words where the
//! registry was asked, as a sentence elsewhere.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse as _,
};
use oci::ErrorCode;

use super::{body::Broken, connections::Crowded, limits::Limits};

/// When to come back, in seconds, to a server that stops or is full.
const COME_BACK: u32 = 5;

/// To a client that speaks plain HTTP where TLS is spoken.
pub(super) const NEEDS_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\ncontent-length: 42\r\nconnection: close\r\n\r\n\
    this port speaks https: begin with https:\n";

/// To a client that speaks TLS where plain HTTP is spoken.
pub(super) const SPEAKS_NO_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\ncontent-length: 52\r\nconnection: close\r\n\r\n\
    this port speaks http without TLS: begin with http:\n";

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    status: StatusCode,
    code: ErrorCode,
    message: String,
    retry: bool,
}

impl Refusal {
    fn new(status: StatusCode, code: ErrorCode, message: String) -> Self {
        Self {
            status,
            code,
            message,
            retry: false,
        }
    }

    /// The server is about to end.
    pub(super) fn stopping() -> Self {
        Self {
            retry: true,
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                ErrorCode::Unavailable,
                "the server is stopping: try again".to_owned(),
            )
        }
    }

    /// A body did not come as it should.
    pub(super) fn broken(broken: Broken) -> Self {
        match broken {
            Broken::Stopped => Self::stopping(),
            Broken::Idle(_) | Broken::Slow(_) => Self::new(
                StatusCode::REQUEST_TIMEOUT,
                ErrorCode::BlobUploadInvalid,
                format!("{broken}: go on where the upload ends, or send it again"),
            ),
        }
    }

    /// Returns what is too large about a request's head, if anything is.
    pub(super) fn head(parts: &axum::http::request::Parts, limits: &Limits) -> Option<Self> {
        let target = parts
            .uri
            .path_and_query()
            .map_or(0, |target| target.as_str().len());
        if target > limits.target_bytes {
            return Some(Self::new(
                StatusCode::URI_TOO_LONG,
                ErrorCode::Unsupported,
                format!(
                    "path and query have {target} bytes; at most {} are read",
                    limits.target_bytes
                ),
            ));
        }
        let (count, bytes) = measure(&parts.headers);
        let message = if count > limits.header_count {
            format!(
                "the request has {count} headers; at most {} are read",
                limits.header_count
            )
        } else if bytes > limits.header_bytes {
            format!(
                "the headers have {bytes} bytes; at most {} are read",
                limits.header_bytes
            )
        } else {
            return None;
        };
        Some(Self::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            ErrorCode::Unsupported,
            message,
        ))
    }

    /// Makes the answer to a request for `path`; the connection ends with it.
    pub(super) fn answer(self, path: &str) -> Response<Body> {
        let mut response = if registry::serves(path) {
            registry::refuse(self.code, self.status, self.message)
        } else {
            (self.status, format!("{}\n", self.message)).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        if self.retry {
            headers.insert(header::RETRY_AFTER, COME_BACK.into());
        }
        response
    }
}

/// Returns number and bytes of headers, each with its `: ` and line end.
fn measure(headers: &axum::http::HeaderMap) -> (usize, usize) {
    let bytes = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    (headers.len(), bytes)
}

/// Returns the whole answer to a connection that finds no room, which is all it gets.
pub(super) fn crowded(crowded: Crowded) -> String {
    let (status, message) = match crowded {
        Crowded::Server => (
            "503 Service Unavailable",
            "too many connections are open: try again",
        ),
        Crowded::Address => (
            "429 Too Many Requests",
            "too many connections from your address are open: close some, or try again",
        ),
    };
    let error = serde_json::json!({ "code": ErrorCode::TooManyRequests.as_str(), "message": message, "detail": null });
    let body = serde_json::json!({ "errors": [error] }).to_string();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         retry-after: {COME_BACK}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_answers_have_the_length_they_name() {
        for text in [
            String::from_utf8_lossy(NEEDS_TLS).into_owned(),
            String::from_utf8_lossy(SPEAKS_NO_TLS).into_owned(),
            crowded(Crowded::Server),
            crowded(Crowded::Address),
        ] {
            let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
            assert!(
                head.contains(&format!("content-length: {}\r\n", body.len())),
                "{text}"
            );
        }
    }
}
