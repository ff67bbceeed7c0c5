//! A manifest as people read it, item by item.

use std::fmt::Write as _;

use market::{ENGINES, KINDS, ProductManifest, PullAccess, Support};

use crate::{
    markdown::markdown,
    pages::{ManifestItem, product::SupportView},
    view::{Html, escaped, picture_url, price},
};

/// The items' names, in the order of the programme.
pub(super) const TITLES: [(&str, &str); 17] = [
    ("name", "Product name"),
    ("logo", "Logo"),
    ("short_description", "Short description"),
    ("category", "Category"),
    ("tags", "Search tags"),
    ("long_description", "Long description"),
    ("screenshots", "Screenshots"),
    ("support_link", "Support link"),
    ("support", "Support and its service level"),
    ("plans", "Plans"),
    ("installation_instructions", "Installation instructions"),
    ("license", "Licence agreement"),
    ("platform", "Where it runs"),
    ("access", "Who may pull"),
    ("kind", "What it is"),
    ("test_report", "Report on the tests of a plugin"),
    ("service_link", "What the cloud service is"),
];

/// Returns a field's name for people.
pub(super) fn title(field: &str) -> &str {
    let found = TITLES.iter().find(|(name, _)| *name == field);
    found.map_or(field, |(_, title)| title)
}

/// Returns every item, with whether it differs from what was there before.
pub(super) fn items(
    manifest: &ProductManifest,
    is_changed: impl Fn(&str) -> bool,
) -> Vec<ManifestItem> {
    let items = TITLES.iter().map(|(field, title)| ManifestItem {
        field: (*field).to_owned(),
        title: (*title).to_owned(),
        value: value(manifest, field),
        is_changed: is_changed(field),
    });
    items.collect()
}

/// Returns what stands in a field.
pub(super) fn value(manifest: &ProductManifest, field: &str) -> Html {
    match field {
        "name" => text(&manifest.name),
        "logo" => pictures(manifest.logo.as_slice(), "Logo", r#" class="logo""#),
        "short_description" => text(&manifest.short_description),
        "category" => text(&manifest.category),
        "tags" => text(&manifest.tags.join(", ")),
        "long_description" => markdown(&manifest.long_description),
        "screenshots" => Html(format!(
            r#"<div class="shots">{}</div>"#,
            pictures(&manifest.screenshots, "Screenshot", "")
        )),
        "support_link" => link(&manifest.support_link),
        "support" => support(&manifest.support),
        "kind" => {
            let known = KINDS.iter().find(|(kind, _)| *kind == manifest.kind);
            text(known.map_or(manifest.kind.as_str(), |(_, label)| label))
        }
        "test_report" => optional_link(manifest.test_report.as_deref()),
        "service_link" => optional_link(manifest.service_link.as_deref()),
        "plans" => plans(manifest),
        "installation_instructions" => markdown(&manifest.installation_instructions),
        "license" => license(manifest),
        "platform" => {
            let known = ENGINES
                .iter()
                .find(|(platform, _)| *platform == manifest.platform);
            text(known.map_or(manifest.platform.as_str(), |(_, label)| label))
        }
        _ => text(match manifest.access {
            PullAccess::Subscribers => "Subscribers",
            PullAccess::SignedIn => "Everybody with an account",
            PullAccess::Everyone => "Everybody",
        }),
    }
}

fn text(text: &str) -> Html {
    Html(escaped(text).to_string())
}

fn pictures(digests: &[String], what: &str, class: &str) -> Html {
    let mut html = String::new();
    for digest in digests {
        let url = picture_url(digest);
        let _ = write!(
            html,
            r#"<img{class} src="{}" alt="{what}" loading="lazy">"#,
            escaped(&url)
        );
    }
    Html(html)
}

/// Only what a browser cannot run becomes a link.
fn link(address: &str) -> Html {
    let is_safe = ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| address.starts_with(scheme));
    if !is_safe {
        return text(address);
    }
    let address = escaped(address).to_string();
    Html(format!(
        r#"<a href="{address}" rel="nofollow noopener">{address}</a>"#
    ))
}

fn optional_link(address: Option<&str>) -> Html {
    address.map_or_else(|| text("–"), link)
}

fn support(support: &Support) -> Html {
    let view = SupportView::of(support);
    let mut html = String::from("<ul>");
    for (what, address) in [
        ("Website", &view.website),
        ("E-mail", &view.email),
        ("Self-help", &view.resources),
    ] {
        if let Some(address) = address {
            let _ = write!(html, "<li>{what}: {}</li>", link(address));
        }
    }
    for (what, said) in view.sla {
        let _ = write!(html, "<li>{}: {}</li>", escaped(&what), escaped(&said));
    }
    html.push_str("</ul>");
    Html(html)
}

fn plans(manifest: &ProductManifest) -> Html {
    let mut html = String::from("<ul>");
    for plan in &manifest.plans {
        let _ = write!(
            html,
            "<li><strong>{}</strong> (<code>{}</code>), {}: {}",
            escaped(&plan.name),
            escaped(plan.id.as_str()),
            escaped(&price(&plan.price)),
            escaped(&plan.description)
        );
        for (place, source) in plan.sources.iter().enumerate() {
            let before = if place == 0 { "<br>Gives " } else { "; " };
            let _ = write!(
                html,
                "{before}<code>{}</code>",
                escaped(&source.to_string())
            );
        }
        html.push_str("</li>");
    }
    html.push_str("</ul>");
    Html(html)
}

fn license(manifest: &ProductManifest) -> Html {
    let mut html = String::new();
    if let Some(address) = &manifest.license.link {
        let _ = write!(html, "<p>{}</p>", link(address));
    }
    if let Some(text) = &manifest.license.text {
        let _ = write!(
            html,
            r#"<pre class="prose-text" tabindex="0">{}</pre>"#,
            escaped(text)
        );
    }
    Html(html)
}
