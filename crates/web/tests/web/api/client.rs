//! Asking the API as its users do.

use std::sync::Arc;

use app::App;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// What was answered.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    /// Returns the body, which must be JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Returns the body of an answer that must have this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        if self.bytes.is_empty() {
            return Value::Null;
        }
        self.json()
    }

    /// Returns status and code of a refusal, which must have the one form.
    #[track_caller]
    pub(crate) fn refused(self) -> (u16, String) {
        let json = self.json();
        let error = &json["error"];
        assert_eq!(
            self.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert!(
            error["message"].is_string() && error["problems"].is_array(),
            "{json}"
        );
        let code = error["code"].as_str().expect("a code");
        (self.status.as_u16(), code.to_owned())
    }
}

/// Somebody with an `Authorization` header, or nobody.
#[derive(Clone)]
pub(crate) struct Client {
    router: Router,
    authorization: Option<String>,
}

impl Client {
    /// Asks as nobody in particular.
    pub(crate) fn anonymous(app: &Arc<App>) -> Self {
        Self {
            router: plimsoll_web::api::router(app).with_state(Arc::clone(app)),
            authorization: None,
        }
    }

    /// Asks with an access token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        self.with(&format!("Bearer {token}"))
    }

    /// Asks with this `Authorization` header.
    pub(crate) fn with(&self, authorization: &str) -> Self {
        Self {
            router: self.router.clone(),
            authorization: Some(authorization.to_owned()),
        }
    }

    /// Returns the header that it asks with; empty for nobody.
    pub(crate) fn authorization(&self) -> &str {
        self.authorization.as_deref().unwrap_or_default()
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "", Body::empty()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, "", Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, "application/json", body.to_string().into())
            .await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send("PUT", path, "application/json", body.to_string().into())
            .await
    }

    /// Sends anything; `path` begins after `/api/v1`.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        media_type: &str,
        body: Body,
    ) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"));
        if !media_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, media_type);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.request(request.body(body).expect("a request")).await
    }

    pub(crate) async fn request(&self, request: Request<Body>) -> Reply {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer");
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes().to_vec();
        Reply {
            status: head.status,
            headers: head.headers,
            bytes,
        }
    }
}
