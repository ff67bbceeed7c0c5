//! Accounts: making one, and who one is.

use std::sync::Arc;

use app::{Account, App, AppError, NewAccount};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asker, Body, SignedIn},
    words,
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create_account))
        .routes(routes!(get_account))
}

/// An account to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAccountJson {
    /// The name it signs in with.
    #[schema(pattern = "^[a-z0-9._-]{2,40}$", min_length = 2, max_length = 40)]
    name: String,
    /// E-mail address of whoever is behind it.
    #[schema(schema_with = words::email)]
    email: String,
    /// At least 12 characters.
    #[schema(min_length = 12, max_length = 1_000)]
    password: String,
    /// What it is on the operator's staff; only the operator makes staff.
    staff_role: Option<StaffRoleJson>,
}

/// A role on the operator's staff.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum StaffRoleJson {
    /// Of the certification team.
    Reviewer,
    /// Keeps the marketplace.
    Operator,
}

/// An account as its owner sees it.
#[derive(Serialize, ToSchema)]
struct AccountJson {
    /// Its identifier.
    id: String,
    /// The name it signs in with.
    name: String,
    /// E-mail address of whoever is behind it.
    email: String,
    /// `reviewer`, `operator` or nothing.
    staff_role: Option<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
}

/// Makes an account; where registration is closed, and for staff, only the operator may.
#[utoipa::path(post, path = "/accounts", tag = "accounts", security(()), request_body = NewAccountJson,
    responses((status = 201, description = "The account.", body = AccountJson)))]
async fn create_account(
    State(app): State<Arc<App>>,
    Asker(actor): Asker,
    Body(json): Body<NewAccountJson>,
) -> Answer<(StatusCode, Json<AccountJson>)> {
    let role = json.staff_role.map(|role| match role {
        StaffRoleJson::Reviewer => "reviewer".to_owned(),
        StaffRoleJson::Operator => "operator".to_owned(),
    });
    let new = NewAccount {
        name: json.name,
        email: json.email,
        password: json.password,
        staff_role: role,
    };
    let made = app.create_account(&actor, &new).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Returns the asker's own account.
#[utoipa::path(get, path = "/account", tag = "accounts",
    responses((status = 200, description = "The account.", body = AccountJson)))]
async fn get_account(SignedIn(actor): SignedIn) -> Answer<Json<AccountJson>> {
    let account = actor.signed_in().cloned();
    let account = account.ok_or_else(|| AppError::Unauthenticated("to see it".to_owned()))?;
    Ok(Json(account.into()))
}

impl From<Account> for AccountJson {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.to_string(),
            name: account.name,
            email: account.email,
            staff_role: account.staff_role,
            created_at: account.created_at,
        }
    }
}
