//! What a handler gives back: a page, or a way to the next page.

use app::AppError;
use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use crate::{
    cache::Cache,
    failure::Failure,
    view::{FieldErrors, Flash},
};

/// What a handler gives back.
pub(crate) type Answer = Result<Response, Failure>;

/// Answers with a page.
pub(crate) fn page(page: &impl Template) -> Answer {
    page_with(StatusCode::OK, page)
}

/// Answers with a page that says that something is wrong.
pub(crate) fn page_with(status: StatusCode, page: &impl Template) -> Answer {
    let text = page
        .render()
        .map_err(|error| Failure::from(AppError::internal(error)))?;
    Ok((status, [Cache::Page.header()], Html(text)).into_response())
}

/// Sends the browser to a page of ours, with GET.
pub(crate) fn see_other(to: &str) -> Response {
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

/// Returns `path` if it leads to a page of this marketplace, whatever a browser makes of it; else the front page.
pub(crate) fn local_path(path: &str) -> &str {
    let is_plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let is_local = path.starts_with('/') && !path.starts_with("//");
    if is_plain && is_local && path.len() <= 2_000 {
        path
    } else {
        "/"
    }
}

/// Why a form is shown again.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// What the answer's status says.
    pub(crate) status: StatusCode,
    /// What is wrong, field by field.
    pub(crate) errors: FieldErrors,
    /// What is wrong, in one sentence.
    pub(crate) text: String,
}

impl Refusal {
    /// Takes what a form can say itself; anything else has a page of its own.
    pub(crate) fn of(error: AppError) -> Result<Self, Failure> {
        let text = error.to_string();
        let (status, errors) = match error {
            AppError::Invalid(problems) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
            AppError::Conflict(_) => (StatusCode::CONFLICT, Vec::new()),
            AppError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, Vec::new()),
            other => return Err(other.into()),
        };
        Ok(Self {
            status,
            errors: FieldErrors(errors),
            text,
        })
    }

    /// Returns what the top of the page says.
    pub(crate) fn flash(&self) -> Flash {
        Flash {
            is_error: true,
            text: self.text.clone(),
        }
    }

    /// Returns what the top of the page says where no field says it.
    pub(crate) fn flash_unless_at_fields(&self) -> Option<Flash> {
        self.errors.is_empty().then(|| self.flash())
    }

    /// Gives fields the names they have in our form.
    pub(crate) fn renamed(mut self, names: &[(&str, &str)]) -> Self {
        for problem in &mut self.errors.0 {
            if let Some((_, new)) = names.iter().find(|(old, _)| *old == problem.field) {
                problem.field = (*new).to_owned();
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_followed() {
        for path in ["/", "/p/a/b", "/search?q=%C3%A4&page=2", "/account#tokens"] {
            assert_eq!(local_path(path), path);
        }
        let foreign = [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "evil.example",
            "/a\r\nSet-Cookie: x=y",
            "/\t/evil.example",
            " /",
        ];
        for path in foreign {
            assert_eq!(local_path(path), "/", "{path:?}");
        }
    }
}
