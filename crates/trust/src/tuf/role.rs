//! The roles of metadata files.

use std::{cmp::Ordering, fmt, str::FromStr};

/// No name of a role is longer, in bytes.
const MOST_BYTES: usize = 255;
/// How deep delegations may stand in one another.
pub const MAX_DEPTH: usize = 10;

/// What a metadata file is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Role {
    /// Says which keys the others are signed with.
    Root,
    /// Names what is signed, and delegates.
    Targets,
    /// A part of what is signed, by others: `targets/…`.
    Delegation(String),
    /// Holds the others together.
    Snapshot,
    /// Says that the snapshot is the newest.
    Timestamp,
}

/// A text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role")]
pub struct RoleError(pub String);

impl Role {
    /// Returns the name, as it stands in paths and metadata.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Root => "root",
            Self::Targets => "targets",
            Self::Delegation(name) => name,
            Self::Snapshot => "snapshot",
            Self::Timestamp => "timestamp",
        }
    }

    /// Returns the role that delegates to this one.
    pub fn parent(&self) -> Option<Self> {
        let Self::Delegation(name) = self else {
            return None;
        };
        let (parent, _) = name.rsplit_once('/')?;
        parent.parse().ok()
    }

    /// Returns whether it names what is signed.
    pub fn is_targets(&self) -> bool {
        matches!(self, Self::Targets | Self::Delegation(_))
    }

    fn depth(&self) -> usize {
        self.as_str().matches('/').count()
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        match text {
            "root" => Ok(Self::Root),
            "targets" => Ok(Self::Targets),
            "snapshot" => Ok(Self::Snapshot),
            "timestamp" => Ok(Self::Timestamp),
            _ if is_delegation(text) => Ok(Self::Delegation(text.to_owned())),
            _ => Err(RoleError(text.chars().take(MOST_BYTES).collect())),
        }
    }
}

fn is_delegation(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    let Some(rest) = text.strip_prefix("targets/") else {
        return false;
    };
    text.len() <= MOST_BYTES
        && rest.split('/').count() <= MAX_DEPTH
        && rest
            .split('/')
            .all(|part| !part.is_empty() && part.bytes().all(letter))
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What delegates comes before what it delegates to.
impl Ord for Role {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.depth(), self.as_str()).cmp(&(other.depth(), other.as_str()))
    }
}

impl PartialOrd for Role {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_reference() {
        for good in ["root", "targets", "targets/releases", "targets/a-1/b_2"] {
            assert_eq!(good.parse::<Role>().expect("a role").as_str(), good);
        }
        let deep = format!("targets{}", "/a".repeat(MAX_DEPTH + 1));
        let long = format!("targets/{}", "a".repeat(MOST_BYTES));
        for bad in [
            "",
            "mirrors",
            "targets/",
            "targets//a",
            "targets/../a",
            "targets/A",
            "Targets/a",
            "targets/a/",
            "targets/*",
            "root/a",
            &deep,
            &long,
        ] {
            assert!(bad.parse::<Role>().is_err(), "{bad}");
        }
        let nested: Role = "targets/a/b".parse().expect("a role");
        assert_eq!(nested.parent(), "targets/a".parse().ok());
        assert_eq!(Role::Targets.parent(), None);
    }
}
