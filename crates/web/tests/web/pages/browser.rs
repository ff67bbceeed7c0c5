//! A browser without JavaScript: it keeps cookies, follows redirects and sends the forms
//! that stand on a page with what stands in them.

use std::collections::BTreeMap;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use scraper::{ElementRef, Html, Selector};
use tower::ServiceExt;

use crate::fixture::{Fixture, PASSWORD};

/// Somebody's browser.
pub(super) struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
}

/// What a browser shows.
pub(super) struct Page {
    /// Where it is.
    pub(super) path: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

/// A file to send with a form.
pub(super) struct File<'a>(pub(super) &'a str, pub(super) &'a [u8]);

impl Browser {
    /// Opens a browser that knows nobody.
    pub(super) fn new(fixture: &Fixture) -> Self {
        Self {
            router: plimsoll_web::router(std::sync::Arc::clone(&fixture.app)),
            cookies: BTreeMap::new(),
        }
    }

    /// Opens a browser and signs in.
    pub(super) async fn of(fixture: &Fixture, name: &str) -> Self {
        let mut browser = Self::new(fixture);
        let page = browser.get("/sign-in").await;
        let fields = [("name", name), ("password", PASSWORD)];
        let page = browser.send(&page, "/sign-in", &fields, &[]).await;
        assert_eq!((page.status, page.path.as_str()), (StatusCode::OK, "/"));
        browser
    }

    /// Returns what a cookie says.
    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Opens an address and follows where it leads.
    pub(super) async fn get(&mut self, path: &str) -> Page {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let page = self.ask(request, path).await;
        self.follow(page).await
    }

    /// Opens an address as a program does that sends headers of its own.
    pub(super) async fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Page {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        self.ask(request, path).await
    }

    /// Opens an address; a redirect stays a redirect.
    pub(super) async fn look(&mut self, path: &str) -> Page {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        self.ask(request, path).await
    }

    /// Sends the page's form with this action, as it stands but for `fields`, and follows where it leads.
    pub(super) async fn send(
        &mut self,
        page: &Page,
        action: &str,
        fields: &[(&str, &str)],
        files: &[File<'_>],
    ) -> Page {
        let answer = self.submit(page, action, fields, files).await;
        self.follow(answer).await
    }

    /// Sends the page's form with this action; a redirect stays a redirect.
    pub(super) async fn submit(
        &mut self,
        page: &Page,
        action: &str,
        fields: &[(&str, &str)],
        files: &[File<'_>],
    ) -> Page {
        let (mut filled, is_multipart) = page.form(action);
        for (name, value) in fields {
            filled.retain(|(field, _)| field != name);
            filled.push(((*name).to_owned(), (*value).to_owned()));
        }
        let (kind, body) = if is_multipart {
            (
                "multipart/form-data; boundary=XX",
                multipart(&filled, files),
            )
        } else {
            (
                "application/x-www-form-urlencoded",
                urlencoded(&filled).into_bytes(),
            )
        };
        self.post(action, kind, body, &[("sec-fetch-site", "same-origin")])
            .await
    }

    /// Sends anything to an address.
    pub(super) async fn post(
        &mut self,
        path: &str,
        kind: &str,
        body: impl Into<Body>,
        headers: &[(&str, &str)],
    ) -> Page {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, kind);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(body.into()).expect("a request"), path)
            .await
    }

    async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..5 {
            if page.status != StatusCode::SEE_OTHER {
                return page;
            }
            let to = page.location().to_owned();
            let path = to.split('#').next().unwrap_or_default();
            page = self.look(path).await;
        }
        panic!("{} leads in a circle", page.path);
    }

