//! Challenges and tokens (distribution, "Token Authentication"; RFC 7235, RFC 6750).
//!
//! ```text
//! WWW-Authenticate := scheme 1*SP param *( "," param )
//! param            := name "=" ( token | quoted-string )
//! ```

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use ureq::http::{HeaderMap, Method, header::WWW_AUTHENTICATE};

use super::{
    Client, ClientError, Credentials,
    transport::{Answer, Call, Payload, small_body},
    url,
};

/// What the client proves itself with, and the tokens it was given.
pub(super) struct Auth {
    credentials: Credentials,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether the registry asked for user and password on every request.
    basic: bool,
    /// By scope.
    tokens: HashMap<String, String>,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Auth({:?})", self.credentials)
    }
}

impl Auth {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            state: Mutex::default(),
        }
    }

    /// Returns what to send in `Authorization` for `scope`, as far as is known.
    pub(super) fn header(&self, scope: &str) -> Option<String> {
        let state = self.state();
        match &self.credentials {
            Credentials::Token(token) => Some(format!("Bearer {token}")),
            Credentials::Basic { .. } if state.basic => self.basic(),
            _ => state
                .tokens
                .get(scope)
                .map(|token| format!("Bearer {token}")),
        }
    }

    fn basic(&self) -> Option<String> {
        match &self.credentials {
            Credentials::Basic { user, password } => Some(format!(
                "Basic {}",
                STANDARD.encode(format!("{user}:{password}"))
            )),
            _ => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A challenge that can be answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer {
        realm: String,
        service: Option<String>,
    },
}

impl Challenge {
    /// Reads the first challenge that can be answered; a token is preferred to a password.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let found: Vec<_> = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .take(8)
            .filter_map(|value| value.to_str().ok())
            .filter_map(Self::parse)
            .collect();
        let bearer = |c: &Self| matches!(c, Self::Bearer { .. });
        let at = found.iter().position(bearer).unwrap_or(0);
        found.into_iter().nth(at)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut params = params(rest);
        Some(Self::Bearer {
            realm: params.remove("realm")?,
            service: params.remove("service"),
        })
    }
}

fn params(text: &str) -> HashMap<String, String> {
    let mut params = HashMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',', '\t']).to_ascii_lowercase();
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = after.find(',').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        params.entry(name).or_insert(value);
        rest = left;
    }
    params
}

/// Reads to the closing quote and returns what follows it.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl Client {
    /// Answers a challenge; false where the same request would only be refused again.
    pub(super) fn answer_challenge(
        &self,
        headers: &HeaderMap,
        scope: &str,
    ) -> Result<bool, ClientError> {
        if matches!(self.auth.credentials, Credentials::Token(_)) {
            return Ok(false);
        }
        match Challenge::read(headers) {
            Some(Challenge::Basic) => {
                let new = !std::mem::replace(&mut self.auth.state().basic, true);
                Ok(new && self.auth.basic().is_some())
            }
            Some(Challenge::Bearer { realm, service }) => {
                let token = self.fetch_token(&realm, service.as_deref(), scope)?;
                self.auth.state().tokens.insert(scope.to_owned(), token);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn fetch_token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: &str,
    ) -> Result<String, ClientError> {
        let wrong = |why: &str| ClientError::protocol(&self.host, why);
        let Some(at) = url::authority(realm) else {
            return Err(wrong("the registry names a token service that is no URL"));
        };
        let credentials = &self.auth.credentials;
        let secret = !matches!(credentials, Credentials::Anonymous);
        if secret && realm.starts_with("http:") && self.base.starts_with("https:") {
            return Err(wrong(&format!(
                "the registry sends the password to `{at}` without TLS; this is refused"
            )));
        }
        // A refresh token goes in a form, all else in the query.
        let mut asked = match credentials {
            Credentials::Identity(_) => String::new(),
            _ => realm.to_owned(),
        };
        if let Some(service) = service {
            asked = url::with_query(&asked, "service", service);
        }
        asked = url::with_query(&asked, "scope", scope);
        let form;
        let mut call = match credentials {
            Credentials::Identity(token) => {
                asked = url::with_query(&asked, "grant_type", "refresh_token");
                asked = url::with_query(&asked, "client_id", "plimsoll");
                form = url::with_query(&asked, "refresh_token", token);
                let kind = "application/x-www-form-urlencoded";
                Call::new(Method::POST, realm.to_owned(), &at)
                    .header("Content-Type", kind)
                    .payload(Payload::Bytes(form.trim_start_matches('?').as_bytes()))
            }
            Credentials::Basic { user, .. } => {
                Call::get(url::with_query(&asked, "account", user), &at)
            }
            _ => Call::get(asked, &at),
        };
        if let Some(basic) = self.auth.basic() {
            call = call.header("Authorization", basic);
        }
        let response = self
            .exchange(&mut call, None)?
            .response
            .expect(&at, &[200])?;
        let body = small_body(response, &at)?;
        // The parser's message could quote the token.
        let answer: TokenAnswer = serde_json::from_slice(&body)
            .map_err(|_| wrong(&format!("the token service `{at}` answers with no token")))?;
        answer
            .token
            .or(answer.access_token)
            .filter(|token| !token.is_empty())
            .ok_or_else(|| wrong(&format!("the token service `{at}` answers with no token")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_challenges() {
        let text = r#"Bearer realm="https://a.example/t?x=1",service="a, \"b\"",scope="repository:a:pull,push""#;
        assert_eq!(
            Challenge::parse(text),
            Some(Challenge::Bearer {
                realm: "https://a.example/t?x=1".to_owned(),
                service: Some(r#"a, "b""#.to_owned()),
            })
        );
        assert_eq!(Challenge::parse("BASIC realm=x"), Some(Challenge::Basic));
        assert_eq!(Challenge::parse("Bearer service=x"), None);
        assert_eq!(Challenge::parse("Negotiate"), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in "(Bearer )?[a-z=\", \\\\é]{0,60}") {
            let _challenge = Challenge::parse(&text);
        }
    }
}
