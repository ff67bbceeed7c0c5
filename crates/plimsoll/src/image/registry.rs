//! How registries are reached: credentials, TLS.

use std::path::PathBuf;

use clap::Args;
use oci::{Client, ClientOptions, Credentials, Reference};

use crate::{config::environment::Environment, exit::Exit, failure::Failure};

/// How to reach a registry.
#[derive(Debug, Clone, Args)]
pub(crate) struct RegistryArgs {
    /// Credentials for the registry
    ///
    /// Others on this machine may read it from the list of processes: prefer `docker login`,
    /// or the variables PLIMSOLL_REGISTRY_USER and PLIMSOLL_REGISTRY_PASSWORD.
    #[arg(long, value_name = "NAME:PASSWORD")]
    user: Option<String>,
    /// Speak http without TLS to the registry
    #[arg(long)]
    plain_http: bool,
    /// Certificates (PEM) to trust instead of the public ones
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

const DOCKER_HUB: &str = "docker.io";

/// Returns the host a reference is at.
pub(crate) fn host(reference: &Reference) -> &str {
    reference.host.as_deref().unwrap_or(DOCKER_HUB)
}

impl RegistryArgs {
    /// Returns a client for the registry of `reference`.
    ///
    /// # Errors
    /// Credentials or certificates cannot be used.
    pub(crate) fn client(
        &self,
        reference: &Reference,
        environment: &Environment,
    ) -> Result<Client, Failure> {
        let host = host(reference);
        let options = self.options();
        let credentials = self.credentials(host, environment)?;
        Client::new(host, credentials, &options).map_err(|error| match error {
            oci::ClientError::Host(_) => Failure::from_error(Exit::Usage, &error),
            error => error.into(),
        })
    }

    /// Returns how hosts are spoken with.
    pub(crate) fn options(&self) -> ClientOptions {
        ClientOptions {
            plain_http: self.is_plain(),
            ca_file: self.ca_file.clone(),
            ..ClientOptions::default()
        }
    }

    /// Returns whether to do without TLS, where that was said; who gives certificates wants it.
    fn is_plain(&self) -> Option<bool> {
        match (self.plain_http, &self.ca_file) {
            (true, _) => Some(true),
            (false, Some(_)) => Some(false),
            (false, None) => None,
        }
    }

    /// Returns the scheme that is spoken with `host`.
    pub(crate) fn scheme(&self, host: &str) -> &'static str {
        let name = host.split(':').next().unwrap_or(host);
        let is_here = || name == "localhost" || name.starts_with("127.");
        match self.is_plain().unwrap_or_else(is_here) {
            true => "http",
            false => "https",
        }
    }

    /// Returns what to sign in with at `host`.
    ///
    /// # Errors
    /// A file with credentials cannot be used.
    pub(crate) fn credentials(
        &self,
        host: &str,
        environment: &Environment,
    ) -> Result<Credentials, Failure> {
        if let Some(user) = &self.user {
            let (user, password) = user.split_once(':').ok_or_else(|| {
                Failure::usage("--user needs a name and a password with a colon between them")
            })?;
            return Ok(basic(user, password));
        }
        if let (Some(user), Some(password)) = (
            environment.get("PLIMSOLL_REGISTRY_USER"),
            environment.get("PLIMSOLL_REGISTRY_PASSWORD"),
        ) {
            return Ok(basic(user, password));
        }
        for file in login_files(environment) {
            let found = Credentials::from_docker_config(&file, host);
            if let Some(found) = found.map_err(|error| Failure::from_error(Exit::Failed, &error))? {
                return Ok(found);
            }
        }
        Ok(Credentials::Anonymous)
    }
}

fn basic(user: &str, password: &str) -> Credentials {
    Credentials::Basic {
        user: user.to_owned(),
        password: password.to_owned(),
    }
}

/// Where `docker login` and `podman login` write, in the order in which they are asked.
fn login_files(environment: &Environment) -> Vec<PathBuf> {
    if let Some(file) = environment.path("REGISTRY_AUTH_FILE") {
        return vec![file];
    }
    let podman = environment
        .path("XDG_RUNTIME_DIR")
        .map(|dir| dir.join("containers/auth.json"));
    let docker = environment.path("DOCKER_CONFIG");
    let docker = docker
        .or_else(|| Some(environment.path("HOME")?.join(".docker")))
        .map(|dir| dir.join("config.json"));
    podman.into_iter().chain(docker).collect()
}
