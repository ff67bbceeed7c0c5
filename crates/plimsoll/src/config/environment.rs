//! The environment, read once and only here.

use std::{collections::BTreeMap, path::PathBuf};

use super::keys::{KEYS, nearest};

/// Variables that are ours but no keys.
const OTHERS: [&str; 8] = [
    "PLIMSOLL_CONFIG",
    "PLIMSOLL_FORMAT",
    "PLIMSOLL_MARKET",
    "PLIMSOLL_REGISTRY_USER",
    "PLIMSOLL_REGISTRY_PASSWORD",
    "PLIMSOLL_TEST_DATA",
    "PLIMSOLL_SERVICE_HOST",
    "PLIMSOLL_SERVICE_PORT",
];

/// The environment's variables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads the process's own; values that are no text are left out.
    pub(crate) fn of_process() -> Self {
        let text = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self(text.collect())
    }

    /// Returns a variable that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Returns a variable as a path.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// Returns whether colours are unwelcome (no-color.org).
    pub(crate) fn no_color(&self) -> bool {
        self.get("NO_COLOR").is_some()
    }

    /// Returns where data of this user is kept (XDG base directories).
    pub(crate) fn user_data(&self) -> Option<PathBuf> {
        let home = || Some(self.path("HOME")?.join(".local/share"));
        Some(self.path("XDG_DATA_HOME").or_else(home)?.join("plimsoll"))
    }

    /// Returns where results of this user are kept that can be had again (XDG base directories).
    pub(crate) fn user_cache(&self) -> Option<PathBuf> {
        let home = || Some(self.path("HOME")?.join(".cache"));
        Some(self.path("XDG_CACHE_HOME").or_else(home)?.join("plimsoll"))
    }

    /// Returns where is kept for this user what was seen before (XDG base directories).
    pub(crate) fn user_state(&self) -> Option<PathBuf> {
        let home = || Some(self.path("HOME")?.join(".local/state"));
        Some(self.path("XDG_STATE_HOME").or_else(home)?.join("plimsoll"))
    }

    /// Returns variables that were probably meant to be keys, with the one that was meant.
    /// Others may be anybody's: Kubernetes names service variables after the service.
    pub(crate) fn misspelt(&self) -> Vec<(String, String)> {
        let known: Vec<_> = KEYS.iter().map(super::keys::Key::variable).collect();
        let ours = self.0.keys().filter(|name| {
            name.starts_with("PLIMSOLL_")
                && !known.contains(name)
                && !OTHERS.contains(&name.as_str())
        });
        let near = |name: &String| {
            let meant = nearest(name, known.iter().map(String::as_str))?;
            (strsim::levenshtein(name, meant) <= 3).then(|| (name.clone(), meant.to_owned()))
        };
        ours.filter_map(near).collect()
    }
}

#[cfg(test)]
impl Environment {
    /// An environment for tests.
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        let pairs = pairs.iter();
        Self(
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }
}
