//! A person with the JSON API.

use std::time::Duration;

use anyhow::{Context, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use ureq::{Agent, http::Method};

/// Somebody who talks to the marketplace.
#[derive(Debug, Clone)]
pub struct User {
    agent: Agent,
    base: String,
    authorization: Option<String>,
    /// The account's name; empty for nobody in particular.
    pub name: String,
}

/// The marketplace said no.
#[derive(Debug, thiserror::Error)]
#[error("{method} {path}: {status} {code}: {message}")]
pub struct ApiError {
    /// What was asked.
    pub method: String,
    /// For what.
    pub path: String,
    /// HTTP status.
    pub status: u16,
    /// The kind of error.
    pub code: String,
    /// What is wrong.
    pub message: String,
}

impl User {
    /// Somebody who is not signed in.
    pub fn nobody(base: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self {
            agent: config.into(),
            base: base.to_owned(),
            authorization: None,
            name: String::new(),
        }
    }

    /// Somebody with a name and a password or access token.
    pub fn with_password(base: &str, name: &str, password: &str) -> Self {
        let authorization = Some(format!(
            "Basic {}",
            STANDARD.encode(format!("{name}:{password}"))
        ));
        Self {
            authorization,
            name: name.to_owned(),
            ..Self::nobody(base)
        }
    }

    /// Somebody with an access token.
    pub fn with_token(base: &str, name: &str, token: &str) -> Self {
        Self {
            authorization: Some(format!("Bearer {token}")),
            name: name.to_owned(),
            ..Self::nobody(base)
        }
    }

    /// Reads.
    ///
    /// # Errors
    /// The answer is an error ([`ApiError`]) or there is none.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.send(&Method::GET, path, None)
    }

    /// Adds or does.
    ///
    /// # Errors
    /// As [`User::get`].
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(
            &Method::POST,
            path,
            Some(("application/json", body.to_string().into_bytes())),
        )
    }

    /// Replaces.
    ///
    /// # Errors
    /// As [`User::get`].
    pub fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(
            &Method::PUT,
            path,
            Some(("application/json", body.to_string().into_bytes())),
        )
    }

    /// Takes away.
    ///
    /// # Errors
    /// As [`User::get`].
    pub fn delete(&self, path: &str) -> Result<Value> {
        self.send(&Method::DELETE, path, None)
    }

    /// Sends a picture.
    ///
    /// # Errors
    /// As [`User::get`].
    pub fn post_png(&self, path: &str, png: Vec<u8>) -> Result<Value> {
        self.send(&Method::POST, path, Some(("image/png", png)))
    }

    fn send(&self, method: &Method, path: &str, body: Option<(&str, Vec<u8>)>) -> Result<Value> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let (kind, bytes) = body.unwrap_or(("application/json", Vec::new()));
        if !bytes.is_empty() {
            request = request.header("content-type", kind);
        }
        let mut answer = self
            .agent
            .run(request.body(bytes)?)
            .with_context(|| format!("{method} {path}"))?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string()?;
        let value: Value = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        if status < 400 {
            return Ok(value);
        }
        Err(ApiError {
            method: method.to_string(),
            path: path.to_owned(),
            status,
            code: value["error"]["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            message: value["error"]["message"]
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned),
        }
        .into())
    }
}
