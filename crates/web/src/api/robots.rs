//! Robot accounts of the asker and of the publishers they belong to, and the robots' tokens.

use std::sync::Arc;

use app::{
    App, NewRobot, RobotView,
    market::{RobotName, RobotNameError, Role},
};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize, de::Error as _};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::{Answer, ErrorJson},
    extract::{At, Body, SignedIn},
    tokens::{CreatedTokenJson, NewTokenJson, TokenJson},
    words::{ListJson, TokenIdJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_robots, create_robot))
        .routes(routes!(revoke_robot))
        .routes(routes!(create_robot_token))
        .routes(routes!(revoke_robot_token))
}

/// The name a robot signs in with.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct RobotNameJson(String);

impl TryFrom<String> for RobotNameJson {
    type Error = RobotNameError;

    fn try_from(text: String) -> Result<Self, RobotNameError> {
        text.parse::<RobotName>()?;
        Ok(Self(text))
    }
}

impl PartialSchema for RobotNameJson {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[a-z0-9._-]{2,40}[+~][a-z0-9][a-z0-9-]{0,19}$"))
            .into()
    }
}

impl ToSchema for RobotNameJson {
    fn name() -> std::borrow::Cow<'static, str> {
        "RobotName".into()
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct RobotPath {
    /// The robot's name.
    #[param(inline)]
    robot: RobotNameJson,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct RobotTokenPath {
    /// The robot's name.
    #[param(inline)]
    robot: RobotNameJson,
    /// The token's identifier.
    #[param(inline)]
    token: TokenIdJson,
}

/// A robot to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRobotJson {
    /// `publisher+name`, or `account~name` for one of the asker's own.
    #[schema(value_type = String, pattern = "^[a-z0-9._-]{2,40}[+~][a-z0-9][a-z0-9-]{0,19}$")]
    name: RobotNameJson,
    /// What it is of the publisher; nothing for one of the asker's own.
    role: Option<RobotRoleJson>,
    /// Days until it ends; 3650 at most. Without it, it ends when it is revoked.
    #[serde(default, deserialize_with = "days")]
    #[schema(minimum = 1, maximum = 3_650)]
    days: Option<i64>,
}

fn days<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let days = Option::<i64>::deserialize(deserializer)?;
    match days {
        Some(days) if !(1..=3_650).contains(&days) => Err(D::Error::custom(format!(
            "{days} is out of range: use 1 to 3650"
        ))),
        days => Ok(days),
    }
}

/// What a robot is of its publisher.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum RobotRoleJson {
    /// May look and pull.
    Viewer,
    /// May also change, push and submit.
    Editor,
}

/// A robot with its tokens.
#[derive(Serialize, ToSchema)]
struct RobotJson {
    /// The name it signs in with.
    name: String,
    /// `viewer` or `editor` of its publisher; nothing where it belongs to a person.
    role: Option<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it ends.
    expires_at: Option<DateTime<Utc>>,
    /// When one of its tokens was last used, to the hour.
    last_used_at: Option<DateTime<Utc>>,
    /// Its tokens that were not revoked.
    tokens: Vec<TokenJson>,
}

/// Returns the asker's own robots and those of the publishers they are a member of.
#[utoipa::path(get, path = "/robots", tag = "accounts",
    responses((status = 200, description = "The robots.", body = ListJson<RobotJson>)))]
async fn list_robots(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<ListJson<RobotJson>>> {
    Ok(ListJson::of(app.list_robots(&actor).await?))
}

/// Makes a robot; asked by its owner with a password, because it outlives any token.
#[utoipa::path(post, path = "/robots", tag = "accounts", request_body = NewRobotJson,
    responses((status = 201, description = "The robot.", body = RobotJson),
        (status = 404, description = "There is no such publisher that the asker can see.",
            body = ErrorJson, content_type = "application/problem+json")))]
async fn create_robot(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(json): Body<NewRobotJson>,
) -> Answer<(StatusCode, Json<RobotJson>)> {
    let new = NewRobot {
        name: json.name.0,
        role: json.role.map(|role| match role {
            RobotRoleJson::Viewer => Role::Viewer,
            RobotRoleJson::Editor => Role::Editor,
        }),
        life: json.days.map(TimeDelta::days),
    };
    let made = app.create_robot(&actor, &new).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Revokes a robot with all its tokens.
#[utoipa::path(delete, path = "/robots/{robot}", tag = "accounts", params(RobotPath),
    responses((status = 204, description = "It is revoked.")))]
async fn revoke_robot(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<RobotPath>,
) -> Answer<StatusCode> {
    app.revoke_robot(&actor, &at.robot.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes an access token for a robot; its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/robots/{robot}/tokens", tag = "accounts", params(RobotPath),
    request_body = NewTokenJson,
    responses((status = 201, description = "The token with its secret.", body = CreatedTokenJson)))]
async fn create_robot_token(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<RobotPath>,
    Body(new): Body<NewTokenJson>,
) -> Answer<(StatusCode, Json<CreatedTokenJson>)> {
    let (token, secret) = app
        .create_robot_token(&actor, &at.robot.0, &new.wanted()?)
        .await?;
    let made = CreatedTokenJson {
        token: token.into(),
        secret,
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Revokes a robot's access token.
#[utoipa::path(delete, path = "/robots/{robot}/tokens/{token}", tag = "accounts", params(RobotTokenPath),
    responses((status = 204, description = "It is revoked.")))]
async fn revoke_robot_token(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<RobotTokenPath>,
) -> Answer<StatusCode> {
    app.revoke_robot_token(&actor, &at.robot.0, at.token.as_str())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<RobotView> for RobotJson {
    fn from(robot: RobotView) -> Self {
        Self {
            last_used_at: robot.last_used_at(),
            name: robot.account.name,
            role: robot.role,
            created_at: robot.account.created_at,
            expires_at: robot.account.robot.expires_at,
            tokens: robot.tokens.into_iter().map(Into::into).collect(),
        }
    }
}
