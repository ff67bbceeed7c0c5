//! A digest, short to read and whole to copy.

use std::fmt;

use askama::filters::HtmlSafe;

use super::escaped;

/// A digest as text, for example `sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest(pub String);

impl Digest {
    /// Returns the first twelve characters after the algorithm.
    pub fn short(&self) -> String {
        let hex = self
            .0
            .split_once(':')
            .map_or(self.0.as_str(), |(_, hex)| hex);
        hex.chars().take(12).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"<code class="digest" title="{}">{}</code>"#,
            escaped(&self.0),
            escaped(&self.short())
        )
    }
}

impl HtmlSafe for Digest {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_short_and_never_markup() {
        insta::assert_snapshot!(Digest("sha256:0123456789abcdef".to_owned()), @r#"<code class="digest" title="sha256:0123456789abcdef">0123456789ab</code>"#);
        assert!(!Digest("\"><b>".to_owned()).to_string().contains("<b>"));
    }
}
