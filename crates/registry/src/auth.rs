//! Who may do it: what the access token grants, and nothing else.
//!
//! A refusal is a challenge (401) where asking the token service could help, and a plain no
//! (403) where the account has no such right; both say what to do.

use std::sync::Arc;

use app::{Access, App, market::RepositoryAction};
use axum::http::{HeaderMap, header};
use oci::{ErrorCode, Gun, RepoName};

use crate::{
    action::{Action, Need, asked_scope},
    error::Failure,
    header::quoted,
};

/// Returns what the request's token grants, if that is enough for `action`.
pub(crate) async fn authorise(
    app: &Arc<App>,
    headers: &HeaderMap,
    action: &Action,
) -> Result<Arc<Access>, Failure> {
    let need = action.need();
    if let Need::Trust(gun, permission) = need {
        require_host(app, gun, permission)?;
    }
    let Some(token) = bearer(headers) else {
        let message = ErrorCode::Unauthorized.message();
        return Err(challenge(app, need, message, None));
    };
    let Some(access) = app.verify_registry_token(token).await? else {
        let message = "the access token is not valid here, or no longer: ask for another";
        return Err(challenge(app, need, message, Some("invalid_token")));
    };
    match need {
        Need::Token => Ok(access),
        Need::Catalog if access.grants_catalog() => Ok(access),
        Need::Catalog => {
            let message =
                "the access token is for something else: ask for the scope registry:catalog:*";
            Err(challenge(app, need, message, Some("insufficient_scope")))
        }
        Need::Repository(name, permission) if access.grants(name.as_str(), permission.as_str()) => {
            Ok(access)
        }
        Need::Repository(name, permission) => {
            Err(refuse(app, &access, action, (name, permission)).await)
        }
        Need::Trust(gun, permission) if grants_trust(&access, gun, permission) => Ok(access),
        Need::Trust(gun, permission) => {
            let signed_in = !access.account.is_empty();
            let message = app.denial(gun.repo(), permission.as_str(), signed_in).await;
            Err(challenge(app, need, &message, Some("insufficient_scope")))
        }
    }
}

/// What clients ask for `*` for needs all there is: pushing is not enough, nor is deleting.
fn grants_trust(access: &Access, gun: &Gun, permission: RepositoryAction) -> bool {
    let grants = |action: RepositoryAction| access.grants(gun.as_str(), action.as_str());
    let everything = permission == RepositoryAction::Delete;
    grants(permission) && (!everything || grants(RepositoryAction::Push))
}

/// Trust metadata is kept for what this registry holds, under the name that it has itself.
fn require_host(app: &App, gun: &Gun, permission: RepositoryAction) -> Result<(), Failure> {
    let host = app.config().host();
    match permission {
        _ if gun.host() == host => Ok(()),
        RepositoryAction::Pull => Err(Failure::no_metadata()),
        RepositoryAction::Push | RepositoryAction::Delete => {
            let code = ErrorCode::InvalidGun;
            let detail = format!("names here begin with {host}/");
            Err(Failure::new(code, code.message()).detail(detail.into()))
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// The token is ours but does not grant it.
///
/// The answer to HEAD has no body, so the reason stands in the challenge alone, from where
/// skopeo and podman print it; of a 403 to their look for a blob they show nothing but the
/// number. Elsewhere the body says it, and saying it twice would make them print it twice.
async fn refuse(
    app: &Arc<App>,
    access: &Access,
    action: &Action,
    (name, permission): (&RepoName, RepositoryAction),
) -> Failure {
    let holder = match app.token_holder(access).await {
        Ok(holder) => holder,
        Err(error) => return error.into(),
    };
    let signed_in = holder.signed_in().is_some();
    let could = match app.repository_rights(&holder, name.as_str()).await {
        Ok(rights) => rights.allow(permission),
        Err(error) => return error.into(),
    };
    let need = Need::Repository(name, permission);
    if could {
        let scope = asked_scope(permission);
        let message = format!(
            "the access token is for something else: ask for the scope repository:{name}:{scope}"
        );
        return challenge(app, need, &message, Some("insufficient_scope"));
    }
    let message = app.denial(name, permission.as_str(), signed_in).await;
    match action {
        Action::HeadBlob(..) => challenge(app, need, &message, Some("insufficient_scope")),
        _ if signed_in => Failure::new(ErrorCode::Denied, message),
        Action::HeadManifest(..) => challenge(app, need, &message, Some("insufficient_scope")),
        _ => challenge(app, need, &message, None),
    }
}

/// Says where to get a token, and for what (RFC 6750, section 3).
fn challenge(app: &App, need: Need<'_>, message: &str, error: Option<&str>) -> Failure {
    let config = app.config();
    let mut text = format!(
        "Bearer realm={},service={}",
        quoted(&format!("{}/token", config.public_url)),
        quoted(config.host())
    );
    match need {
        Need::Token => {}
        Need::Catalog => text.push_str(",scope=\"registry:catalog:*\""),
        Need::Repository(name, permission) => {
            let scope = format!("repository:{name}:{}", asked_scope(permission));
            text.push_str(&format!(",scope={}", quoted(&scope)));
        }
        Need::Trust(gun, permission) => {
            let actions = match permission {
                RepositoryAction::Delete => "*",
                other => asked_scope(other),
            };
            let scope = format!("repository:{gun}:{actions}");
            text.push_str(&format!(",scope={}", quoted(&scope)));
        }
    }
    if let Some(error) = error {
        text.push_str(&format!(",error={}", quoted(error)));
        text.push_str(&format!(",error_description={}", quoted(message)));
    }
    Failure::new(ErrorCode::Unauthorized, message).header(header::WWW_AUTHENTICATE, &text)
}
