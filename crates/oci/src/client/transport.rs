//! One request: credentials, redirects, and answers with errors.

use std::io::{Cursor, Read};

use ureq::{
    Body, SendBody,
    http::{HeaderMap, Method, Request, Response, header},
};

use super::{Client, ClientError, error::ErrorBody, url};
use crate::{MAX_MANIFEST_BYTES, VerifyError};

const MAX_REDIRECTS: usize = 5;

/// What a request carries.
pub(super) enum Payload<'a> {
    None,
    Bytes(&'a [u8]),
    /// A stream of so many bytes; it can be sent once.
    Stream(&'a mut dyn Read, u64),
}

/// A request before credentials.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) url: String,
    /// Host and repository, for messages.
    pub(super) place: &'a str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) payload: Payload<'a>,
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method, url: String, place: &'a str) -> Self {
        Self {
            method,
            url,
            place,
            headers: Vec::new(),
            payload: Payload::None,
        }
    }

    pub(super) fn get(url: String, place: &'a str) -> Self {
        Self::new(Method::GET, url, place)
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn payload(mut self, payload: Payload<'a>) -> Self {
        self.payload = payload;
        self
    }
}

/// An answer and whether it came from the host that was asked.
pub(super) struct Exchange {
    pub(super) response: Response<Body>,
    same_origin: bool,
}

/// Reads of an answer.
pub(super) trait Answer: Sized {
    /// Returns the answer where its status is one of `statuses`, else what the registry said.
    fn expect(self, place: &str, statuses: &[u16]) -> Result<Self, ClientError>;
    /// Returns a header as text.
    fn text(&self, name: &str) -> Option<&str>;
}

impl Answer for Response<Body> {
    fn expect(self, place: &str, statuses: &[u16]) -> Result<Self, ClientError> {
        let status = self.status().as_u16();
        if statuses.contains(&status) {
            return Ok(self);
        }
        let errors = small_body(self, place)
            .ok()
            .and_then(|body| serde_json::from_slice::<ErrorBody>(&body).ok())
            .map(|body| body.errors)
            .unwrap_or_default();
        Err(ClientError::Answer {
            place: place.to_owned(),
            status,
            errors,
        })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }
}

/// Reads a document of at most the size of a manifest.
pub(super) fn small_body(response: Response<Body>, place: &str) -> Result<Vec<u8>, ClientError> {
    let limit = MAX_MANIFEST_BYTES as u64;
    let mut bytes = Vec::new();
    response
        .into_body()
        .into_reader()
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| ClientError::from_read(place, e))?;
    if bytes.len() as u64 > limit {
        return Err(ClientError::protocol(
            place,
            format!("the answer has more than {limit} bytes, which is the limit"),
        ));
    }
    Ok(bytes)
}

impl Client {
    /// Sends `call` with what is known for `scope`; answers one challenge and sends it again,
    /// unless its content can be read only once.
    pub(super) fn send(
        &self,
        mut call: Call<'_>,
        scope: &str,
    ) -> Result<Response<Body>, ClientError> {
        let authorization = self.auth.header(scope);
        let first = self.exchange(&mut call, authorization.as_deref())?;
        let challenged = first.response.status() == 401 && first.same_origin;
        let again = !matches!(call.payload, Payload::Stream(..));
        if challenged && again && self.answer_challenge(first.response.headers(), scope)? {
            let authorization = self.auth.header(scope);
            return Ok(self.exchange(&mut call, authorization.as_deref())?.response);
        }
        Ok(first.response)
    }

    /// Sends `call` and follows redirects of reads. `Authorization` goes to the first host only.
    pub(super) fn exchange(
        &self,
        call: &mut Call<'_>,
        authorization: Option<&str>,
    ) -> Result<Exchange, ClientError> {
        let mut at = call.url.clone();
        let mut same_origin = true;
        for _ in 0..=MAX_REDIRECTS {
            let authorization = authorization.filter(|_| same_origin);
            let response = self.once(call, &at, authorization, same_origin)?;
            let follow = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
                && matches!(call.method, Method::GET | Method::HEAD);
            if !follow {
                return Ok(Exchange {
                    response,
                    same_origin,
                });
            }
            at = redirect(response.headers(), &at)
                .map_err(|why| ClientError::protocol(call.place, why))?;
            same_origin = same_origin && url::same_origin(&call.url, &at);
        }
        Err(ClientError::protocol(
            call.place,
            format!("more than {MAX_REDIRECTS} redirects"),
        ))
    }

    fn once(
        &self,
        call: &mut Call<'_>,
        at: &str,
        authorization: Option<&str>,
        same_origin: bool,
    ) -> Result<Response<Body>, ClientError> {
        let mut request = Request::builder().method(call.method.clone()).uri(at);
        for (name, value) in &call.headers {
            if same_origin || *name != "Authorization" {
                request = request.header(*name, value);
            }
        }
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let size = match &call.payload {
            Payload::None => 0,
            Payload::Bytes(bytes) => bytes.len() as u64,
            Payload::Stream(_, size) => *size,
        };
        if matches!(call.method, Method::POST | Method::PUT) {
            request = request.header(header::CONTENT_LENGTH, size);
        }
        let place = call.place;
        let run = |body: SendBody<'_>| {
            let request = request.body(body).map_err(|e| {
                ClientError::protocol(place, format!("the request cannot be made: {e}"))
            })?;
            self.agent
                .run(request)
                .map_err(|e| connection(e, at, place))
        };
        match &mut call.payload {
            Payload::None => run(SendBody::none()),
            Payload::Bytes(bytes) => run(SendBody::from_reader(&mut Cursor::new(*bytes))),
            Payload::Stream(reader, _) => run(SendBody::from_reader(&mut *reader)),
        }
    }
}

fn connection(error: ureq::Error, at: &str, place: &str) -> ClientError {
    if let ureq::Error::Io(io) = &error
        && VerifyError::in_io(io).is_some()
    {
        return ClientError::from_read(place, error.into_io());
    }
    ClientError::Connection {
        host: url::authority(at).unwrap_or_else(|| place.to_owned()),
        error: Box::new(error),
    }
}

fn redirect(headers: &HeaderMap, from: &str) -> Result<String, String> {
    let location = headers
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .ok_or("a redirect without a `Location`")?;
    let to = url::join(from, location).ok_or("a redirect to what is no http URL")?;
    if from.starts_with("https:") && to.starts_with("http:") {
        return Err("a redirect from https to http, which is refused".to_owned());
    }
    Ok(to)
}
