//! The files a browser needs beside the pages, compiled in.

/// The one stylesheet, served at `/static/style.css`.
pub const STYLE_CSS: &str = include_str!("../static/style.css");

/// The one script, served at `/static/page.js`. Pages work without it.
pub const PAGE_JS: &str = include_str!("../static/page.js");

/// The mark: favicon and header, served at `/static/mark.svg`.
pub const MARK_SVG: &str = include_str!("../static/mark.svg");

/// The policy every page is served with: nothing inline, nothing from elsewhere.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; img-src 'self'; style-src 'self'; \
     script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stylesheet_asks_nobody_else() {
        assert!(!STYLE_CSS.contains("@import") && !STYLE_CSS.contains("url("));
        assert!(!STYLE_CSS.contains("//"));
        assert!(STYLE_CSS.lines().count() < 600);
    }

    #[test]
    fn the_script_is_small_asks_nobody_else_and_writes_no_html() {
        assert!(PAGE_JS.lines().count() < 250);
        for word in [
            "http:",
            "https:",
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval",
            "import",
        ] {
            assert!(!PAGE_JS.contains(word), "it says {word}");
        }
    }
}
