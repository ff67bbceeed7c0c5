//! What an access token is cut down to: repositories and what may be done there.
//!
//! ```text
//! scopes  = scope *( " " scope )
//! scope   = pattern ":" action *( "," action )
//! pattern = a repository's name, or the beginning of names and "*"
//! action  = "pull" / "push" / "delete"
//! ```

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::text::text_enum;

/// The most scopes of one token.
pub const MOST_SCOPES: usize = 20;
/// The longest pattern, as long as the longest repository name.
const LONGEST_PATTERN: usize = 255;

text_enum! {
    /// What may be done in a repository, as clients and tokens name it.
    RepositoryAction {
        /// Read.
        Pull = "pull",
        /// Write.
        Push = "push",
        /// Remove.
        Delete = "delete",
    }
}

/// Some repositories, and what may be done in them: `staging/acme/*:pull,push`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryScope {
    /// A name, or how names begin.
    pattern: String,
    /// Whether any name that begins with the pattern is meant.
    open: bool,
    actions: BTreeSet<RepositoryAction>,
}

/// What is wrong with a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// It has no actions, or unknown ones.
    #[error(
        "`{0}` is no scope: write a repository and what may be done there, such as `staging/acme/*:pull,push`; actions are pull, push and delete"
    )]
    Form(String),
    /// The repository is no name and no beginning of names.
    #[error(
        "`{0}` names no repositories: use lower-case letters, digits, `.`, `_`, `-` and `/`, with one `*` at the very end at most"
    )]
    Pattern(String),
    /// There are too many.
    #[error("a token has {MOST_SCOPES} scopes at most, not {0}")]
    TooMany(usize),
}

impl RepositoryScope {
    /// Returns whether it lets `action` happen in the repository called `name`.
    pub fn allows(&self, name: &str, action: RepositoryAction) -> bool {
        self.actions.contains(&action)
            && if self.open {
                name.starts_with(&self.pattern)
            } else {
                name == self.pattern
            }
    }

    /// Returns whether every repository of `other` is one of these.
    fn covers(&self, other: &Self) -> bool {
        if self.open {
            other.pattern.starts_with(&self.pattern)
        } else {
            !other.open && other.pattern == self.pattern
        }
    }
}

impl FromStr for RepositoryScope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let short = || text.chars().take(80).collect::<String>();
        let (pattern, actions) = text
            .rsplit_once(':')
            .ok_or_else(|| ScopeError::Form(short()))?;
        let actions: Result<BTreeSet<_>, _> = actions.split(',').map(str::parse).collect();
        let actions = actions.map_err(|_unknown| ScopeError::Form(short()))?;
        let (pattern, open) = match pattern.strip_suffix('*') {
            Some(beginning) => (beginning, true),
            None => (pattern, false),
        };
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-/".contains(&b);
        let empty = pattern.is_empty() && !open;
        if empty
            || pattern.len() > LONGEST_PATTERN
            || pattern.starts_with('/')
            || !pattern.bytes().all(legal)
        {
            return Err(ScopeError::Pattern(short()));
        }
        Ok(Self {
            pattern: pattern.to_owned(),
            open,
            actions,
        })
    }
}

impl fmt::Display for RepositoryScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions: Vec<_> = self.actions.iter().map(|action| action.as_str()).collect();
        let star = if self.open { "*" } else { "" };
        write!(f, "{}{star}:{}", self.pattern, actions.join(","))
    }
}

/// The scopes of a token: everything its account may do, or a list and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenScopes(Option<Vec<RepositoryScope>>);

impl TokenScopes {
    /// Everything that the account may do.
    pub const UNLIMITED: Self = Self(None);

    /// Takes scopes as they are written, one a text or several with spaces between; none at all is no limit.
    ///
    /// # Errors
    /// One of them is malformed, or there are too many.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, ScopeError> {
        let words = texts.into_iter().flat_map(str::split_whitespace);
        let scopes: Vec<RepositoryScope> = words.map(str::parse).collect::<Result<_, _>>()?;
        if scopes.len() > MOST_SCOPES {
            return Err(ScopeError::TooMany(scopes.len()));
        }
        Ok(Self((!scopes.is_empty()).then_some(scopes)))
    }

    /// Returns whether the account's rights are all there is to say.
    pub fn is_unlimited(&self) -> bool {
        self.0.is_none()
    }

    /// Returns whether `action` in the repository called `name` is within them.
    pub fn allow(&self, name: &str, action: RepositoryAction) -> bool {
        self.0
            .as_ref()
            .is_none_or(|scopes| scopes.iter().any(|scope| scope.allows(name, action)))
    }

    /// Returns whether everything that `child` allows is allowed here too.
    pub fn contain(&self, child: &Self) -> bool {
        let Some(own) = &self.0 else { return true };
        let Some(asked) = &child.0 else { return false };
        let within = |asked: &RepositoryScope, action| {
            own.iter()
                .any(|scope| scope.actions.contains(action) && scope.covers(asked))
        };
        asked
            .iter()
            .all(|asked| asked.actions.iter().all(|action| within(asked, action)))
    }

    /// Returns each as it is written; nothing where there is no limit.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().flatten().map(ToString::to_string).collect()
    }

    /// Returns the text that is stored; nothing where there is no limit.
    pub fn to_text(&self) -> Option<String> {
        self.0.is_some().then(|| self.texts().join(" "))
    }
}

