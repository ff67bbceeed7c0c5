//! The one door for everything that is refused: a status, a word for machines, a sentence
//! for people, and every bad field at once.

use app::{AppError, market::Problem};
use axum::{
    Json,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// What every refusal is sent as (RFC 9457's media type; its members are optional, ours is `error`).
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// What a handler answers.
pub(super) type Answer<T> = Result<T, ApiError>;

/// Why a request was refused, on its way to the client.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    problems: Vec<Problem>,
    retry_after: Option<u64>,
}

/// The body of every refusal.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorJson {
    error: ErrorDetailJson,
}

/// What was wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorDetailJson {
    /// A word for machines, such as `not-found`.
    code: &'static str,
    /// A sentence for people.
    message: String,
    /// What is wrong with single fields; empty where it is not about fields.
    problems: Vec<ProblemJson>,
}

/// What is wrong with one field.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProblemJson {
    /// The field, as the JSON names it: `plans[0].price`.
    field: String,
    /// What is wrong and what would be right.
    message: String,
}

impl From<Problem> for ProblemJson {
    fn from(problem: Problem) -> Self {
        Self {
            field: problem.field,
            message: problem.message,
        }
    }
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            problems: Vec::new(),
            retry_after: None,
        }
    }

    /// The request cannot be understood at all: 400.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    /// A name in the path names nothing: 404.
    pub(super) fn no_such_path(path: &str) -> Self {
        let path: String = path.chars().take(200).collect();
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            format!("there is nothing at `{path}`: see /api/v1/openapi.json for what there is"),
        )
    }

    /// The path has no such method: 405.
    pub(super) fn no_such_method(method: &Method) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            format!("{method} is not possible here; the header `Allow` says what is"),
        )
    }

    /// The body is of another type than `expected`: 415.
    pub(super) fn wrong_type(expected: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            format!("send the body as `Content-Type: {expected}`"),
        )
    }

    /// The credentials cannot be used: 401.
    pub(super) fn bad_credentials(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", message)
    }
}

/// The one place that says which status an [`AppError`] has.
fn status_of(error: &AppError) -> StatusCode {
    match error {
        AppError::Unauthenticated(_) | AppError::WrongPassword => StatusCode::UNAUTHORIZED,
        AppError::Denied(_) => StatusCode::FORBIDDEN,
        AppError::NotFound { .. } => StatusCode::NOT_FOUND,
        AppError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        AppError::Conflict(_) => StatusCode::CONFLICT,
        AppError::Changed(_) => StatusCode::PRECONDITION_FAILED,
        AppError::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        AppError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        AppError::Full => StatusCode::INSUFFICIENT_STORAGE,
        AppError::Busy | AppError::Unsigned(_) => StatusCode::SERVICE_UNAVAILABLE,
        AppError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<AppError> for ApiError {
    fn from(error: AppError) -> Self {
        let mut answer = Self::new(status_of(&error), error.code(), error.to_string());
        answer.retry_after = error.retry_after();
        match error {
            AppError::Invalid(problems) => {
                answer.message = match problems.len() {
                    1 => "1 field is wrong".to_owned(),
                    count => format!("{count} fields are wrong"),
                };
                answer.problems = problems;
            }
            AppError::Internal(source) => {
                tracing::error!(
                    error = &*source as &dyn std::error::Error,
                    "a request failed"
                );
            }
            _ => {}
        }
        answer
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorJson {
            error: ErrorDetailJson {
                code: self.code,
                message: self.message,
                problems: self.problems.into_iter().map(ProblemJson::from).collect(),
            },
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.status == StatusCode::UNAUTHORIZED {
            for scheme in [
                r#"Bearer realm="plimsoll""#,
                r#"Basic realm="plimsoll", charset="UTF-8""#,
            ] {
                headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
            }
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_error_has_its_status() {
        let check = |error: AppError, status: u16| {
            let text = error.to_string();
            assert_eq!(
                ApiError::from(error).into_response().status().as_u16(),
                status,
                "{text}"
            );
        };
        check(AppError::Unauthenticated("x".to_owned()), 401);
        check(AppError::WrongPassword, 401);
        check(AppError::Denied("x".to_owned()), 403);
        check(AppError::not_found("product", "x"), 404);
        check(AppError::Conflict("x".to_owned()), 409);
        check(AppError::Changed("x".to_owned()), 412);
        check(AppError::TooLarge("x".to_owned()), 413);
        check(AppError::invalid("x", "y"), 422);
        check(AppError::TooMany(Duration::from_millis(1_500)), 429);
        check(AppError::internal("x"), 500);
        check(AppError::Full, 507);
        check(AppError::Busy, 503);
        check(
            AppError::Unsigned(trust::SignError::Away("x".to_owned())),
            503,
        );
    }

    #[test]
    fn says_how_to_sign_in_and_how_long_to_wait() {
        let headers = |error: AppError| ApiError::from(error).into_response().headers().clone();
        let wrong = headers(AppError::WrongPassword);
        assert_eq!(wrong.get_all(header::WWW_AUTHENTICATE).iter().count(), 2);
        let many = headers(AppError::TooMany(Duration::from_millis(1_500)));
        assert_eq!(many[header::RETRY_AFTER], "2");
    }
}
