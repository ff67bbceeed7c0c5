//! What went wrong, as a page: it names what exists, says what to do and offers a way on.

use std::sync::Arc;

use app::AppError;
use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    answer::{local_path, page_with, see_other},
    pages::error::ErrorPage,
    router::loggable,
    view::{Layout, urlencoded},
};

/// Why a handler has no page to show.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// A use case said so.
    App(Arc<AppError>),
    /// There is nothing at this address.
    NoPage,
    /// The address takes no requests of this method.
    WrongMethod,
    /// A form that did not come from a page of ours.
    ForeignForm,
    /// A form that cannot be read.
    BadForm(String),
    /// A form that is larger than we read.
    LargeForm,
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        Self::App(Arc::new(error))
    }
}

/// Leaves the failure in the answer; the frame, which knows who looks, makes the page.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What is kept of a request for the page about its failure.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Where to go back to after signing in.
    return_to: String,
    /// Method and path, for the log.
    what: String,
}

impl Asked {
    /// Looks at a request. After a form one goes back to the page it stood on.
    pub(crate) fn of(request: &Request) -> Self {
        let uri = request.uri();
        let referer = || {
            let referer = request.headers().get(header::REFERER)?.to_str().ok()?;
            let (_, rest) = referer.split_once("://")?;
            rest.find('/').map(|path| rest[path..].to_owned())
        };
        let return_to = if request.method() == Method::POST {
            referer()
        } else {
            uri.path_and_query().map(ToString::to_string)
        };
        Self {
            return_to: local_path(return_to.as_deref().unwrap_or("/")).to_owned(),
            what: format!("{} {}", request.method(), loggable(uri.path())),
        }
    }
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::App(error) => match &**error {
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
            },
            Self::NoPage => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::ForeignForm => StatusCode::FORBIDDEN,
            Self::BadForm(_) => StatusCode::BAD_REQUEST,
            Self::LargeForm => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }

    /// Returns the page; whoever must sign in first is sent to do so.
    pub(crate) fn page(&self, layout: Layout, asked: &Asked) -> Response {
        if let Self::App(error) = self {
            match &**error {
                AppError::Unauthenticated(_) => {
                    let return_to = urlencoded(&asked.return_to);
                    return see_other(&format!("/sign-in?return_to={return_to}"));
                }
                AppError::Internal(source) => {
                    tracing::error!(
                        request = asked.what,
                        error = with_causes(&**source),
                        "a page could not be made"
                    );
                }
                AppError::Full => tracing::error!(request = asked.what, "the storage is full"),
                _ => {}
            }
        }
        let (title, explanation) = self.words();
        let page = ErrorPage {
            status: self.status().as_u16(),
            title: title.to_owned(),
            explanation,
            links: self.ways_on(layout.viewer.is_some()),
            layout,
        };
        let mut response = page_with(self.status(), &page)
            .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response());
        if let Some(seconds) = self.retry_after() {
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::App(error) => error.retry_after(),
            _ => None,
        }
    }

    fn words(&self) -> (&'static str, String) {
        let (title, explanation) = match self {
            Self::App(error) => return use_case_words(error),
            Self::NoPage => (
                "There is no such page",
                "The address may be mistyped, or what stood there was taken away.",
            ),
            Self::WrongMethod => (
                "This address takes no such request",
                "It belongs to a form: open the page with the form and send it from there.",
            ),
            Self::ForeignForm => (
                "The form was not accepted",
                "It did not come from a page of this marketplace, or the page is older than \
                 your sign-in. Nothing was changed. Load the page again and send it from there.",
            ),
            Self::BadForm(why) => {
                let why = format!("Nothing was changed. {}", sentence(why));
                return ("The form cannot be read", why);
            }
            Self::LargeForm => (
                "The form is too large",
                "Nothing was changed. Send fewer or smaller pictures at a time.",
            ),
        };
        (title, explanation.to_owned())
    }

    fn ways_on(&self, is_signed_in: bool) -> Vec<(String, String)> {
        let link = |url: &str, label: &str| (url.to_owned(), label.to_owned());
        let mut links = Vec::new();
        if let Self::App(error) = self
            && let AppError::NotFound {
                what: "product",
                name,
            } = &**error
        {
            let words = name.rsplit('/').next().unwrap_or(name).replace('-', " ");
            let url = format!("/search?q={}", urlencoded(&words));
            links.push((url, format!("Search for “{words}”")));
        }
        links.push(link("/search", "Browse everything on the market"));
        if is_signed_in {
            links.push(link("/account", "Your account"));
            links.push(link("/publisher", "Your organisations"));
        } else {
            links.push(link("/sign-in", "Sign in to see more"));
        }
        links
    }
}

/// Returns title and explanation of what a use case said.
fn use_case_words(error: &AppError) -> (&'static str, String) {
    let (title, more) = match error {
        AppError::Unauthenticated(_) | AppError::WrongPassword => ("Sign in first", ""),
        AppError::Denied(_) => (
            "This is not open to you",
            " If you think that it should be, ask whoever keeps the organisation or the marketplace.",
        ),
        AppError::NotFound { .. } => (
            "Not found",
            " It may have another name, be gone, or be open to others only.",
        ),
        AppError::Invalid(_) => ("Something in the form is wrong", " Go back and correct it."),
        AppError::Conflict(_) => ("This cannot be done now", ""),
        AppError::Changed(_) => ("It was changed meanwhile", ""),
        AppError::TooMany(_) => ("Too many attempts", ""),
        AppError::TooLarge(_) => ("Too large", ""),
        AppError::Full => ("The storage is full", ""),
        AppError::Unsigned(_) => ("Nothing can be signed", ""),
        AppError::Busy => ("Too much is going on", ""),
        AppError::Internal(_) => (
            "Something broke",
            " It is not your fault. Nothing was half done; the operator finds the cause in the \
             server's log. Try again in a while.",
        ),
    };
    (title, format!("{}{more}", sentence(&error.to_string())))
}

/// Makes a sentence of an error's message.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars
        .next()
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?', '`']) || text.is_empty() {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", chars.as_str())
}

/// Writes an error with everything that caused it, on one line.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
