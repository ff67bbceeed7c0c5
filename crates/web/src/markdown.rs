//! Markdown by publishers and reviewers as HTML that can be shown: no script, no style,
//! no picture from elsewhere, no heading above the page's own.

use std::{borrow::Cow, sync::LazyLock};

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::view::Html;

/// Returns `text` rendered and sanitised.
pub(crate) fn markdown(text: &str) -> Html {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Start(Tag::Heading { level, .. }) => Event::Start(Tag::Heading {
            level: lowered(level),
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        }),
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lowered(level))),
        other => other,
    });
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, events);
    Html(SANITISER.clean(&html).to_string())
}

/// The page itself has the first two levels.
fn lowered(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let tags = [
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "em",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ];
    let mut builder = Builder::default();
    builder
        .tags(tags.into())
        .url_schemes(["http", "https", "mailto"].into())
        .url_relative(UrlRelative::PassThrough)
        .link_rel(Some("nofollow noopener"))
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("img", "src") if !is_our_picture(value) => None,
            ("img", "alt" | "src") | ("a", "href" | "rel" | "title") | ("th" | "td", "align") => {
                Some(Cow::Borrowed(value))
            }
            ("ol", "start") => Some(Cow::Borrowed(value)),
            _ => None,
        });
    builder
});

fn is_our_picture(address: &str) -> bool {
    let digest = address.strip_prefix("/pictures/");
    digest.is_some_and(|digest| {
        digest
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b':')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_what_people_write() {
        insta::assert_snapshot!(
            markdown("# Title\n\nSome *text* with a [link](https://example.com) and `code`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n![Chart](/pictures/sha256:00)").0,
            @r#"
        <h3>Title</h3>
        <p>Some <em>text</em> with a <a href="https://example.com" rel="nofollow noopener">link</a> and <code>code</code>.</p>
        <table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>
        <tr><td>1</td><td>2</td></tr>
        </tbody></table>
        <p><img src="/pictures/sha256:00" alt="Chart"></p>
        "#
        );
    }

    #[test]
    fn nothing_in_it_acts() {
        let attacks = [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "<a href=\"java&#10;script:alert(1)\">x</a>",
            "![x](https://evil.example/track.png)",
            "![x](//evil.example/track.png)",
            "![x](/pictures/../sign-out)",
            "<style>*{display:none}</style>",
            "<p style=\"position:fixed\" class=\"notice\" id=\"content\">x</p>",
            "<form action=/sign-out><button>x</button></form>",
            "<svg onload=alert(1)>",
            "<iframe src=https://evil.example></iframe>",
            "<h1>big</h1>",
        ];
        for attack in attacks {
            let html = markdown(attack).0;
            for bad in [
                "script",
                "onerror",
                "onload",
                "evil.example",
                "style",
                "class",
                "id=",
                "<form",
                "<svg",
                "<iframe",
                "<h1",
                "sign-out",
            ] {
                assert!(!html.contains(bad), "{attack} became {html}");
            }
        }
    }
}
