//! `/robots/{robot}`, and what the pages of accounts and publishers show of robots and tokens.

use askama::Template;

use crate::view::{FieldErrors, Layout, When};

/// One robot with its tokens.
#[derive(Debug, Template)]
#[template(path = "robot.html")]
pub struct RobotPage {
    /// What is around.
    pub layout: Layout,
    /// Host and port of the registry, for the login command.
    pub registry: String,
    /// The robot.
    pub robot: RobotRow,
    /// Address and name of whose it is.
    pub owner: (String, String),
    /// Whether the viewer may make and revoke tokens, and the robot itself.
    pub can_manage: bool,
    /// The token just made; shown this once.
    pub new_token: Option<NewToken>,
    /// Its tokens.
    pub tokens: Vec<TokenRow>,
    /// The form for another one.
    pub form: TokenForm,
}

/// A robot in a list.
#[derive(Debug, Clone)]
pub struct RobotRow {
    /// What it signs in as.
    pub name: String,
    /// Address of its page.
    pub url: String,
    /// What it may do, in words.
    pub may: String,
    /// How many tokens it has.
    pub tokens: usize,
    /// When one of them was last used.
    pub last_used_at: Option<When>,
    /// When it or the first of its tokens ends.
    pub ends: Option<When>,
}

/// A token just made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What it is for.
    pub label: String,
    /// The secret.
    pub secret: String,
}

/// A token.
#[derive(Debug, Clone)]
pub struct TokenRow {
    /// Address to post to for revoking it.
    pub revoke_url: String,
    /// What it is for.
    pub label: String,
    /// Whether it may push and change things, or only read.
    pub may_write: bool,
    /// The repositories it is cut down to; none is no limit.
    pub scopes: Vec<String>,
    /// The token it was made with.
    pub parent: Option<String>,
    /// When it was made.
    pub created_at: When,
    /// When it was last used.
    pub last_used_at: Option<When>,
    /// When it ends.
    pub ends: Option<When>,
}

/// The form for a new token, as it was filled in.
#[derive(Debug, Clone, Default)]
pub struct TokenForm {
    /// Where it is posted to.
    pub action: String,
    /// What it is for.
    pub label: String,
    /// The repositories it is to be cut down to.
    pub scopes: String,
    /// What is wrong with `label` or `scopes`.
    pub errors: FieldErrors,
}
