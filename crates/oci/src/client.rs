//! A small registry client (distribution-spec), one call after the other.
//!
//! `transport` sends requests and follows redirects, `auth` answers challenges, `content`
//! holds the calls for manifests, blobs and lists, `transfer` moves whole images.

mod auth;
mod content;
mod credentials;
mod error;
mod network;
#[cfg(test)]
mod tests;
mod transfer;
mod transport;
mod upload;
mod url;

use std::{fmt, path::PathBuf, time::Duration};

use ipnet::IpNet;
use ureq::Agent;

pub use credentials::{Credentials, CredentialsError};
pub use error::{ApiError, ClientError};
pub use network::{AddressGuard, agent, is_allowed, is_public};
pub use transfer::Progress;

use crate::{Digest, RepoName};

/// How a client talks to its registry.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Whether to use http without TLS; by default only for loopback hosts.
    pub plain_http: Option<bool>,
    /// How long a connection may take to stand.
    pub connect_timeout: Duration,
    /// How long the registry may be silent while an answer is read or content sent.
    pub read_timeout: Duration,
    /// Certificates (PEM) to trust instead of the public ones, for registries of one's own.
    pub ca_file: Option<PathBuf>,
    /// Whether only public addresses may be connected to, at whatever name, redirect or
    /// token service they are found. For servers that fetch what users name.
    pub public_only: bool,
    /// Networks that may be reached then although they are not public.
    pub allow_networks: Vec<IpNet>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            plain_http: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            ca_file: None,
            public_only: false,
            allow_networks: Vec::new(),
        }
    }
}

/// A client of one registry.
pub struct Client {
    host: String,
    /// `http://host:port` or `https://host:port`.
    base: String,
    agent: Agent,
    auth: auth::Auth,
}

impl fmt::Debug for Client {
    /// Leaves the agent out, whose proxy may have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({}, {:?})", self.base, self.auth)
    }
}

impl Client {
    /// Returns a client of the registry at `host` (`name`, `name:port`); nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError`] where `host` is no host or the file of certificates cannot be read.
    pub fn new(
        host: &str,
        credentials: Credentials,
        options: &ClientOptions,
    ) -> Result<Self, ClientError> {
        let at = if host == "docker.io" || host == "index.docker.io" {
            "registry-1.docker.io"
        } else {
            host
        };
        let plain = options.plain_http.unwrap_or_else(|| url::is_loopback(at));
        let base = format!("{}://{at}", if plain { "http" } else { "https" });
        if url::authority(&base).as_deref() != Some(at.to_ascii_lowercase().as_str()) {
            return Err(ClientError::Host(host.chars().take(300).collect()));
        }
        Ok(Self {
            host: host.to_owned(),
            agent: agent(&base, options)?,
            auth: auth::Auth::new(credentials),
            base,
        })
    }

    /// Returns the registry's host, as it was named.
    pub fn host(&self) -> &str {
        &self.host
    }

    fn place(&self, repo: &RepoName) -> String {
        format!("{}/{repo}", self.host)
    }

    /// Docker Hub keeps names of one part under `library/`.
    fn repo_path(&self, repo: &RepoName) -> String {
        if self.base == "https://registry-1.docker.io" && repo.parts().count() == 1 {
            format!("library/{repo}")
        } else {
            repo.to_string()
        }
    }

    fn url(&self, repo: &RepoName, rest: &str) -> String {
        format!("{}/v2/{}/{rest}", self.base, self.repo_path(repo))
    }

    fn blob_url(&self, repo: &RepoName, digest: &Digest) -> String {
        self.url(repo, &format!("blobs/{digest}"))
    }

    fn pull_scope(&self, repo: &RepoName) -> String {
        format!("repository:{}:pull", self.repo_path(repo))
    }

    fn push_scope(&self, repo: &RepoName) -> String {
        format!("repository:{}:pull,push", self.repo_path(repo))
    }
}
