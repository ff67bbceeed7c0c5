//! Names of repositories as clients of content trust write them: with the host in front
//! ("globally unique name", GUN).

use std::{fmt, str::FromStr};

use crate::{ReferenceError, RepoName};

/// A repository's name with the host in front: `market.example:5000/acme/database`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Gun {
    text: String,
    repo: RepoName,
}

impl Gun {
    /// Puts a host, which may have a port, in front of a name.
    pub fn new(host: &str, repo: &RepoName) -> Self {
        Self {
            text: format!("{host}/{repo}"),
            repo: repo.clone(),
        }
    }

    /// Returns the whole name.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host, with its port.
    pub fn host(&self) -> &str {
        self.text.split('/').next().unwrap_or_default()
    }

    /// Returns the name without the host.
    pub fn repo(&self) -> &RepoName {
        &self.repo
    }
}

impl FromStr for Gun {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let refuse = || ReferenceError::Name(text.chars().take(300).collect());
        let (host, repo) = text.split_once('/').ok_or_else(refuse)?;
        let letter = |b: u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b);
        if text.len() > 255 || host.is_empty() || !host.bytes().all(letter) {
            return Err(refuse());
        }
        Ok(Self {
            repo: repo.parse()?,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Gun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
