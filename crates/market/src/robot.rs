//! Names of robot accounts: whose they are stands in front.

use std::{fmt, str::FromStr};

/// The longest last part of a name, in characters.
const LONGEST: usize = 20;

/// Whose a robot is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RobotOwner {
    /// A publisher's, by its short name.
    Publisher(String),
    /// A person's, by the name of their account.
    Account(String),
}

/// A robot's name: `acme+ci` is the publisher acme's, `ann~ci` is the account ann's.
///
/// No account of a person has such a character, and every client takes both in a user name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RobotName {
    owner: RobotOwner,
    name: String,
}

/// A name that no robot can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no robot's name: write `publisher+name` or `account~name`, the last part of 1 to {LONGEST} lower-case letters, digits and hyphens"
)]
pub struct RobotNameError(String);

impl RobotName {
    /// Returns whose it is.
    pub fn owner(&self) -> &RobotOwner {
        &self.owner
    }
}

impl FromStr for RobotName {
    type Err = RobotNameError;

    fn from_str(text: &str) -> Result<Self, RobotNameError> {
        let error = || RobotNameError(text.chars().take(80).collect());
        let place = text.find(['+', '~']).ok_or_else(error)?;
        let (owner, name) = (&text[..place], &text[place + 1..]);
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if owner.is_empty()
            || !(1..=LONGEST).contains(&name.len())
            || !name.bytes().all(legal)
            || name.starts_with('-')
        {
            return Err(error());
        }
        let owner = match text.as_bytes()[place] {
            b'+' => RobotOwner::Publisher(owner.to_owned()),
            _ => RobotOwner::Account(owner.to_owned()),
        };
        Ok(Self {
            owner,
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for RobotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.owner {
            RobotOwner::Publisher(slug) => write!(f, "{slug}+{}", self.name),
            RobotOwner::Account(account) => write!(f, "{account}~{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_whose_they_are() {
        let owner = |text: &str| text.parse::<RobotName>().map(|name| name.owner().clone());
        assert_eq!(
            owner("acme+ci"),
            Ok(RobotOwner::Publisher("acme".to_owned()))
        );
        assert_eq!(
            owner("ann.b~ci-2"),
            Ok(RobotOwner::Account("ann.b".to_owned()))
        );
        for bad in [
            "acme", "+ci", "acme+", "acme+CI", "acme+a+b", "acme+-x", "a~b_c",
        ] {
            assert!(bad.parse::<RobotName>().is_err(), "{bad}");
        }
        assert_eq!(
            "acme+ci".parse::<RobotName>().map(|name| name.to_string()),
            Ok("acme+ci".to_owned())
        );
    }
}
