//! The catch-all below `/v2`: path and method become an action, the token is checked, and
//! the action's handler answers.

use std::sync::Arc;

use app::{Access, App, ClientAddress};
use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use oci::{RepoName, Route};

use crate::{
    API, Held,
    action::Action,
    auth, base, blobs, catalog,
    error::Failure,
    header::{quoted, value},
    manifests, notary,
    outlet::Outlet,
    query::{Query, bad, decode},
    referrers, tags, uploads,
};

/// A request that is allowed, without its body.
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    pub(crate) access: Arc<Access>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    /// Where files can be sent from, if the connection can do that.
    pub(crate) outlet: Option<Outlet>,
}

/// Answers every request below `/v2`; gives what was asked for, too.
pub(crate) async fn serve(app: &Arc<App>, request: Request) -> (&'static str, Response) {
    let (parts, body) = request.into_parts();
    let head = parts.method == Method::HEAD;
    let (name, answered) = match asked(&parts) {
        Ok(action) => {
            let name = action.name();
            (name, answer(app, action, parts, body).await)
        }
        Err(failure) => (API, Err(failure)),
    };
    let response = answered.unwrap_or_else(Failure::into_response);
    if head {
        (name, without_body(response))
    } else {
        (name, response)
    }
}

fn asked(parts: &Parts) -> Result<Action, Failure> {
    let path = decode(parts.uri.path())
        .ok_or_else(|| bad("the path holds a `%` escape that is broken or is not UTF-8"))?;
    let writes = parts.method == Method::PUT;
    let route = Route::parse(&path).map_err(|error| Failure::route(&error, writes))?;
    let trust = matches!(route, Route::Trust(..));
    Action::of(&parts.method, route).map_err(|allowed| match trust {
        true => Failure::no_metadata(),
        false => Failure::method(allowed),
    })
}

async fn answer(
    app: &Arc<App>,
    action: Action,
    parts: Parts,
    body: Body,
) -> Result<Response, Failure> {
    let access = auth::authorise(app, &parts.headers, &action).await?;
    let slot = app.begin_request(holder(&access, &parts))?;
    let call = Call {
        app: Arc::clone(app),
        access,
        query: Query::parse(parts.uri.query().unwrap_or_default())?,
        headers: parts.headers,
        outlet: parts.extensions.get().cloned(),
    };
    let mut response = perform(&call, action, body).await?;
    response.extensions_mut().insert(Held(Arc::new(slot)));
    Ok(response)
}

/// Returns who takes of what there is for all: an account, or an address without one.
fn holder(access: &Access, parts: &Parts) -> String {
    if !access.account.is_empty() {
        return access.account.clone();
    }
    let from = parts.extensions.get::<ClientAddress>();
    from.map(|from| from.0.to_string()).unwrap_or_default()
}

async fn perform(call: &Call, action: Action, body: Body) -> Result<Response, Failure> {
    if let Some(name) = action.pushed_to() {
        return pushed(call, action, &name, body).await;
    }
    dispatch(call, action, body).await
}

/// What was pushed is acknowledged with a warning where the publisher's room is nearly used up.
async fn pushed(
    call: &Call,
    action: Action,
    name: &RepoName,
    body: Body,
) -> Result<Response, Failure> {
    let mut response = dispatch(call, action, body).await?;
    if [StatusCode::OK, StatusCode::CREATED].contains(&response.status())
        && let Some(warning) = call.app.storage_warning(name).await?
    {
        let warning = format!("299 - {}", quoted(&warning));
        response
            .headers_mut()
            .insert(header::WARNING, value(&warning));
    }
    Ok(response)
}

async fn dispatch(call: &Call, action: Action, body: Body) -> Result<Response, Failure> {
    match action {
        Action::Base => Ok(base::answer()),
        Action::Catalog => catalog::list(call).await,
        Action::HeadBlob(name, digest) => blobs::head(call, &name, &digest).await,
        Action::GetBlob(name, digest) => blobs::get(call, &name, &digest).await,
        Action::DeleteBlob(name, digest) => blobs::delete(call, &name, &digest).await,
        Action::HeadManifest(name, target) => manifests::head(call, &name, &target).await,
        Action::GetManifest(name, target) => manifests::get(call, &name, &target).await,
        Action::PutManifest(name, target) => manifests::put(call, &name, &target, body).await,
        Action::DeleteManifest(name, target) => manifests::delete(call, &name, &target).await,
        Action::StartUpload(name) => uploads::start(call, name, body).await,
        Action::UploadStatus(name, id) => uploads::status(call, &name, &id).await,
        Action::AppendUpload(name, id) => uploads::append(call, name, id, body).await,
        Action::FinishUpload(name, id) => uploads::finish(call, name, id, body).await,
        Action::CancelUpload(name, id) => uploads::cancel(call, &name, &id).await,
        Action::ListTags(name) => tags::list(call, &name).await,
        Action::ListReferrers(name, subject) => referrers::list(call, &name, &subject).await,
        Action::GetTrust(gun, role, target) => notary::get(call, &gun, &role, &target).await,
        Action::PublishTrust(gun) => notary::publish(call, &gun, body).await,
        Action::DeleteTrust(gun) => notary::delete(call, &gun).await,
        Action::GetTrustKey(gun, role) => notary::get_key(call, &gun, &role).await,
        Action::RotateTrustKey(gun, role) => notary::rotate_key(call, &gun, &role).await,
        Action::ListTrustChanges(gun) => notary::changes(call, Some(&gun)).await,
        Action::ListAllTrustChanges => notary::changes(call, None).await,
    }
}

/// Keeps the length that the body would have had.
fn without_body(mut response: Response) -> Response {
    // An answer that never has a body must not name a length either (RFC 9110, section 8.6).
    let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&response.status());
    if let Some(length) = response.body().size_hint().exact().filter(|_| !bodiless) {
        response
            .headers_mut()
            .entry(header::CONTENT_LENGTH)
            .or_insert_with(|| length.into());
    }
    *response.body_mut() = Body::empty();
    response
}
