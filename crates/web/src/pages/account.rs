//! `/account`: tokens and subscriptions.

use askama::Template;

use crate::view::{FieldErrors, Layout, Pill, When};

/// One's own account.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub struct AccountPage {
    /// What is around.
    pub layout: Layout,
    /// The account's name.
    pub name: String,
    /// Its address.
    pub email: String,
    /// Host and port of the registry, for the login command.
    pub registry: String,
    /// The token just made; shown this once.
    pub new_token: Option<NewToken>,
    /// The tokens there are.
    pub tokens: Vec<TokenRow>,
    /// What is wrong with `label`.
    pub errors: FieldErrors,
    /// What the account is subscribed to.
    pub subscriptions: Vec<SubscriptionRow>,
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
    /// Its id.
    pub id: String,
    /// What it is for.
    pub label: String,
    /// Whether it may push and change things, or only read.
    pub may_write: bool,
    /// When it was made.
    pub created_at: When,
    /// When it was last used.
    pub last_used_at: Option<When>,
}

/// A subscription.
#[derive(Debug, Clone)]
pub struct SubscriptionRow {
    /// The product's name.
    pub product: String,
    /// Address of the product's page.
    pub url: String,
    /// The plan's name.
    pub plan: String,
    /// For example `USD 19.00 a month` or `Free`.
    pub price: String,
    /// The state.
    pub state: Pill,
    /// Since when.
    pub since: When,
    /// Address to post to for cancelling, if that is possible.
    pub cancel_url: Option<String>,
}
