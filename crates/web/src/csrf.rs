//! That a form was sent from a page of ours.

use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq;

use crate::{failure::Failure, viewer::Viewer};

/// Lets a form pass that came from a page of ours.
///
/// Whoever is signed in proves it with the token of their session, which no other site can
/// read. Nobody's session can be misused by signing in or registering, but a stranger's
/// account could be slipped under one's browser; so there the browser itself must say that
/// the form is ours: by `Sec-Fetch-Site` or, where it does not send that, by `Origin`.
///
/// # Errors
/// The token is missing or another one's, or the browser says that the form is foreign.
pub(crate) fn check(
    viewer: &Viewer,
    headers: &HeaderMap,
    token: &str,
    host: &str,
) -> Result<(), Failure> {
    let is_ours = if viewer.actor.signed_in().is_some() {
        let expected = viewer.layout.csrf.0.as_bytes();
        !expected.is_empty() && bool::from(expected.ct_eq(token.as_bytes()))
    } else {
        is_same_origin(headers, host)
    };
    if is_ours {
        Ok(())
    } else {
        Err(Failure::ForeignForm)
    }
}

fn is_same_origin(headers: &HeaderMap, host: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin
            .split_once("://")
            .is_some_and(|(_, from)| from == host || Some(from) == text(header::HOST.as_str())),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn check(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        is_same_origin(&headers.collect(), "market.example")
    }

    #[test]
    fn the_browser_says_where_a_form_is_from() {
        assert!(check(&[("sec-fetch-site", "same-origin")]));
        assert!(!check(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://market.example")
        ]));
        assert!(!check(&[("sec-fetch-site", "same-site")]));
        assert!(check(&[("origin", "https://market.example")]));
        assert!(check(&[
            ("origin", "http://10.0.0.5:8080"),
            ("host", "10.0.0.5:8080")
        ]));
        assert!(!check(&[
            ("origin", "https://evil.example"),
            ("host", "market.example")
        ]));
        assert!(!check(&[("origin", "null")]));
        assert!(!check(&[]));
    }
}
