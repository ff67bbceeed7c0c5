//! Finding vulnerabilities and packages by a part of their name.

use serde::{Deserialize, Serialize};

use super::{Database, DatabaseError, split_key};

/// What a search came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Ids, aliases and upstream names, sorted.
    pub vulnerabilities: Vec<String>,
    /// Packages with their ecosystem and the number of advisories about them.
    pub packages: Vec<FoundPackage>,
    /// Whether there are more than are listed.
    pub more: bool,
}

/// A package that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundPackage {
    /// The ecosystem, such as `Debian:12`.
    pub ecosystem: String,
    /// The package's name, as it is compared.
    pub package: String,
    /// Advisories about it.
    pub advisories: u64,
}

impl Database {
    /// Returns up to `limit` vulnerabilities and as many packages whose name holds `text`, in any
    /// case. Both tables are read from one end to the other.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn search(&self, text: &str, limit: usize) -> Result<Found, DatabaseError> {
        let wanted = text.to_lowercase();
        let holds = |name: &str| name.to_lowercase().contains(&wanted);
        let mut found = Found::default();
        let mut names = self.names.walk(&self.file);
        while let Some((key, ..)) = names.next().map_err(|error| self.page_error(error))? {
            let name = String::from_utf8_lossy(&key);
            if !holds(&name) {
                continue;
            }
            if found.vulnerabilities.len() >= limit {
                found.more = true;
                break;
            }
            found.vulnerabilities.push(name.into_owned());
        }
        let mut packages = self.packages.walk(&self.file);
        while let Some((key, _, advisories)) =
            packages.next().map_err(|error| self.page_error(error))?
        {
            let (ecosystem, package) = split_key(&key);
            if !holds(&package) {
                continue;
            }
            if found.packages.len() >= limit {
                found.more = true;
                break;
            }
            found.packages.push(FoundPackage {
                ecosystem,
                package,
                advisories,
            });
        }
        Ok(found)
    }
}
