//! `/account`: tokens, robots and subscriptions of whoever is signed in.

use std::sync::Arc;

use app::{App, AppError, PreviewRow, Subscription, Token};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use market::{Money, SubscriptionState};

use super::{
    Parameters, asked_part, behind, onward,
    robot::{new_token, refused, robot_row, shown_once, token_row},
};
use crate::{
    answer::{Answer, page_with},
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::{
        account::{AccountPage, LoginRow, PreviewLink, SubscriptionRow},
        robot::{NewToken, TokenForm},
    },
    view::{price, subscription_pill},
    viewer::Viewer,
};

/// `GET /account?subscriptions=`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parameters: Parameters,
) -> Answer {
    page_with(StatusCode::OK, &view(&app, viewer, &parameters).await?)
}

/// `POST /account/tokens`: the answer shows the secret, once, and nobody may keep it.
pub(crate) async fn create_token(State(app): State<Arc<App>>, form: Form) -> Answer {
    let made = match new_token(&form) {
        Ok(new) => app.create_token(&form.viewer.actor, &new).await,
        Err(error) => Err(error),
    };
    let mut page = view(&app, form.viewer.clone(), &Parameters::default()).await?;
    match made {
        Ok((token, secret)) => {
            page.new_token = Some(NewToken {
                label: token.name,
                secret,
            });
            shown_once(&page)
        }
        Err(error) => {
            let status = refused(&mut page.form, &form, error)?;
            page_with(status, &page)
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

async fn view(app: &App, viewer: Viewer, parameters: &Parameters) -> Result<AccountPage, Failure> {
    let tokens = app.list_tokens(&viewer.actor).await?;
    let part = asked_part(parameters, "subscriptions");
    let mut subscriptions = app.my_subscriptions(&viewer.actor, part).await?;
    let subscriptions_onward = onward(
        &mut subscriptions,
        part,
        |(_, mine)| mine.id.as_str(),
        |name| behind("/account", "subscriptions", name, "#subscriptions"),
    );
    let previews = app.my_previews(&viewer.actor).await?;
    let account = viewer.actor.signed_in();
    let account =
        account.ok_or_else(|| AppError::Unauthenticated("to see your account".to_owned()))?;
    let robots = app.list_robots(&viewer.actor).await?;
    let own = robots
        .iter()
        .filter(|robot| robot.account.robot_owner().as_ref() == Some(&account.id));
    let (logins, others): (Vec<_>, Vec<_>) = tokens.iter().partition(|token| token.is_login());
    Ok(AccountPage {
        name: account.name.clone(),
        email: account.email.clone(),
        registry: app.config().host().to_owned(),
        new_token: None,
        tokens: others
            .into_iter()
            .map(|token| token_row(token, &tokens, "/account", &viewer))
            .collect(),
        form: TokenForm {
            action: "/account/tokens".to_owned(),
            ..TokenForm::default()
        },
        logins: logins
            .into_iter()
            .map(|login| login_row(login, &viewer))
            .collect(),
        robots: own.map(|robot| robot_row(robot, &viewer)).collect(),
        previews: previews
            .into_iter()
            .map(|row| preview_link(row, &viewer))
            .collect(),
        subscriptions_onward,
        subscriptions: subscriptions
            .into_iter()
            .map(|row| subscription_row(row, &viewer))
            .collect(),
        layout: viewer.layout,
    })
}

fn login_row(login: &Token, viewer: &Viewer) -> LoginRow {
    LoginRow {
        id: login.id.to_string(),
        client: match login.name.as_str() {
            "" => "a client".to_owned(),
            name => name.to_owned(),
        },
        since: viewer.when(login.created_at),
        last_used_at: login.last_used_at.map(|at| viewer.when(at)),
        ends: login.expires_at.map(|at| viewer.when(at)),
    }
}

fn preview_link(row: PreviewRow, viewer: &Viewer) -> PreviewLink {
    let product = format!("{}/{}", row.publisher, row.product);
    PreviewLink {
        url: format!("/preview/{product}"),
        product,
        publisher: row.publisher_name,
        since: viewer.when(row.named_at),
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
