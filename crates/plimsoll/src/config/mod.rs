//! The configuration: defaults, then a TOML file, then the environment, then flags; the
//! last one counts. All four are checked against one table ([`keys`]).

#[cfg(test)]
mod docs;
pub(crate) mod environment;
mod file;
pub(crate) mod keys;
mod kind;
pub(crate) mod value;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use self::{
    environment::Environment,
    keys::{KEYS, Key},
    value::Source,
};
use crate::failure::Failure;

const DEFAULT_FILE: &str = "plimsoll.toml";

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The table.
    Default,
    /// A line of a file.
    File(PathBuf, usize),
    /// A variable.
    Variable(String),
    /// A flag.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// The effective configuration.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    values: BTreeMap<&'static str, (String, Origin)>,
    /// The file that was read, if any.
    pub(crate) file: Option<PathBuf>,
    /// The environment it was read with.
    pub(crate) environment: Environment,
}

/// A value given by a flag.
pub(crate) type Flag = (&'static str, Option<String>);

impl Config {
    /// Reads everything.
    ///
    /// # Errors
    /// [`Failure`] names file, line and key of every mistake.
    pub(crate) fn load(
        path: Option<&Path>,
        environment: Environment,
        flags: Vec<Flag>,
    ) -> Result<Self, Failure> {
        let mut values = BTreeMap::new();
        for key in KEYS {
            values.insert(key.name, (key.default.to_owned(), Origin::Default));
        }
        let mut config = Self {
            values,
            file: None,
            environment,
        };
        config.read_file(path)?;
        config.read_environment()?;
        for (name, text) in flags {
            let Some(text) = text else { continue };
            let key = keys::find(name).expect("flags name keys of the table");
            config.set(key, text, Origin::Flag)?;
        }
        Ok(config)
    }

    fn read_file(&mut self, path: Option<&Path>) -> Result<(), Failure> {
        let default = Path::new(DEFAULT_FILE);
        let path = match path {
            Some(path) => path,
            None if default.is_file() => default,
            None => return Ok(()),
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!(
                "cannot read the configuration `{}`",
                path.display()
            ))
            .because(&error)
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let settings = file::read(&text, folder).map_err(|mistakes| complain(path, &mistakes))?;
        for setting in settings {
            let origin = Origin::File(path.to_owned(), setting.line);
            self.values.insert(setting.key, (setting.text, origin));
        }
        self.file = Some(path.to_owned());
        Ok(())
    }

    fn read_environment(&mut self) -> Result<(), Failure> {
        for key in KEYS {
            let name = key.variable();
            if let Some(text) = self.environment.get(&name).map(str::to_owned) {
                self.set(key, text, Origin::Variable(name))?;
            }
        }
        Ok(())
    }

    fn set(&mut self, key: &'static Key, text: String, origin: Origin) -> Result<(), Failure> {
        value::check(key.kind, &text).map_err(|wrong| {
            let place = match &origin {
                Origin::Variable(name) => format!("${name}"),
                _ => format!("the flag for `{}`", key.name),
            };
            Failure::usage(format!("{place}: {wrong}"))
        })?;
        self.values.insert(key.name, (text, origin));
        Ok(())
    }

    /// Returns every key with its value and where that comes from, in the table's order.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&'static Key, &str, &Origin)> {
        KEYS.iter().map(|key| {
            let (text, origin) = &self.values[key.name];
            (key, text.as_str(), origin)
        })
    }

    /// Returns a value that is set, by the file, the environment or a flag, or has a default.
    pub(crate) fn text(&self, name: &'static str) -> Option<&str> {
        let (text, _) = &self.values[name];
        Some(text.as_str()).filter(|text| !text.is_empty())
    }

    /// Returns whether a value was set by somebody.
    pub(crate) fn is_set(&self, name: &'static str) -> bool {
        self.values[name].1 != Origin::Default
    }

    /// Returns a value as a path.
    pub(crate) fn path(&self, name: &'static str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// Returns whether a switch is on.
    pub(crate) fn is_on(&self, name: &'static str) -> bool {
        self.text(name) == Some("true")
    }

    /// Returns the folder everything is kept in.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.path("data.dir").expect("the key has a default")
    }

    /// Returns where the server's compiled advisories stand.
    pub(crate) fn advisories_file(&self) -> PathBuf {
        self.path("advisories.file")
            .unwrap_or_else(|| self.data_dir().join("advisories/advisories.db"))
    }

    /// Returns what `advisories update` reads.
    pub(crate) fn sources(&self) -> Vec<Source> {
        let text = self.text("advisories.sources").unwrap_or_default();
        value::sources(text).expect("it was checked when it was set")
    }

    /// Returns a whole number.
    pub(crate) fn number(&self, name: &'static str) -> u32 {
        let text = self.text(name).unwrap_or_default();
        text.parse().expect("it was checked when it was set")
    }

    /// Returns a number of bytes.
    pub(crate) fn bytes(&self, name: &'static str) -> u64 {
        let text = self.text(name).unwrap_or_default();
        market::parse_bytes(text).expect("it was checked when it was set")
    }

    /// Returns a duration.
    pub(crate) fn duration(&self, name: &'static str) -> std::time::Duration {
        self.time(name).to_std().expect("durations are positive")
    }

    /// Returns the largest blob in bytes.
    pub(crate) fn max_blob_bytes(&self) -> u64 {
        self.bytes("registry.max_blob_bytes")
    }

    fn networks(&self, name: &'static str) -> Vec<ipnet::IpNet> {
        let text = self.text(name).unwrap_or_default();
        value::networks(text).expect("it was checked when it was set")
    }

    /// Returns the proxies whose word on a client's address is believed.
    pub(crate) fn trusted_proxies(&self) -> Vec<ipnet::IpNet> {
        self.networks("server.trusted_proxies")
    }

    /// Returns the networks that webhooks may be called in although they are not public.
    pub(crate) fn webhook_networks(&self) -> Vec<ipnet::IpNet> {
        self.networks("webhooks.allow_networks")
    }

    /// Returns the networks that images may be imported from although they are not public.
    pub(crate) fn import_networks(&self) -> Vec<ipnet::IpNet> {
        self.networks("imports.allow_networks")
    }

    /// Returns the witnesses of the log.
    pub(crate) fn witnesses(&self) -> Vec<app::LogWitness> {
        let text = self.text("trust.witnesses").unwrap_or_default();
        value::witnesses(text).expect("it was checked when it was set")
    }

    /// Returns the networks that witnesses may be asked in although they are not public.
    pub(crate) fn witness_networks(&self) -> Vec<ipnet::IpNet> {
        self.networks("trust.witness_networks")
    }

    /// Returns the DNS server that publishers' domains are looked up at; none for the system's.
    pub(crate) fn dns_server(&self) -> Option<std::net::SocketAddr> {
        let text = self.text("publishers.dns_server")?;
        Some(text.parse().expect("it was checked when it was set"))
    }

    /// Returns the age at which a new key for registry tokens is made.
    pub(crate) fn rotate_tokens_after(&self) -> chrono::TimeDelta {
        let text = self.text("keys.rotate_tokens_after").unwrap_or_default();
        value::duration(text).expect("it was checked when it was set")
    }

    /// Returns how long access tokens live.
    pub(crate) fn token_life(&self) -> chrono::TimeDelta {
        self.time("registry.token_life")
    }

    /// Returns how long uploads are kept that nobody goes on with.
    pub(crate) fn upload_life(&self) -> chrono::TimeDelta {
        self.time("registry.upload_life")
    }

    fn time(&self, name: &'static str) -> chrono::TimeDelta {
        let text = self.text(name).unwrap_or_default();
        value::duration(text).expect("it was checked when it was set")
    }

    /// Returns how the store is kept.
    pub(crate) fn upkeep(&self) -> app::UpkeepConfig {
        let duration = |name| {
            let text = self.text(name).filter(|text| *text != "never")?;
            Some(value::duration(text).expect("it was checked when it was set"))
        };
        let bytes = |name| {
            let text = self.text(name).unwrap_or_default();
            market::parse_bytes(text).expect("it was checked when it was set")
        };
        app::UpkeepConfig {
            collect_grace: duration("registry.collect_grace").expect("the key has a default"),
            collect_every: duration("registry.collect_every"),
            scrub_every: duration("registry.scrub_every"),
            scrub_rate: bytes("registry.scrub_rate"),
            publisher_quota: bytes("registry.publisher_quota"),
            job_lease: self.time("server.job_lease"),
        }
    }

    /// Returns how many workers run in the server.
    pub(crate) fn workers(&self) -> u32 {
        self.number("server.workers")
    }

    /// Returns the database's address.
    ///
    /// # Errors
    /// Never for an address that was checked.
    pub(crate) fn database(&self) -> Result<store::DatabaseUrl, Failure> {
        match self.text("database.url") {
            Some(text) => text.parse().map_err(Failure::usage),
            None => Ok(store::DatabaseUrl::Sqlite(
                self.data_dir().join("plimsoll.db"),
            )),
        }
    }

    /// Says what cannot work, though each value alone is right.
    ///
    /// # Errors
    /// [`Failure`] names the keys.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let bucket = &[
            "blobs.s3.bucket",
            "blobs.s3.access_key",
            "blobs.s3.secret_key",
        ];
        let token = &["keys.token.name", "keys.token.pin_file"];
        let in_bucket = self.text("blobs.kind") == Some("s3");
        let in_token = self.text("keys.token.module").is_some();
        let needs: [(bool, &str, &[&str]); 2] = [
            (in_bucket, "`blobs.kind` is s3", bucket),
            (in_token, "`keys.token.module` is set", token),
        ];
        for (is_so, why, keys) in needs {
            let missing = keys.iter().find(|key| self.text(key).is_none());
            if let Some(key) = missing.filter(|_| is_so) {
                return Err(Failure::usage(format!("{why}, so `{key}` must be set")));
            }
        }
        if self.text("mail.smtp_url").is_some() != self.text("mail.from").is_some() {
            return Err(Failure::usage(
                "`mail.smtp_url` and `mail.from` belong together: set both or none",
            ));
        }
        if self.text("keys.passphrase").is_some() && self.text("keys.passphrase_file").is_some() {
            return Err(Failure::usage(
                "`keys.passphrase` and `keys.passphrase_file` are both set: leave one out",
            ));
        }
        if self.text("server.tls.certificate").is_some() != self.text("server.tls.key").is_some() {
            return Err(Failure::usage(
                "`server.tls.certificate` and `server.tls.key` belong together: set both or none",
            ));
        }
        Ok(())
    }
}

