//! Sign-in, accounts, errors.

use market::{Problem, SubscriptionState};

use super::{ago, customer, layout, page};
use crate::{
    pages::{
        account::{AccountPage, NewToken, SubscriptionRow, TokenRow},
        error::ErrorPage,
        register::RegisterPage,
        sign_in::SignInPage,
    },
    view::{FieldErrors, When, subscription_pill},
};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let mut fresh = account();
    fresh.new_token = None;
    fresh.tokens.clear();
    fresh.subscriptions.clear();
    vec![
        page("sign-in", &sign_in()),
        page("register", &register()),
        page("account", &account()),
        page("account-fresh", &fresh),
        page("error", &error()),
    ]
}

fn sign_in() -> SignInPage {
    SignInPage {
        layout: layout("/sign-in", None),
        name: "ada".to_owned(),
        return_to: "/account".to_owned(),
        error: Some("Name or password is wrong.".to_owned()),
        can_register: true,
    }
}

fn register() -> RegisterPage {
    RegisterPage {
        layout: layout("/register", None),
        name: "Ada L".to_owned(),
        email: "ada@example.org".to_owned(),
        errors: FieldErrors(vec![Problem {
            field: "name".to_owned(),
            message: "`Ada L` is no account name: use lower-case letters, digits and hyphens"
                .to_owned(),
        }]),
    }
}

fn account() -> AccountPage {
    let token = |id: &str, label: &str, used: Option<When>| TokenRow {
        id: id.to_owned(),
        label: label.to_owned(),
        may_write: used.is_some(),
        created_at: ago(24 * 12),
        last_used_at: used,
    };
    AccountPage {
        layout: layout("/account", customer()),
        name: "ada".to_owned(),
        email: "ada@example.org".to_owned(),
        registry: "market.example".to_owned(),
        new_token: Some(NewToken {
            label: "build server".to_owned(),
            secret: "plm_3v1h9c2k8q7d5s4m6n0b1x2z".to_owned(),
        }),
        tokens: vec![
            token("tok_1", "laptop", Some(ago(2))),
            token("tok_2", "build server", None),
        ],
        errors: FieldErrors::default(),
        subscriptions: vec![SubscriptionRow {
            product: "Pilot Database".to_owned(),
            url: "/p/harbour/pilot".to_owned(),
            plan: "Standard".to_owned(),
            price: "USD 19.00 a month".to_owned(),
            state: subscription_pill(SubscriptionState::Active),
            since: ago(24 * 30),
            cancel_url: Some("/account/subscriptions/sub_1/cancel".to_owned()),
        }],
    }
}

fn error() -> ErrorPage {
    ErrorPage {
        layout: layout("/p/harbour/pilto", None),
        status: 404,
        title: "There is no product harbour/pilto".to_owned(),
        explanation:
            "Harbour Systems Ltd has two products; one of them may be what you are looking for."
                .to_owned(),
        links: vec![
            ("/p/harbour/pilot".to_owned(), "Pilot Database".to_owned()),
            (
                "/search?q=pilto".to_owned(),
                "Search for “pilto”".to_owned(),
            ),
        ],
    }
}