impl TryFrom<Option<String>> for TokenScopes {
    type Error = ScopeError;

    fn try_from(text: Option<String>) -> Result<Self, ScopeError> {
        let Some(text) = text else {
            return Ok(Self::UNLIMITED);
        };
        let scopes = Self::parse([text.as_str()])?;
        // What was a limit once is never read as none.
        if scopes.is_unlimited() {
            return Err(ScopeError::Form(text));
        }
        Ok(scopes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scopes(text: &str) -> TokenScopes {
        TokenScopes::parse([text]).expect("scopes")
    }

    #[test]
    fn are_read_as_they_are_written() {
        for text in ["acme/db:pull", "staging/acme/*:pull,push", "*:delete"] {
            assert_eq!(scopes(text).to_text().as_deref(), Some(text));
        }
        assert_eq!(scopes("a:push,pull,push").texts(), ["a:pull,push"]);
        assert!(scopes(" ").is_unlimited());
        for bad in [
            "acme",
            "acme:",
            "acme:read",
            ":pull",
            "a*b:pull",
            "**:pull",
            "A:pull",
            "/a:pull",
            "a b:pull",
            "a:pull,",
            "acme:*",
        ] {
            assert!(TokenScopes::parse([bad]).is_err(), "{bad}");
        }
        let many = vec!["a:pull"; MOST_SCOPES + 1];
        assert_eq!(TokenScopes::parse(many), Err(ScopeError::TooMany(21)));
        assert!(TokenScopes::try_from(Some(String::new())).is_err());
    }

    #[test]
    fn say_which_repositories() {
        let scopes = scopes("staging/acme/*:pull,push acme/db:pull");
        assert!(scopes.allow("staging/acme/x", RepositoryAction::Push));
        assert!(!scopes.allow("staging/acme/x", RepositoryAction::Delete));
        assert!(!scopes.allow("staging/acmes/x", RepositoryAction::Pull));
        assert!(scopes.allow("acme/db", RepositoryAction::Pull));
        assert!(!scopes.allow("acme/db2", RepositoryAction::Pull));
        assert!(TokenScopes::UNLIMITED.allow("x", RepositoryAction::Delete));
    }

    #[test]
    fn nothing_contains_no_limit_but_no_limit() {
        assert!(!scopes("*:pull,push,delete").contain(&TokenScopes::UNLIMITED));
        assert!(TokenScopes::UNLIMITED.contain(&TokenScopes::UNLIMITED));
        assert!(!scopes("a:pull").contain(&scopes("a*:pull")));
        assert!(scopes("a*:pull").contain(&scopes("a:pull ab*:pull")));
        assert!(scopes("a:pull a:push").contain(&scopes("a:pull,push")));
    }

    prop_compose! {
        /// Few names, so that they meet often.
        fn any_scope()(pattern in "[ab]{0,2}", open in any::<bool>(), actions in 1_u8..8) -> String {
            let pattern = if pattern.is_empty() || open { format!("{pattern}*") } else { pattern };
            let actions: Vec<_> = RepositoryAction::ALL.iter().enumerate()
                .filter(|(place, _)| actions & (1 << place) != 0)
                .map(|(_, action)| action.as_str()).collect();
            format!("{pattern}:{}", actions.join(","))
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[ab*:/., pulshdet]{0,30}") {
            if let Ok(scopes) = TokenScopes::parse([text.as_str()]) {
                prop_assert_eq!(TokenScopes::try_from(scopes.to_text()), Ok(scopes));
            }
        }

        /// What is contained allows nothing more; what allows more is not contained.
        #[test]
        fn a_child_is_never_wider(
            parent in prop::collection::vec(any_scope(), 1..4),
            child in prop::collection::vec(any_scope(), 1..4),
        ) {
            let (parent, child) = (scopes(&parent.join(" ")), scopes(&child.join(" ")));
            let names = ["a", "b", "aa", "ab", "ba", "bb", "aaa", "abb", "baz", "bbb", "c"];
            let wider = names.iter().any(|name| RepositoryAction::ALL.iter()
                .any(|action| child.allow(name, *action) && !parent.allow(name, *action)));
            prop_assert!(!(wider && parent.contain(&child)));
            prop_assert!(parent.contain(&parent));
        }
    }
}