fn complain(path: &Path, mistakes: &[file::Mistake]) -> Failure {
    let lines: Vec<_> = mistakes
        .iter()
        .map(|mistake| format!("{}:{}: {}", path.display(), mistake.line, mistake.message))
        .collect();
    let hints: Vec<_> = mistakes.iter().filter_map(|m| m.hint.as_deref()).collect();
    let failure = Failure::usage(lines.join("\n       "));
    if hints.is_empty() {
        failure.hint("`plimsoll config show` lists every key")
    } else {
        failure.hint(hints.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_sources_win_and_say_so() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("p.toml");
        std::fs::write(
            &path,
            "[server]\nlisten = \"127.0.0.1:1\"\n[log]\nlevel = \"warn\"\n",
        )
        .expect("a file");
        let environment = Environment::of(&[
            ("PLIMSOLL_SERVER_LISTEN", "127.0.0.1:2"),
            ("PLIMSOLL_LOG_LEVLE", "debug"),
        ]);
        let flags = vec![("server.listen", Some("127.0.0.1:3".to_owned()))];
        let config = Config::load(Some(&path), environment, flags).expect("a configuration");
        assert_eq!(config.text("server.listen"), Some("127.0.0.1:3"));
        let (text, origin) = &config.values["log.level"];
        assert_eq!((text.as_str(), origin), ("warn", &Origin::File(path, 4)));
        assert_eq!(
            config.environment.misspelt(),
            [(
                "PLIMSOLL_LOG_LEVLE".to_owned(),
                "PLIMSOLL_LOG_LEVEL".to_owned()
            )]
        );
    }

    #[test]
    fn defaults_are_valid() {
        for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
            assert_eq!(value::check(key.kind, key.default), Ok(()), "{}", key.name);
        }
    }

    #[test]
    fn s3_and_tokens_need_their_keys() {
        for (variable, value, missing) in [
            ("PLIMSOLL_BLOBS_KIND", "s3", "`blobs.s3.bucket`"),
            ("PLIMSOLL_KEYS_TOKEN_MODULE", "m.so", "`keys.token.name`"),
        ] {
            let environment = Environment::of(&[(variable, value)]);
            let config = Config::load(None, environment, Vec::new()).expect("a configuration");
            let refused = config.check().expect_err("something is missing");
            assert!(refused.message.contains(missing), "{}", refused.message);
        }
    }
}
