//! The short names in addresses and repository paths.

use std::{fmt, str::FromStr};

/// A short name: 2 to 40 lower-case letters, digits and single hyphens, starting with a letter.
/// It is a legal part of a repository name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(String);

/// What is wrong with a short name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlugError {
    /// The form is wrong.
    #[error(
        "`{0}` is no short name: use 2 to 40 lower-case letters, digits and single hyphens, starting with a letter"
    )]
    Form(String),
    /// The word has a meaning in addresses.
    #[error("`{0}` is reserved: choose another short name")]
    Reserved(String),
}

/// Words that addresses and repositories need for themselves.
const RESERVED: [&str; 13] = [
    "staging", "preview", "library", "api", "v2", "token", "admin", "static", "sign-in", "search",
    "plimsoll", "p", "badge",
];

impl Slug {
    /// Reads the name that a publisher or a product is to have: no word that is in use where it
    /// will stand.
    ///
    /// # Errors
    /// It is malformed or reserved.
    pub fn for_address(text: &str) -> Result<Self, SlugError> {
        if RESERVED.contains(&text) {
            return Err(SlugError::Reserved(text.to_owned()));
        }
        text.parse()
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, SlugError> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if !starts
            || !(2..=40).contains(&text.len())
            || !text.bytes().all(legal)
            || text.contains("--")
            || text.ends_with('-')
        {
            return Err(SlugError::Form(text.chars().take(80).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Slug {
    type Error = SlugError;

    fn try_from(text: String) -> Result<Self, SlugError> {
        text.parse()
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for Slug {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Slug {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as serde::Deserialize>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_and_refuses() {
        for good in ["acme", "ship-db", "a1"] {
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
        for bad in ["", "a", "1a", "A", "a--b", "a-", "a/b", &"x".repeat(41)] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
            assert!(Slug::for_address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reserved_words_are_no_addresses() {
        assert!(Slug::for_address("acme").is_ok());
        for word in RESERVED {
            let reserved = SlugError::Reserved(word.to_owned());
            assert_eq!(Slug::for_address(word), Err(reserved));
        }
        // A plan stands in no address.
        assert!("v2".parse::<Slug>().is_ok());
    }
}
