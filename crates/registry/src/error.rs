//! The one place where what went wrong becomes an answer:
//! `{"errors":[{"code","message","detail"}]}` (distribution-spec, "Error Codes").

use app::{AppError, registry::RegistryError};
use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use oci::{ErrorCode, RouteError};

use crate::header::value;

/// What the client is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    detail: Option<serde_json::Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Failure {
    /// Makes a failure of the table's status with its own text.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::with_status(code, code.status(), message)
    }

    /// Makes a failure with another status than the table's.
    pub(crate) fn with_status(code: ErrorCode, status: u16, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: code.as_str(),
            message: message.into(),
            detail: None,
            headers: Vec::new(),
        }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: HeaderName, text: &str) -> Self {
        self.headers.push((name, value(text)));
        self
    }

    /// Adds what programs read.
    pub(crate) fn detail(mut self, detail: serde_json::Value) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Returns the answer to a path of content trust that names nothing, or a method that one
    /// does not have: the reference has no other.
    pub(crate) fn no_metadata() -> Self {
        let code = ErrorCode::MetadataNotFound;
        Self::new(code, code.message())
    }

    /// Adds how to sign in, where that is what is missing.
    pub(crate) fn challenged(self, how: &str) -> Self {
        if self.status == StatusCode::UNAUTHORIZED {
            self.header(header::WWW_AUTHENTICATE, how)
        } else {
            self
        }
    }

    /// Returns whether it is of this code.
    #[cfg(test)]
    pub(crate) fn is(&self, code: ErrorCode) -> bool {
        self.code == code.as_str()
    }

    /// Logs what only the operator may know; the client is told to try again.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "the registry failed");
        Self::new(ErrorCode::Internal, "the registry failed; try again")
    }

    /// Returns the answer to a path that names nothing.
    pub(crate) fn route(error: &RouteError, writes: bool) -> Self {
        let text = error.to_string();
        match error {
            RouteError::Unknown => Self::with_status(ErrorCode::Unsupported, 404, text),
            RouteError::Trust => Self::no_metadata(),
            RouteError::Name(_) => Self::new(ErrorCode::NameInvalid, text),
            RouteError::Digest(_) => Self::new(ErrorCode::DigestInvalid, text),
            RouteError::Tag(_) if writes => Self::new(ErrorCode::ManifestInvalid, text),
            // No manifest can be under such a tag, so there is none.
            RouteError::Tag(_) => Self::new(ErrorCode::ManifestUnknown, text),
        }
    }

    /// Returns the answer to a method that a path does not have.
    pub(crate) fn method(allowed: &'static str) -> Self {
        let message = format!("this path takes {allowed}");
        Self::new(ErrorCode::Unsupported, message).header(header::ALLOW, allowed)
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        if let Some(source) = &error.source {
            return Self::internal(source.as_ref());
        }
        Self::new(error.code, error.message)
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        let text = error.to_string();
        match &error {
            AppError::Unauthenticated(_) => Self::new(ErrorCode::Unauthorized, text),
            AppError::WrongPassword => Self::new(
                ErrorCode::Unauthorized,
                format!("{text}: sign in with an account's password or an access token"),
            ),
            AppError::Denied(_) => Self::new(ErrorCode::Denied, text),
            AppError::TooMany(_) => {
                let seconds = error.retry_after().unwrap_or(1);
                Self::new(ErrorCode::TooManyRequests, text)
                    .header(header::RETRY_AFTER, &seconds.to_string())
            }
            AppError::Full => Self::new(ErrorCode::StorageFull, text),
            AppError::Busy | AppError::Unsigned(_) => Self::new(ErrorCode::Unavailable, text),
            AppError::TooLarge(_) => Self::new(ErrorCode::TooLarge, text),
            AppError::NotFound { .. }
            | AppError::Invalid(_)
            | AppError::Conflict(_)
            | AppError::Changed(_) => Self::with_status(ErrorCode::Unsupported, 400, text),
            AppError::Internal(_) => Self::internal(&error),
        }
    }
}

/// Makes the answer to a request that the server refuses before the registry sees it.
pub fn refuse(code: ErrorCode, status: StatusCode, message: String) -> Response {
    Failure::with_status(code, status.as_u16(), message).into_response()
}

impl IntoResponse for Failure {
    fn into_response(mut self) -> Response {
        // Whoever comes back at once finds nothing changed.
        if [429, 503].contains(&self.status.as_u16()) {
            self.headers
                .insert(0, (header::RETRY_AFTER, HeaderValue::from_static("1")));
        }
        let error = serde_json::json!({
            "code": self.code, "message": self.message, "detail": self.detail,
        });
        let body = Json(serde_json::json!({ "errors": [error] }));
        let mut response = (self.status, body).into_response();
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
