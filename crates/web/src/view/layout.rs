//! What every page has around it.

use super::{Csrf, Html};

/// What `base.html` needs.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// The marketplace's own name, as the operator set it.
    pub market_name: String,
    /// Who is signed in.
    pub viewer: Option<Viewer>,
    /// The token for every form of the page.
    pub csrf: Csrf,
    /// What to say about what was just done.
    pub flash: Option<Flash>,
    /// What stands in the search field.
    pub query: String,
    /// The path of the page, for the navigation.
    pub path: String,
}

impl Layout {
    /// Returns the attribute that marks `path` as the page one is on.
    pub fn current(&self, path: &str) -> Html {
        let is_below = self
            .path
            .strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        Html(if is_below {
            r#" aria-current="page""#.to_owned()
        } else {
            String::new()
        })
    }
}

/// Who is signed in.
#[derive(Debug, Clone, Default)]
pub struct Viewer {
    /// The account's name.
    pub name: String,
    /// Member of a publisher.
    pub is_publisher: bool,
    /// May review.
    pub is_reviewer: bool,
    /// Keeps the marketplace.
    pub is_operator: bool,
    /// Notices not marked as read.
    pub unread: i64,
}

/// What to say about what was just done.
#[derive(Debug, Clone)]
pub struct Flash {
    /// Whether it went wrong.
    pub is_error: bool,
    /// The sentence.
    pub text: String,
}
