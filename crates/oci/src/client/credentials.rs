//! Who the client is, and Docker's `config.json` where users keep that.

use std::{
    collections::HashMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// What a client proves itself with. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    Anonymous,
    /// A user and a password or access token.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A bearer token, sent as it is.
    Token(String),
    /// A refresh token (Docker's identity token), for which the token service gives bearer
    /// tokens.
    Identity(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("Anonymous"),
            Self::Basic { user, .. } => write!(f, "Basic({user:?}, …)"),
            Self::Token(_) => f.write_str("Token(…)"),
            Self::Identity(_) => f.write_str("Identity(…)"),
        }
    }
}

/// Why a Docker `config.json` gives no credentials. No variant carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no such configuration.
    #[error("`{}` is no Docker configuration: line {line}, column {column}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where it goes wrong.
        line: usize,
        /// Where it goes wrong.
        column: usize,
    },
    /// The entry cannot be decoded.
    #[error(
        "`{}`: the entry for `{host}` is not base64 of `user:password`; run `docker login {host}` again",
        path.display()
    )]
    Entry {
        /// The file.
        path: PathBuf,
        /// The registry.
        host: String,
    },
    /// The secret is in a credential store.
    #[error(
        "`{}`: the credentials for `{host}` are kept by another program, which is not asked; give user and password",
        path.display()
    )]
    Elsewhere {
        /// The file.
        path: PathBuf,
        /// The registry.
        host: String,
    },
}

#[derive(Deserialize)]
struct DockerConfig {
    #[serde(default)]
    auths: HashMap<String, Entry>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

impl Credentials {
    /// Reads the entry for `host` in the `auths` of a Docker `config.json`; nothing where
    /// there is no such file or entry.
    ///
    /// # Errors
    /// [`CredentialsError`] where the file or the entry cannot be used.
    pub fn from_docker_config(path: &Path, host: &str) -> Result<Option<Self>, CredentialsError> {
        let io = |source| CredentialsError::Io {
            path: path.to_owned(),
            source,
        };
        let bytes = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(error)),
            Ok(meta) if meta.len() > MAX_CONFIG_BYTES => {
                return Err(io(io::Error::other("the file has more than 1 MiB")));
            }
            Ok(_) => fs::read(path).map_err(io)?,
        };
        // The parser's own message could quote a secret.
        let config: DockerConfig =
            serde_json::from_slice(&bytes).map_err(|e| CredentialsError::Json {
                path: path.to_owned(),
                line: e.line(),
                column: e.column(),
            })?;
        let wanted = registry(host);
        let mut entries: Vec<_> = config.auths.iter().collect();
        // The plain name first, then the forms with a scheme or path.
        entries.sort_by_key(|(key, _)| (key.len(), key.as_str()));
        let Some((_, entry)) = entries.into_iter().find(|(key, _)| registry(key) == wanted) else {
            return Ok(None);
        };
        entry.read(path, host).map(Some)
    }
}

impl Entry {
    fn read(&self, path: &Path, host: &str) -> Result<Credentials, CredentialsError> {
        let (path, host) = (path.to_owned(), host.to_owned());
        if !self.registrytoken.is_empty() {
            return Ok(Credentials::Token(self.registrytoken.clone()));
        }
        if !self.auth.is_empty() {
            let pair = STANDARD
                .decode(self.auth.trim())
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok());
            return match pair.as_deref().and_then(|pair| pair.split_once(':')) {
                // A refresh token stands beside a user without a password.
                Some((_, "")) if !self.identitytoken.is_empty() => {
                    Ok(Credentials::Identity(self.identitytoken.clone()))
                }
                Some((user, password)) if !user.is_empty() => Ok(Credentials::Basic {
                    user: user.to_owned(),
                    password: password.trim_end_matches('\0').to_owned(),
                }),
                _ => Err(CredentialsError::Entry { path, host }),
            };
        }
        if !self.username.is_empty() {
            return Ok(Credentials::Basic {
                user: self.username.clone(),
                password: self.password.clone(),
            });
        }
        if self.identitytoken.is_empty() {
            return Err(CredentialsError::Elsewhere { path, host });
        }
        Ok(Credentials::Identity(self.identitytoken.clone()))
    }
}

/// `docker login` has written hosts, URLs and, for its own registry, an API's address.
fn registry(key: &str) -> String {
    let key = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    let host = key.split('/').next().unwrap_or(key).to_ascii_lowercase();
    match host.as_str() {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        _ => host,
    }
}
