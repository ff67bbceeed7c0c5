//! The document: the handlers' annotations, and what every operation of a shape has in
//! common, so that no handler repeats it and none forgets it.

use std::collections::BTreeSet;

use utoipa::{
    OpenApi,
    openapi::{
        Content, Header, HeaderBuilder, HttpMethod, ObjectBuilder, Ref, RefOr, Response,
        ResponseBuilder,
        path::{Operation, ParameterBuilder, ParameterIn, PathItem},
        schema::Type,
        security::{
            ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
        },
    },
};

use super::{
    error::{ErrorJson, MEDIA_TYPE},
    once,
};

/// The beginning of the document; the operations come from the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Plimsoll",
        description = "The marketplace for container images: search and subscribe, publish and review, operate. \
                       Every refusal has the same body; see `Error`. No text may hold the character U+0000.",
    ),
    servers((url = "/api/v1")),
    components(schemas(ErrorJson)),
    tags(
        (name = "products", description = "What is on the market."),
        (name = "subscriptions", description = "What entitles to pull."),
        (name = "publishers", description = "Organisations, their keys, pictures and members."),
        (name = "drafts", description = "A publisher's products before and beside their listings."),
        (name = "imports", description = "Images that are brought from other registries."),
        (name = "previews", description = "Products before their first release, for accounts that are named."),
        (name = "submissions", description = "Snapshots under review."),
        (name = "classifications", description = "Classes that the certification team gives vulnerabilities by hand, and what waits for one."),
        (name = "own advisories", description = "Vulnerabilities that the certification team adds by hand."),
        (name = "waivers", description = "Certification checks that products need not pass for a time."),
        (name = "vex", description = "What publishers state about vulnerabilities in their products, and what counts of it."),
        (name = "listings", description = "The operator's hand on the market."),
        (name = "accounts", description = "People, machines and their access tokens."),
        (name = "notices", description = "What people are told, and what of it by mail."),
        (name = "webhooks", description = "Programs that are told what happens, and what was sent to them."),
        (name = "operation", description = "Advisories, audit log, jobs."),
    ),
)]
pub(super) struct ApiDocument;

/// Adds what every operation of a shape has in common: how to sign in, and what is refused.
pub(super) fn finish(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for item in document.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            if method == HttpMethod::Post {
                done_once(operation);
            }
            for status in refusals(&method, operation) {
                operation
                    .responses
                    .responses
                    .entry(status.to_string())
                    .or_insert_with(|| refusal(status).into());
            }
            if method == HttpMethod::Get {
                tag(operation);
            }
            operation.security = Some(security(&method, operation.security.is_some()));
        }
    }
    let components = document.components.get_or_insert_default();
    let basic = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("Account name with password or access token."));
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An access token, `plm_…`."));
    let session = ApiKey::Cookie(ApiKeyValue::with_description(
        "plimsoll_session",
        "A browser's session; for reading only.",
    ));
    components.add_security_scheme("basic", SecurityScheme::Http(basic.build()));
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    components.add_security_scheme("session", SecurityScheme::ApiKey(session));
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, item.get.as_mut()),
        (HttpMethod::Put, item.put.as_mut()),
        (HttpMethod::Post, item.post.as_mut()),
        (HttpMethod::Delete, item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

/// What is read is tagged, and not sent again to whoever has it.
fn tag(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    if let Some(RefOr::T(found)) = responses.get_mut("200") {
        let tag = header("Names this answer; send it as `If-None-Match` when asking again.");
        found.headers.insert("ETag".to_owned(), tag.into());
    }
    let unchanged = Response::new("What `If-None-Match` names is what would be sent.");
    responses.insert("304".to_owned(), unchanged.into());
}

/// What is done is done once for a key.
fn done_once(operation: &mut Operation) {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(once::PATTERN));
    let key = ParameterBuilder::new()
        .name(once::KEY)
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "A text that is new for each request, such as a UUID: 1 to 128 characters of printable ASCII, plain or in double quotes. Sent again with the same within a day, the request is not done again and has the same answer; with the key of another request it is refused (422), and while that one is under way (409).",
        ))
        .schema(Some(schema));
    operation
        .parameters
        .get_or_insert_default()
        .push(RefOr::T(key.build()));
    let done = operation.responses.responses.iter_mut();
    for (_, response) in done.filter(|(status, _)| status.starts_with('2')) {
        if let RefOr::T(response) = response {
            let replayed = header("`true` where the answer was given before.");
            response
                .headers
                .insert(once::REPLAYED.to_owned(), replayed.into());
        }
    }
}

/// An operation whose annotation says `security(())` is open to everybody.
fn security(method: &HttpMethod, open: bool) -> Vec<SecurityRequirement> {
    let scheme = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    let mut ways = vec![scheme("bearer"), scheme("basic")];
    if *method == HttpMethod::Get {
        ways.push(scheme("session"));
    }
    if open {
        ways.push(SecurityRequirement::default());
    }
    ways
}

/// Returns the statuses that follow from an operation's shape.
fn refusals(method: &HttpMethod, operation: &Operation) -> BTreeSet<u16> {
    // Credentials are looked at wherever they are sent; a full disk and a failure can meet anybody.
    let mut statuses = BTreeSet::from([401, 429, 500, 507]);
    if operation.security.is_none() || *method != HttpMethod::Get {
        statuses.insert(403);
    }
    for parameter in operation.parameters.iter().flatten() {
        statuses.insert(400);
        let RefOr::T(parameter) = parameter else {
            continue;
        };
        if parameter.parameter_in == ParameterIn::Path {
            statuses.insert(404);
        }
        if parameter.name == "If-Match" {
            statuses.insert(412);
        }
    }
    if operation.request_body.is_some() {
        statuses.extend([400, 413, 415, 422]);
    }
    if *method != HttpMethod::Get {
        statuses.insert(409);
    }
    if *method == HttpMethod::Post {
        statuses.insert(422);
    }
    statuses
}

fn refusal(status: u16) -> Response {
    let content = Content::new(Some(Ref::from_schema_name("ErrorJson")));
    let response = ResponseBuilder::new()
        .description(meaning(status))
        .content(MEDIA_TYPE, content);
    match status {
        401 => response.header("WWW-Authenticate", header("How to sign in.")),
        429 => response.header("Retry-After", header("Seconds to wait.")),
        _ => response,
    }
    .build()
}

fn header(meaning: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(meaning))
        .build()
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be understood.",
        401 => "Nobody is signed in, or the credentials are wrong.",
        403 => "The account may not do this.",
        404 => "There is none that the asker can see.",
        409 => "The present state does not allow it.",
        412 => "It was changed since it was read.",
        413 => "The body is too large.",
        415 => "The body is of another type.",
        422 => "Fields are wrong; every problem at once.",
        429 => "Too many attempts to sign in.",
        507 => "The storage is full; nothing was changed.",
        _ => "The server failed.",
    }
}
