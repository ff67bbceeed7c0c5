//! `/feed.atom` and its like: the newest of the log, for feed readers.

use std::sync::Arc;

use app::{App, AppError, Feed, FeedOf, LogEntry, LogEvent};
use askama::Template as _;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};

use super::files::{broken, file};
use crate::{
    cache::Cache,
    etag::{is_known, tag_of},
    pages::feed::{FeedEntry, FeedPage},
    viewer::MARKET_NAME,
};

const ATOM: &str = "application/atom+xml; charset=utf-8";
/// How dates are written in HTTP (RFC 9110, section 5.6.7).
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// `GET /feed.atom`
pub(crate) async fn market(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    answer(&app, &headers, FeedOf::Market).await
}

/// `GET /p/{publisher}/feed.atom`
pub(crate) async fn publisher(
    State(app): State<Arc<App>>,
    Path(publisher): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(&app, &headers, FeedOf::Publisher(publisher)).await
}

/// `GET /p/{publisher}/{product}/feed.atom`
pub(crate) async fn product(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    answer(&app, &headers, FeedOf::Product(publisher, product)).await
}

async fn answer(app: &App, headers: &HeaderMap, of: FeedOf) -> Response {
    let feed = match app.feed(&of).await {
        Ok(feed) => feed,
        Err(AppError::NotFound { .. }) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => return broken(&error),
    };
    let changed = feed
        .first()
        .map_or(DateTime::UNIX_EPOCH, |(_, entry)| entry.at);
    let text = match written(app, &of, &feed, changed).render() {
        Ok(text) => text,
        Err(error) => return broken(&AppError::internal(error)),
    };
    let tag = tag_of(text.as_bytes());
    let modified = changed.format(HTTP_DATE).to_string();
    let known = is_known(headers, &tag).unwrap_or_else(|| has_since(headers, changed));
    let mut response = match known {
        true => (StatusCode::NOT_MODIFIED, [Cache::Head.header()]).into_response(),
        false => file(Cache::Head, ATOM, text),
    };
    for (name, value) in [(header::ETAG, tag), (header::LAST_MODIFIED, modified)] {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Returns whether the reader has this by its date, which counts where no tag is given (RFC 9110,
/// section 13.2.2).
fn has_since(headers: &HeaderMap, changed: DateTime<Utc>) -> bool {
    let since = headers.get(header::IF_MODIFIED_SINCE);
    let since = since.and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
    since.is_some_and(|since| changed.timestamp() <= since.timestamp())
}

fn written(app: &App, of: &FeedOf, feed: &Feed, changed: DateTime<Utc>) -> FeedPage {
    let base = &app.config().public_url;
    let (title, path, page) = match of {
        FeedOf::Market => (MARKET_NAME.to_owned(), String::new(), "/".to_owned()),
        FeedOf::Publisher(publisher) => {
            let page = format!("/search?q={publisher}");
            (publisher.clone(), format!("/p/{publisher}"), page)
        }
        FeedOf::Product(publisher, product) => {
            let path = format!("/p/{publisher}/{product}");
            (format!("{publisher}/{product}"), path.clone(), path)
        }
    };
    FeedPage {
        id: format!("tag:{},2026:{path}/feed", authority(app)),
        title: format!("{title}: releases and status"),
        updated: time(changed),
        author: MARKET_NAME.to_owned(),
        url: format!("{base}{path}/feed.atom"),
        page: format!("{base}{page}"),
        entries: feed.iter().map(|entry| line(app, entry)).collect(),
    }
}

fn line(app: &App, (number, entry): &(i64, LogEntry)) -> FeedEntry {
    let name = entry.name.split_once('/').map_or("", |(_, name)| name);
    let (kind, title, summary) = match &entry.event {
        LogEvent::Released {
            tag,
            digest,
            certified,
            ..
        } => (
            "released",
            format!("{name}: {tag} was released"),
            format!(
                "{}{name}:{tag} is signed and on the market, as {digest}.",
                if *certified { "Certified: " } else { "" }
            ),
        ),
        LogEvent::Held => (
            "on-hold",
            format!("{name} is on hold"),
            "Its publisher has not kept what the programme asks for. It takes no new subscriptions, and pulls bear a warning.".to_owned(),
        ),
        LogEvent::Reinstated => (
            "reinstated",
            format!("{name} is no longer on hold"),
            "The hold was lifted. Pull its newest release.".to_owned(),
        ),
        LogEvent::Revoked => (
            "revoked",
            format!("{name} was revoked"),
            "It can no longer be pulled, and nobody vouches for what you have of it. Replace it.".to_owned(),
        ),
        LogEvent::Withdrawn => (
            "withdrawn",
            format!("{name} was withdrawn"),
            "Its publisher took it off the market.".to_owned(),
        ),
        LogEvent::TagWithdrawn { tag } => (
            "withdrawn",
            format!("{name}: {tag} was withdrawn"),
            format!("Its publisher no longer offers {name}:{tag}. Pull another release."),
        ),
    };
    FeedEntry {
        id: format!("tag:{},2026:/log/{number}", authority(app)),
        title,
        at: time(entry.at),
        kind,
        url: format!("{}/p/{name}", app.config().public_url),
        summary,
    }
}

/// Who makes the names: the host, without its port.
fn authority(app: &App) -> &str {
    let host = app.config().host();
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
