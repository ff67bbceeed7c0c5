//! `/register`.

use askama::Template;

use crate::view::{FieldErrors, Layout};

/// The form for a new account.
#[derive(Debug, Template)]
#[template(path = "register.html")]
pub struct RegisterPage {
    /// What is around.
    pub layout: Layout,
    /// The account name as it was typed.
    pub name: String,
    /// The e-mail address as it was typed.
    pub email: String,
    /// What is wrong with `name`, `email` or `password`.
    pub errors: FieldErrors,
}
