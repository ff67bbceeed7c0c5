//! The API of a marketplace, for commands that ask one over the network.

use clap::Args;
use oci::Credentials;
use serde::Deserialize;
use serde_json::Value;
use ureq::{
    Agent,
    http::{Method, Request, StatusCode},
};

use crate::{
    config::environment::Environment,
    exit::Exit,
    failure::{Failure, OrFail},
    image::RegistryArgs,
    printer::plain,
};

/// No answer is read further, in bytes.
const MAX_ANSWER_BYTES: u64 = 16 << 20;

/// Which marketplace is asked, and how.
#[derive(Debug, Args)]
pub(crate) struct MarketArgs {
    /// The marketplace's host, such as `market.example`
    #[arg(
        long,
        value_name = "HOST",
        env = "PLIMSOLL_MARKET",
        hide_env_values = true
    )]
    market: String,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// A marketplace that answers.
pub(crate) struct MarketApi {
    agent: Agent,
    base: String,
    authorization: String,
}

/// How every refusal is sent.
#[derive(Deserialize)]
struct Refusal {
    error: Refused,
}

#[derive(Deserialize)]
struct Refused {
    message: String,
    #[serde(default)]
    problems: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    field: String,
    message: String,
}

impl MarketArgs {
    /// Returns the host.
    pub(crate) fn host(&self) -> &str {
        &self.market
    }

    /// Prepares to ask it, with an access token; nothing is sent yet.
    ///
    /// # Errors
    /// The host is none, or there is no access token for it.
    pub(crate) fn open(&self, environment: &Environment) -> Result<MarketApi, Failure> {
        let host = self.market.as_str();
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_host) {
            return Err(Failure::usage(format!("`{}` is no host", plain(host)))
                .hint("give the name alone, such as market.example or localhost:8080"));
        }
        let token = match self.registry.credentials(host, environment)? {
            Credentials::Basic { password, .. } => password,
            Credentials::Token(token) => token,
            Credentials::Anonymous | Credentials::Identity(_) => {
                return Err(Failure::usage(format!("there is no access token for {host}")).hint(
                    "make one on your account's page, then `docker login` with it, or give it as the password of --user",
                ));
            }
        };
        let base = format!("{}://{host}", self.registry.scheme(host));
        Ok(MarketApi {
            agent: oci::agent(&base, &self.registry.options())?,
            base: format!("{base}/api/v1"),
            authorization: format!("Bearer {token}"),
        })
    }
}

impl MarketApi {
    /// Reads.
    ///
    /// # Errors
    /// It refuses, with its own words, or does not answer.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        self.ask(&Method::GET, path, None)
    }

    /// Adds or does.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) fn post(&self, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        self.ask(&Method::POST, path, body)
    }

    /// Takes away.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) fn delete(&self, path: &str) -> Result<(), Failure> {
        self.ask(&Method::DELETE, path, None).map(|_nothing| ())
    }

    fn ask(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let what = format!("cannot ask {}{path}", self.base);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("authorization", &self.authorization);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let bytes = body.map(|body| body.to_string().into_bytes());
        let request = request.body(bytes.unwrap_or_default()).or_fail(&what)?;
        let mut answer = self.agent.run(request).or_fail(&what)?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES);
        let bytes = body.read_to_vec().or_fail(&what)?;
        match (status.is_success(), bytes.is_empty()) {
            (true, true) => Ok(Value::Null),
            (true, false) => serde_json::from_slice(&bytes).or_fail(&what),
            (false, _) => Err(refused(status, &bytes, &what)),
        }
    }
}

/// Says why a marketplace refused, in its own words where it gave any.
fn refused(status: StatusCode, body: &[u8], what: &str) -> Failure {
    let Ok(Refusal { error }) = serde_json::from_slice(body) else {
        return Failure::failed(format!("{what}: it answered {status}"))
            .hint("is this a marketplace, and the name right?");
    };
    let problems = error.problems.iter();
    let problems = problems.map(|it| format!("{}: {}", it.field, it.message));
    let problems = problems.collect::<Vec<_>>().join("; ");
    let said = match problems.is_empty() {
        true => plain(&error.message),
        false => plain(&problems),
    };
    let exit = match status.is_client_error() {
        true => Exit::Usage,
        false => Exit::Failed,
    };
    match status.as_u16() {
        401 | 403 => Failure::new(exit, said)
            .hint("keys are their owners' to manage, with an access token that may write"),
        _ => Failure::new(exit, said),
    }
}
