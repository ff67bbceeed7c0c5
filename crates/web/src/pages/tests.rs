//! Renders every template with every sample and holds the result to the rules of the house.

use std::{collections::BTreeSet, fs, path::Path};

use scraper::{ElementRef, Html, Selector};

use crate::{assets, badge, samples};

fn all(html: &Html, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).expect("a selector");
    html.select(&selector)
        .map(|element| element.html())
        .collect()
}

fn select<'a>(html: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    let selector = Selector::parse(selector).expect("a selector");
    html.select(&selector).collect()
}

#[test]
fn every_page_keeps_the_rules() {
    for (name, text) in samples::all() {
        let html = Html::parse_document(&text);
        assert_eq!(html.errors, Vec::<String>::new(), "{name}: HTML errors");
        assert_eq!(all(&html, "h1").len(), 1, "{name}: one h1");
        assert_eq!(
            all(&html, "script"),
            [r#"<script src="/static/page.js" type="module"></script>"#],
            "{name}: the one script"
        );
        assert_eq!(all(&html, "style, [style]"), [""; 0], "{name}: inline");
        assert_eq!(all(&html, "img:not([alt])"), [""; 0], "{name}: alt");
        assert_eq!(
            all(&html, "button:not([type])"),
            [""; 0],
            "{name}: button type"
        );
        for element in select(&html, "*") {
            let handler = element
                .value()
                .attrs()
                .find(|(name, _)| name.starts_with("on"));
            assert_eq!(handler, None, "{name}: inline handler");
        }
        unique_ids(name, &html);
        labels(name, &html);
        forms(name, &html);
    }
}

fn unique_ids(name: &str, html: &Html) {
    let mut ids = BTreeSet::new();
    for element in select(html, "[id]") {
        let id = element.attr("id").unwrap_or_default();
        assert!(ids.insert(id), "{name}: two elements are called {id}");
    }
    for link in select(
        html,
        "a[href^='#'], [aria-labelledby], [aria-describedby], input[list]",
    ) {
        let target = ["href", "aria-labelledby", "aria-describedby", "list"]
            .iter()
            .find_map(|attribute| link.attr(attribute).filter(|value| !value.starts_with('/')))
            .expect("one of them");
        let target = target.trim_start_matches('#');
        assert!(ids.contains(target), "{name}: nothing is called {target}");
    }
}

fn labels(name: &str, html: &Html) {
    let labelled: BTreeSet<_> = select(html, "label[for]")
        .iter()
        .filter_map(|label| label.attr("for"))
        .collect();
    for field in select(html, "input:not([type=hidden]), select, textarea, progress") {
        let id = field.attr("id").unwrap_or_default();
        assert!(
            labelled.contains(id),
            "{name}: no label for {}",
            field.html()
        );
    }
}

fn forms(name: &str, html: &Html) {
    let csrf = Selector::parse("input[type=hidden][name=csrf]").expect("a selector");
    for form in select(html, "form") {
        let tokens = form.select(&csrf).count();
        let expect = usize::from(form.attr("method") == Some("post"));
        assert_eq!(tokens, expect, "{name}: csrf in {}", form.html());
        assert!(
            form.attr("action").is_some_and(|to| to.starts_with('/')),
            "{name}: action"
        );
    }
}

#[test]
fn consumers_never_see_findings() {
    for (name, text) in samples::all() {
        let is_form = name.starts_with("product-edit") || name == "product-new";
        if name.starts_with("product-") && !is_form
            || name.starts_with("storefront")
            || name.starts_with("search")
            || ["tags", "image-public", "compare-public"].contains(&name)
        {
            // What a publisher promises names the classes, whatever there is.
            let (before, rest) = text
                .split_once(r#"<dl class="service-level">"#)
                .unwrap_or((&text, ""));
            let after = rest.split_once("</dl>").map_or("", |(_, after)| after);
            let text = format!("{before}{after}");
            for word in ["CVE-", "CVSS", "Critical", "vulnerab", "staging/"] {
                assert!(!text.contains(word), "{name} says {word}");
            }
        }
    }
}

/// Returns what a page says, a line for each block of text.
fn words(wanted: &str) -> String {
    let (_, text) = samples::all()
        .into_iter()
        .find(|(name, _)| *name == wanted)
        .expect("a sample of this name");
    let html = Html::parse_document(&text);
    let main = select(&html, "main")[0];
    let lines: Vec<String> = main
        .text()
        .flat_map(str::lines)
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

#[test]
fn what_pages_say() {
    insta::assert_snapshot!("product_on_hold", words("product-on-hold"));
    insta::assert_snapshot!("submission", words("submission"));
    insta::assert_snapshot!("submission_inspecting", words("submission-inspecting"));
    insta::assert_snapshot!("operator", words("operator"));
    for name in [
        "tags",
        "image",
        "image_public",
        "components",
        "layer_files",
        "compare",
    ] {
        insta::assert_snapshot!(name, words(&name.replace('_', "-")));
    }
}

/// Writes every sample into the folder that PLIMSOLL_PAGES names, to look at in a browser.
#[test]
fn pages_to_look_at() {
    let Some(folder) = std::env::var_os("PLIMSOLL_PAGES") else {
        return;
    };
    let folder = Path::new(&folder);
    fs::create_dir_all(folder).expect("the folder can be made");
    for (name, text) in samples::all() {
        let text = text
            .replace("/static/", "")
            .replace("src=\"/p/harbour/pilot/", "src=\"");
        fs::write(folder.join(format!("{name}.html")), text).expect("a page can be written");
    }
    let badge = badge::badge_svg("certified", "1.4", badge::BadgeTone::Certified);
    for (name, text) in [
        ("style.css", assets::STYLE_CSS),
        ("mark.svg", assets::MARK_SVG),
        ("badge.svg", &badge),
    ] {
        fs::write(folder.join(name), text).expect("a file can be written");
    }
}
