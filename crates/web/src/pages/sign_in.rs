//! `/sign-in`.

use askama::Template;

use crate::view::Layout;

/// The sign-in form.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    /// What is around.
    pub layout: Layout,
    /// The account name as it was typed.
    pub name: String,
    /// Path to go to afterwards.
    pub return_to: String,
    /// Why the last try failed.
    pub error: Option<String>,
    /// Whether people may register themselves.
    pub can_register: bool,
}
