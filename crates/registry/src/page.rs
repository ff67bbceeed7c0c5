//! Lists in pages: `n` and `last` in, `Link` with `rel="next"` out (RFC 8288).

use axum::{
    Json,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{
    error::Failure,
    header::value,
    query::{Query, bad, encode},
};

/// Entries in an answer, whatever was asked for; `Link` leads on.
const LARGEST: usize = 10_000;

/// Which part of a list is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<'a> {
    /// How many entries, at most.
    pub(crate) size: usize,
    /// After which.
    pub(crate) last: &'a str,
}

impl<'a> Page<'a> {
    /// Reads `n` and `last`.
    pub(crate) fn of(query: &'a Query) -> Result<Self, Failure> {
        let size = match query.one("n")? {
            None => LARGEST,
            Some(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
                // More digits than fit are more than there is.
                text.parse().unwrap_or(usize::MAX).min(LARGEST)
            }
            Some(text) => {
                let shown: String = text.chars().take(40).collect();
                return Err(bad(format!(
                    "`n={shown}` is no number of entries: send 0 or more"
                )));
            }
        };
        let last = query.one("last")?.unwrap_or_default();
        Ok(Self { size, last })
    }

    /// Returns how many entries to fetch, to know whether there are more.
    pub(crate) fn fetch(&self) -> usize {
        if self.size == 0 { 0 } else { self.size + 1 }
    }

    /// Takes what belongs on the page; gives the last of it where more follow.
    pub(crate) fn cut(&self, entries: &mut Vec<String>) -> Option<String> {
        let more = entries.len() > self.size;
        entries.truncate(self.size);
        entries.last().filter(|_| more).cloned()
    }

    /// Answers with `body`; `next` is the last entry on this page where more follow.
    pub(crate) fn answer(&self, path: &str, body: impl Serialize, next: Option<&str>) -> Response {
        let mut response = Json(body).into_response();
        if let Some(next) = next {
            let link = format!(
                "<{path}?last={}&n={}>; rel=\"next\"",
                encode(next),
                self.size
            );
            response.headers_mut().insert(header::LINK, value(&link));
        }
        response
    }
}
