//! `/account`: tokens and subscriptions.

use askama::Template;

use super::robot::{NewToken, RobotRow, TokenForm, TokenRow};
use crate::view::{Layout, Onward, Pill, When};

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
    /// The form for another one.
    pub form: TokenForm,
    /// The clients that stay signed in.
    pub logins: Vec<LoginRow>,
    /// The account's robots.
    pub robots: Vec<RobotRow>,
    /// What it sees before its release.
    pub previews: Vec<PreviewLink>,
    /// What the account is subscribed to.
    pub subscriptions: Vec<SubscriptionRow>,
    /// The ways to the rest of them.
    pub subscriptions_onward: Onward,
}

/// A client that stays signed in.
#[derive(Debug, Clone)]
pub struct LoginRow {
    /// Its id.
    pub id: String,
    /// What the client calls itself.
    pub client: String,
    /// When it signed in.
    pub since: When,
    /// When it was last seen.
    pub last_used_at: Option<When>,
    /// Until when it stays signed in.
    pub ends: Option<When>,
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

/// A product that the account sees before its release.
#[derive(Debug, Clone)]
pub struct PreviewLink {
    /// Its name.
    pub product: String,
    /// Address of its page.
    pub url: String,
    /// Who publishes it.
    pub publisher: String,
    /// Since when.
    pub since: When,
}