    async fn ask(&mut self, mut request: Request<Body>, path: &str) -> Page {
        let is_post = request.method() == Method::POST;
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            let cookies = cookies.join("; ").parse().expect("a header");
            request.headers_mut().insert(header::COOKIE, cookies);
        }
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer");
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            self.remember(cookie.to_str().expect("a cookie"));
        }
        let bytes = body.collect().await.expect("a body").to_bytes();
        let page = Page {
            path: path.to_owned(),
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        };
        assert!(
            !page.status.is_server_error(),
            "{} {}",
            page.path,
            page.status
        );
        if is_post {
            let is_final =
                page.status != StatusCode::FOUND && page.status != StatusCode::TEMPORARY_REDIRECT;
            assert!(is_final, "a form is answered with a page or 303");
        }
        page
    }

    fn remember(&mut self, cookie: &str) {
        assert!(
            cookie.contains("; HttpOnly; SameSite=Lax; Secure"),
            "{cookie}"
        );
        let (pair, rest) = cookie.split_once(';').expect("attributes");
        let (name, value) = pair.split_once('=').expect("a pair");
        if rest.contains("Max-Age=0;") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

impl Page {
    fn html(&self) -> Html {
        Html::parse_document(&self.text)
    }

    /// Returns where a redirect leads.
    pub(super) fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().expect("a location")
    }

    /// Returns the text of every element that `selector` chooses, in one line each.
    pub(super) fn texts(&self, selector: &str) -> Vec<String> {
        let words = |element: ElementRef<'_>| {
            let text: String = element.text().collect();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let selector = Selector::parse(selector).expect("a selector");
        self.html().select(&selector).map(words).collect()
    }

    /// Returns an attribute of the first element that `selector` chooses.
    pub(super) fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let selector = Selector::parse(selector).expect("a selector");
        let html = self.html();
        let element = html.select(&selector).next()?;
        element.attr(name).map(str::to_owned)
    }

    /// Returns what the form with this action would send as it stands, and whether as parts.
    fn form(&self, action: &str) -> (Vec<(String, String)>, bool) {
        let html = self.html();
        let all = Selector::parse("form[method=post]").expect("a selector");
        let buttons = Selector::parse("button[formaction]").expect("a selector");
        // One of its buttons may send it elsewhere, or a script.
        let form = html.select(&all).find(|form| {
            let mut buttons = form.select(&buttons);
            [form.attr("action"), form.attr("data-check")].contains(&Some(action))
                || buttons.any(|button| button.attr("formaction") == Some(action))
        });
        let form = form.unwrap_or_else(|| panic!("{} has no form for {action}", self.path));
        let fields = Selector::parse("input, textarea, select").expect("a selector");
        let filled = form.select(&fields).filter_map(field).collect();
        (filled, form.attr("enctype") == Some("multipart/form-data"))
    }
}

/// Returns what a field sends as it stands.
fn field(element: ElementRef<'_>) -> Option<(String, String)> {
    let name = element.attr("name")?.to_owned();
    let value = |element: &ElementRef<'_>| element.attr("value").unwrap_or_default().to_owned();
    match (element.value().name(), element.attr("type")) {
        (_, Some("file")) => None,
        (_, Some("checkbox" | "radio")) => element.attr("checked").map(|_| (name, value(&element))),
        ("textarea", _) => Some((name, element.text().collect())),
        ("select", _) => {
            let options = Selector::parse("option").expect("a selector");
            let mut options: Vec<_> = element.select(&options).collect();
            options.sort_by_key(|option| option.attr("selected").is_none());
            options.first().map(|option| (name, value(option)))
        }
        _ => Some((name, value(&element))),
    }
}

/// Writes fields as a form sends them.
pub(super) fn urlencoded(fields: &[(String, String)]) -> String {
    let encoded = |text: &str| {
        let bytes = text.bytes().map(|b| match b {
            b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        });
        bytes.collect::<String>()
    };
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn multipart(fields: &[(String, String)], files: &[File<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let value = value.replace('\n', "\r\n");
        body.extend(
            format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .bytes(),
        );
    }
    for File(name, bytes) in files {
        let head = format!(
            "--XX\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n"
        );
        body.extend(head.bytes());
        body.extend_from_slice(bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--XX--\r\n");
    body
}

/// Checks that a page says what was done.
#[track_caller]
pub(super) fn said(page: &Page, words: &str) {
    let notices = page.texts(".notice");
    assert!(
        notices.iter().any(|notice| notice.contains(words)),
        "{}: {notices:?}",
        page.path
    );
}
