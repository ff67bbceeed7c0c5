//! HTML that may be shown as it is.

use std::fmt;

use askama::filters::HtmlSafe;

/// HTML that was sanitised already, for example rendered Markdown. Whoever makes one
/// answers for it: pages show it unescaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(pub String);

impl Html {
    /// Returns whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

/// Returns `text` as it is written inside HTML text and quoted attributes.
pub fn escaped(text: &str) -> impl fmt::Display + '_ {
    Escaped(text)
}

struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match askama::filters::escape(self.0, askama::filters::Html) {
            Ok(safe) => write!(f, "{safe}"),
            Err(never) => match never {},
        }
    }
}
