//! `/robots`: robot accounts and their tokens, of publishers and of people.

use std::sync::Arc;

use app::{App, AppError, NewRobot, NewToken, RobotView, Token};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use chrono::TimeDelta;
use market::{RobotName, RobotOwner, Role, TokenScopes};

use crate::{
    answer::{Answer, Refusal, page_with},
    cache::Cache,
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::robot::{NewToken as Shown, RobotPage, RobotRow, TokenForm, TokenRow},
    view::urlencoded,
    viewer::Viewer,
};

/// `GET /robots/{robot}`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(name): Path<String>,
) -> Answer {
    page_with(StatusCode::OK, &view(&app, viewer, &name).await?)
}

/// `POST /robots`: `owner` is `publisher+` or `account~`, `robot` the rest of the name.
pub(crate) async fn create(State(app): State<Arc<App>>, form: Form) -> Answer {
    let role = match form.given("role") {
        Some(role) => Some(
            role.parse::<Role>()
                .map_err(|error| Failure::from(AppError::invalid("role", error.to_string())))?,
        ),
        None => None,
    };
    let new = NewRobot {
        name: format!("{}{}", form.text("owner"), form.text("robot").trim()),
        role,
        life: None,
    };
    let made = app.create_robot(&form.viewer.actor, &new).await?;
    form.viewer
        .done(&robot_url(&made.account.name), Notice::RobotMade)
}

/// `POST /robots/{robot}/revoke`
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    form: Form,
) -> Answer {
    app.revoke_robot(&form.viewer.actor, &name).await?;
    let (url, _) = owner(&name)?;
    form.viewer
        .done(&format!("{url}#robots"), Notice::RobotRevoked)
}

/// `POST /robots/{robot}/tokens`: the answer shows the secret, once, and nobody may keep it.
pub(crate) async fn create_token(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    form: Form,
) -> Answer {
    let made = match new_token(&form) {
        Ok(new) => {
            app.create_robot_token(&form.viewer.actor, &name, &new)
                .await
        }
        Err(error) => Err(error),
    };
    let mut page = view(&app, form.viewer.clone(), &name).await?;
    match made {
        Ok((token, secret)) => {
            page.new_token = Some(Shown {
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

/// `POST /robots/{robot}/tokens/{id}/revoke`
pub(crate) async fn revoke_token(
    State(app): State<Arc<App>>,
    Path((name, id)): Path<(String, String)>,
    form: Form,
) -> Answer {
    app.revoke_robot_token(&form.viewer.actor, &name, &id)
        .await?;
    form.viewer.done(&robot_url(&name), Notice::TokenRevoked)
}

/// Answers with a page that shows a secret.
pub(super) fn shown_once(page: &impl askama::Template) -> Answer {
    let mut response = page_with(StatusCode::OK, page)?;
    let (name, policy) = Cache::Never.header();
    response.headers_mut().insert(name, policy);
    Ok(response)
}

/// Reads the form for a token.
pub(super) fn new_token(form: &Form) -> Result<NewToken, AppError> {
    let life = match form.given("days") {
        Some(days) => {
            let days = days
                .parse::<i64>()
                .ok()
                .filter(|days| (1..=3_650).contains(days));
            let days = days.ok_or_else(|| AppError::invalid("days", "give 1 to 3650 days"))?;
            Some(TimeDelta::days(days))
        }
        None => None,
    };
    let scopes = TokenScopes::parse([form.text("scopes")])
        .map_err(|error| AppError::invalid("scopes", error.to_string()))?;
    Ok(NewToken {
        name: form.text("label").to_owned(),
        may_push: form.text("access") == "read-write",
        scopes,
        life,
    })
}

/// Shows the form again with what is wrong with it.
pub(super) fn refused(
    shown: &mut TokenForm,
    form: &Form,
    error: AppError,
) -> Result<StatusCode, Failure> {
    let refusal = Refusal::of(error)?.renamed(&[("name", "label")]);
    shown.label = form.text("label").to_owned();
    shown.scopes = form.text("scopes").to_owned();
    shown.errors = refusal.errors;
    Ok(refusal.status)
}

/// Returns a token as a line in a list; `all` holds the one it was made with.
pub(super) fn token_row(token: &Token, all: &[Token], base: &str, viewer: &Viewer) -> TokenRow {
    let parent = token.parent_id.as_deref();
    let parent = parent.and_then(|id| all.iter().find(|token| token.id.as_str() == id));
    TokenRow {
        revoke_url: format!("{base}/tokens/{}/revoke", token.id),
        label: token.name.clone(),
        may_write: token.may_push,
        scopes: token.scopes.texts(),
        parent: parent.map(|parent| parent.name.clone()),
        created_at: viewer.when(token.created_at),
        last_used_at: token.last_used_at.map(|at| viewer.when(at)),
        ends: token.expires_at.map(|at| viewer.when(at)),
    }
}

/// Returns a robot as a line in a list.
pub(super) fn robot_row(robot: &RobotView, viewer: &Viewer) -> RobotRow {
    let may = match robot.role.as_deref() {
        Some("editor") => "push, change and submit for the organisation",
        Some(_) => "look and pull for the organisation",
        None => "pull what its owner is subscribed to",
    };
    let tokens = robot.tokens.iter().filter(|token| !token.is_login());
    let ends = tokens.clone().filter_map(|token| token.expires_at);
    RobotRow {
        url: robot_url(&robot.account.name),
        name: robot.account.name.clone(),
        may: may.to_owned(),
        tokens: tokens.count(),
        last_used_at: robot.last_used_at().map(|at| viewer.when(at)),
        ends: ends
            .chain(robot.account.robot.expires_at)
            .min()
            .map(|at| viewer.when(at)),
    }
}

fn robot_url(name: &str) -> String {
    format!("/robots/{}", urlencoded(name))
}

/// Returns address and name of whose a robot is.
fn owner(name: &str) -> Result<(String, String), AppError> {
    let parsed: RobotName = name
        .parse()
        .map_err(|_malformed| AppError::not_found("robot", name))?;
    Ok(match parsed.owner() {
        RobotOwner::Publisher(slug) => (format!("/publisher/{slug}"), slug.clone()),
        RobotOwner::Account(_) => ("/account".to_owned(), "Your account".to_owned()),
    })
}

async fn view(app: &App, viewer: Viewer, name: &str) -> Result<RobotPage, Failure> {
    let (robot, can_manage) = app.robot_page(&viewer.actor, name).await?;
    let base = robot_url(name);
    let tokens = robot.tokens.iter().filter(|token| !token.is_login());
    Ok(RobotPage {
        registry: app.config().host().to_owned(),
        owner: owner(name)?,
        can_manage,
        new_token: None,
        tokens: tokens
            .map(|token| token_row(token, &robot.tokens, &base, &viewer))
            .collect(),
        form: TokenForm {
            action: format!("{base}/tokens"),
            ..TokenForm::default()
        },
        robot: robot_row(&robot, &viewer),
        layout: viewer.layout,
    })
}
