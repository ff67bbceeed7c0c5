//! Who looks at a page: found by the session's cookie before any handler runs.

use std::sync::Arc;

use app::{Actor, App, AppError, SignedIn};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Uri, request::Parts},
    response::Response,
};
use chrono::{DateTime, Utc};

use crate::{
    answer::{Answer, see_other},
    cookie::{self, Cookie},
    failure::Failure,
    notice::{self, NOTICE_COOKIE, Notice},
    view::{self, Csrf, Layout, When},
};

/// The session cookie's name.
const SESSION_COOKIE: &str = "plimsoll_session";
/// What the pages call the marketplace.
pub(crate) const MARKET_NAME: &str = "Plimsoll";
/// How long a notice waits for the next page, in seconds.
const NOTICE_SECONDS: i64 = 60;

/// Who looks, and what is around every page for them.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    /// Towards the use cases.
    pub(crate) actor: Actor,
    /// Around the page.
    pub(crate) layout: Layout,
    /// When they look.
    pub(crate) now: DateTime<Utc>,
    /// Whether cookies only travel encrypted.
    secure: bool,
}

impl Viewer {
    /// Returns who sent a request with these headers.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(crate) async fn find(
        app: &Arc<App>,
        headers: &HeaderMap,
        uri: &Uri,
    ) -> Result<Self, AppError> {
        let mut viewer = Self::nobody(app, uri);
        viewer.layout.flash = cookie::find(headers, NOTICE_COOKIE).and_then(notice::flash);
        let Some(secret) = session_secret(headers) else {
            return Ok(viewer);
        };
        if let Some(session) = app.find_session(secret).await? {
            viewer.layout.csrf = Csrf(session.csrf);
            viewer.actor = Actor::account(session.account.clone());
            let is_publisher = !app.my_publishers(&viewer.actor).await?.is_empty();
            viewer.layout.viewer = Some(view::Viewer {
                name: session.account.name,
                is_publisher,
                is_reviewer: viewer.actor.is_staff(),
                is_operator: viewer.actor.is_operator(),
                unread: app.unread_notices(&viewer.actor).await?,
            });
        }
        Ok(viewer)
    }

    /// Returns somebody who is not signed in.
    pub(crate) fn nobody(app: &App, uri: &Uri) -> Self {
        Self {
            actor: Actor::anonymous(),
            layout: Layout {
                market_name: MARKET_NAME.to_owned(),
                path: uri.path().to_owned(),
                ..Layout::default()
            },
            now: app.now(),
            secure: app.config().public_url.starts_with("https://"),
        }
    }

    /// Returns whether somebody is signed in.
    pub(crate) fn is_signed_in(&self) -> bool {
        self.actor.signed_in().is_some()
    }

    /// Returns `at` as seen from now.
    pub(crate) fn when(&self, at: DateTime<Utc>) -> When {
        When::new(at, self.now)
    }

    /// Sends the browser to a page of ours that says what was done.
    pub(crate) fn done(&self, to: &str, notice: Notice) -> Answer {
        let mut response = see_other(to);
        self.cookie(NOTICE_COOKIE, notice.code(), NOTICE_SECONDS, &mut response);
        Ok(response)
    }

    /// Makes the browser remember the session.
    pub(crate) fn begin_session(&self, session: &SignedIn, response: &mut Response) {
        let seconds = (session.expires_at - self.now).num_seconds();
        self.cookie(SESSION_COOKIE, &session.secret, seconds, response);
    }

    /// Makes the browser forget the session.
    pub(crate) fn end_session(&self, response: &mut Response) {
        self.cookie(SESSION_COOKIE, "", 0, response);
    }

    /// Makes the browser forget a notice that was shown.
    pub(crate) fn forget_notice(&self, response: &mut Response) {
        self.cookie(NOTICE_COOKIE, "", 0, response);
    }

    fn cookie(&self, name: &str, value: &str, seconds: i64, response: &mut Response) {
        let cookie = Cookie {
            name,
            value,
            seconds,
            secure: self.secure,
        };
        cookie.set(response.headers_mut());
    }
}

/// Returns the secret in the session's cookie.
pub(crate) fn session_secret(headers: &HeaderMap) -> Option<&str> {
    cookie::find(headers, SESSION_COOKIE).filter(|secret| !secret.is_empty())
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| AppError::internal("a page's route stands outside the frame").into())
    }
}
