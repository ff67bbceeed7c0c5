//! `/account`: tokens and subscriptions of whoever is signed in.

use std::sync::Arc;

use app::{App, AppError, Subscription, Token};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use market::{Money, SubscriptionState};

use crate::{
    answer::{Answer, Refusal, page_with},
    cache::Cache,
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::account::{AccountPage, NewToken, SubscriptionRow, TokenRow},
    view::{FieldErrors, price, subscription_pill},
    viewer::Viewer,
};

/// `GET /account`
pub(crate) async fn show(State(app): State<Arc<App>>, viewer: Viewer) -> Answer {
    page_with(StatusCode::OK, &view(&app, viewer).await?)
}

/// `POST /account/tokens`: the answer shows the secret, once, and nobody may keep it.
pub(crate) async fn create_token(State(app): State<Arc<App>>, form: Form) -> Answer {
    let may_push = form.text("access") == "read-write";
    let made = app
        .create_token(&form.viewer.actor, form.text("label"), may_push, None)
        .await;
    let mut page = view(&app, form.viewer.clone()).await?;
    match made {
        Ok((token, secret)) => {
            page.new_token = Some(NewToken {
                label: token.name,
                secret,
            });
            let mut response = page_with(StatusCode::OK, &page)?;
            let (name, policy) = Cache::Never.header();
            response.headers_mut().insert(name, policy);
            Ok(response)
        }
        Err(error) => {
            let refusal = Refusal::of(error)?.renamed(&[("name", "label")]);
            page.errors = refusal.errors;
            page_with(refusal.status, &page)
        }
    }
}

/// `POST /account/tokens/{id}/revoke`
pub(crate) async fn revoke_token(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    app.revoke_token(&form.viewer.actor, &id).await?;
    form.viewer.done("/account#tokens", Notice::TokenRevoked)
}

/// `POST /account/subscriptions/{id}/cancel`
pub(crate) async fn cancel_subscription(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    app.unsubscribe(&form.viewer.actor, &id).await?;
    form.viewer
        .done("/account#subscriptions", Notice::SubscriptionEnded)
}

async fn view(app: &App, viewer: Viewer) -> Result<AccountPage, Failure> {
    let tokens = app.list_tokens(&viewer.actor).await?;
    let subscriptions = app.my_subscriptions(&viewer.actor).await?;
    let account = viewer.actor.signed_in();
    let account =
        account.ok_or_else(|| AppError::Unauthenticated("to see your account".to_owned()))?;
    let in_force = tokens
        .into_iter()
        .filter(|token| token.revoked_at.is_none());
    Ok(AccountPage {
        name: account.name.clone(),
        email: account.email.clone(),
        registry: app.config().host().to_owned(),
        new_token: None,
        tokens: in_force.map(|token| token_row(token, &viewer)).collect(),
        errors: FieldErrors::default(),
        subscriptions: subscriptions
            .into_iter()
            .map(|row| subscription_row(row, &viewer))
            .collect(),
        layout: viewer.layout,
    })
}

fn token_row(token: Token, viewer: &Viewer) -> TokenRow {
    TokenRow {
        id: token.id.to_string(),
        label: token.name,
        may_write: token.may_push,
        created_at: viewer.when(token.created_at),
        last_used_at: token.last_used_at.map(|at| viewer.when(at)),
    }
}

fn subscription_row((product, mine): (String, Subscription), viewer: &Viewer) -> SubscriptionRow {
    let is_active = mine.state == SubscriptionState::Active;
    SubscriptionRow {
        url: format!("/p/{product}"),
        product,
        plan: mine.plan,
        price: price(&Money {
            amount_minor: mine.amount_minor,
            currency: mine.currency,
        }),
        state: subscription_pill(mine.state),
        since: viewer.when(mine.started_at),
        cancel_url: is_active.then(|| format!("/account/subscriptions/{}/cancel", mine.id)),
    }
}
