//! The registry's protocol word by word, where a client would hide what happens.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Somebody with a token for some repositories on one server.
pub(crate) struct Registry {
    url: String,
    token: String,
    agent: ureq::Agent,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Returns how many bytes the answer says have been received.
    pub(crate) fn received(&self) -> usize {
        let (_, last) = self.header("range").split_once('-').expect("a range");
        let last: usize = last.parse().expect("a number");
        // None and one are told alike.
        if last == 0 { 0 } else { last + 1 }
    }
}

/// The server does not answer, or not to the end.
#[derive(Debug)]
pub(crate) struct Gone;

impl Registry {
    /// Somebody without a token.
    pub(crate) fn nobody(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(60)));
        Self {
            url: url.to_owned(),
            token: String::new(),
            agent: config.build().into(),
        }
    }

    /// Asks for a token that pulls, pushes and deletes in `repositories`.
    pub(crate) fn sign_in(
        url: &str,
        account: (&str, &str),
        repositories: &[String],
    ) -> Result<Self, Gone> {
        let scopes = repositories
            .iter()
            .map(|name| format!("repository:{name}:pull,push,delete"));
        Self::with_scopes(url, account, scopes)
    }

    /// Asks for a token for `scopes`.
    pub(crate) fn with_scopes(
        url: &str,
        (user, password): (&str, &str),
        scopes: impl IntoIterator<Item = String>,
    ) -> Result<Self, Gone> {
        let mut registry = Self::nobody(url);
        let scopes: Vec<_> = scopes
            .into_iter()
            .map(|scope| format!("scope={scope}"))
            .collect();
        let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let path = format!("/token?{}", scopes.join("&"));
        let answer = registry.send("GET", &path, &[("authorization", &basic)], b"")?;
        let body: serde_json::Value = serde_json::from_slice(&answer.body).map_err(|_| Gone)?;
        registry.token = body["token"].as_str().ok_or(Gone)?.to_owned();
        Ok(registry)
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: &[u8]) -> Result<Answer, Gone> {
        self.ask_with(method, path, &[], body)
    }

    pub(crate) fn ask_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, Gone> {
        let bearer = format!("Bearer {}", self.token);
        let mut all = Vec::from(headers);
        if !self.token.is_empty() {
            all.push(("authorization", &bearer));
        }
        self.send(method, path, &all, body)
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, Gone> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = match (method, body) {
            ("GET" | "HEAD" | "DELETE", []) => self.agent.run(request.body(()).expect("a request")),
            _ => self.agent.run(request.body(body).expect("a request")),
        };
        let mut response = sent.map_err(|_| Gone)?;
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(u64::MAX);
        Ok(Answer {
            status,
            headers,
            body: body.read_to_vec().map_err(|_| Gone)?,
        })
    }
}
