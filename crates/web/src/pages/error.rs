//! Whatever went wrong: says what exists and offers a way on.

use askama::Template;

use crate::view::Layout;

/// An error page.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// What is around.
    pub layout: Layout,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, in one line.
    pub title: String,
    /// What stands and what to do.
    pub explanation: String,
    /// Ways on: address and label.
    pub links: Vec<(String, String)>,
}
