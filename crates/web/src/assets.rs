//! The files a browser needs beside the pages, compiled in.

/// The one stylesheet, served at `/static/style.css`.
pub const STYLE_CSS: &str = include_str!("../static/style.css");

/// The mark: favicon and header, served at `/static/mark.svg`.
pub const MARK_SVG: &str = include_str!("../static/mark.svg");

/// The policy every page is served with: nothing inline, nothing from elsewhere.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; img-src 'self'; style-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stylesheet_asks_nobody_else() {
        assert!(!STYLE_CSS.contains("@import") && !STYLE_CSS.contains("url("));
        assert!(!STYLE_CSS.contains("//"));
        assert!(STYLE_CSS.lines().count() < 600);
    }
}
