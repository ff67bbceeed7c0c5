//! Sign-in, accounts, errors.

use market::{Problem, SubscriptionState};

use super::{ago, customer, layout, page};
use crate::{
    pages::{
        account::{AccountPage, LoginRow, PreviewLink, SubscriptionRow},
        error::ErrorPage,
        notices::{KindRow, MutePage, NoticeRow, NoticesPage},
        register::RegisterPage,
        robot::{NewToken, RobotPage, RobotRow, TokenForm, TokenRow},
        sign_in::SignInPage,
    },
    view::{FieldErrors, Onward, When, subscription_pill},
};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let mut fresh = account();
    fresh.new_token = None;
    fresh.tokens.clear();
    fresh.logins.clear();
    fresh.robots.clear();
    fresh.subscriptions.clear();
    fresh.previews.clear();
    let mut looked_at = robot_page();
    looked_at.can_manage = false;
    looked_at.new_token = None;
    looked_at.tokens.clear();
    looked_at.form = TokenForm::default();
    vec![
        page("sign-in", &sign_in()),
        page("register", &register()),
        page("account", &account()),
        page("account-fresh", &fresh),
        page("robot", &robot_page()),
        page("robot-looked-at", &looked_at),
        page("notices", &notices()),
        page("notices-fresh", &fresh_notices()),
        page("mute", &mute(Some(false), false)),
        page("mute-done", &mute(Some(false), true)),
        page("mute-obligatory", &mute(Some(true), false)),
        page("mute-all", &mute(None, false)),
        page("mute-all-done", &mute(None, true)),
        page("error", &error()),
    ]
}

fn notices() -> NoticesPage {
    let kind = |kind: market::NoticeKind, choice| KindRow {
        kind: kind.to_string(),
        title: kind.title().to_owned(),
        choice,
        is_obligatory: kind.is_obligatory(),
    };
    let row = |title: &str, text: &[&str], hours, is_new| NoticeRow {
        title: title.to_owned(),
        paragraphs: text.iter().map(|text| (*text).to_owned()).collect(),
        url: "/p/acme/db".to_owned(),
        at: ago(hours),
        is_new,
    };
    NoticesPage {
        layout: layout("/notices", customer()),
        notices: vec![
            row("acme/db is on hold", &["The listing is on hold."], 2, true),
            row(
                "acme/db: a remark on submission 2",
                &["bob <b> wrote:", "Which layer?"],
                30,
                false,
            ),
        ],
        unread: 1,
        onward: Onward {
            first_url: None,
            next_url: Some("/notices?before=ntc_1".to_owned()),
        },
        kinds: vec![
            kind(market::NoticeKind::Remark, None),
            kind(
                market::NoticeKind::Released,
                Some(market::MailChoice::Never),
            ),
            kind(market::NoticeKind::OnHold, None),
        ],
        product: None,
        own_products: vec!["acme/db".to_owned(), "acme/web".to_owned()],
        email: "ada@example.org".to_owned(),
    }
}

fn fresh_notices() -> NoticesPage {
    NoticesPage {
        notices: Vec::new(),
        unread: 0,
        onward: Onward::default(),
        product: Some("acme/db".to_owned()),
        ..notices()
    }
}

/// Of a kind that is obligatory or not, or without one of all.
fn mute(obligatory: Option<bool>, is_done: bool) -> MutePage {
    MutePage {
        layout: layout("/notices/mute/k", None),
        title: obligatory.map(|_| "A remark in a review".to_owned()),
        is_done,
        is_obligatory: obligatory == Some(true),
    }
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

fn token(label: &str, used: Option<When>) -> TokenRow {
    TokenRow {
        revoke_url: format!("/account/tokens/{label}/revoke"),
        label: label.to_owned(),
        may_write: used.is_some(),
        scopes: Vec::new(),
        parent: None,
        created_at: ago(24 * 12),
        last_used_at: used,
        ends: None,
    }
}

fn tokens() -> Vec<TokenRow> {
    vec![
        token("laptop", Some(ago(2))),
        TokenRow {
            scopes: vec!["staging/harbour/*:pull,push".to_owned()],
            parent: Some("laptop".to_owned()),
            ends: Some(ago(-24 * 5)),
            ..token("build server", None)
        },
        TokenRow {
            ends: Some(ago(3)),
            ..token("old one", None)
        },
    ]
}

fn new_token() -> NewToken {
    NewToken {
        label: "build server".to_owned(),
        secret: "plm_3v1h9c2k8q7d5s4m6n0b1x2z".to_owned(),
    }
}

/// A form that was refused.
fn token_form() -> TokenForm {
    TokenForm {
        action: "/account/tokens".to_owned(),
        label: "build <server>".to_owned(),
        scopes: "acme/*".to_owned(),
        errors: FieldErrors(vec![Problem {
            field: "scopes".to_owned(),
            message: "`acme/*` is no scope".to_owned(),
        }]),
    }
}

/// A robot in a list.
pub(super) fn robot(name: &str) -> RobotRow {
    RobotRow {
        name: name.to_owned(),
        url: "/robots/harbour%2Bci".to_owned(),
        may: "push, change and submit for the organisation".to_owned(),
        tokens: 3,
        last_used_at: Some(ago(1)),
        ends: Some(ago(-24 * 5)),
    }
}

fn robot_page() -> RobotPage {
    RobotPage {
        layout: layout("/robots/harbour%2Bci", customer()),
        registry: "market.example".to_owned(),
        robot: robot("harbour+ci"),
        owner: ("/publisher/harbour".to_owned(), "harbour".to_owned()),
        can_manage: true,
        new_token: Some(new_token()),
        tokens: tokens(),
        form: token_form(),
    }
}

fn account() -> AccountPage {
    AccountPage {
        layout: layout("/account", customer()),
        name: "ada".to_owned(),
        email: "ada@example.org".to_owned(),
        registry: "market.example".to_owned(),
        new_token: Some(new_token()),
        tokens: tokens(),
        form: token_form(),
        previews: vec![PreviewLink {
            product: "harbour/pilot".to_owned(),
            url: "/preview/harbour/pilot".to_owned(),
            publisher: "Harbour Systems Ltd".to_owned(),
            since: ago(30),
        }],
        logins: vec![LoginRow {
            id: "tok_3".to_owned(),
            client: "docker".to_owned(),
            since: ago(24 * 12),
            last_used_at: Some(ago(1)),
            ends: Some(ago(-24 * 78)),
        }],
        robots: vec![robot("ada~cluster")],
        subscriptions_onward: Onward {
            first_url: None,
            next_url: Some("/account?subscriptions=sbs_1#subscriptions".to_owned()),
        },
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
