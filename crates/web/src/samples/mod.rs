//! Pages full of plausible data, for the tests that render every template.

mod classes;
mod draft_versions;
mod imports;
mod market_side;
mod operating;
mod own_advisories;
mod people;
mod publishing;
mod releases;
mod reviewing;
mod templates;
mod vex;
mod webhooks;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use crate::view::{Csrf, Digest, Flash, Layout, Viewer, When};

/// Every page with every sample: a name for the file, the page as HTML.
pub(crate) fn all() -> Vec<(&'static str, String)> {
    [
        classes::pages(),
        draft_versions::pages(),
        imports::pages(),
        market_side::pages(),
        operating::pages(),
        own_advisories::pages(),
        people::pages(),
        publishing::pages(),
        releases::pages(),
        reviewing::pages(),
        templates::pages(),
        vex::pages(),
        webhooks::pages(),
    ]
    .concat()
}

fn page(name: &'static str, template: &impl Template) -> (&'static str, String) {
    (name, template.render().expect("the template renders"))
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).expect("a time")
}

fn ago(hours: i64) -> When {
    When::new(now() - TimeDelta::hours(hours), now())
}

fn digest(start: &str) -> Digest {
    Digest(format!("sha256:{start:0<64}"))
}

/// Returns the ways to what counts, which is shown, and to what no longer does.
fn which(path: &str) -> Vec<(&'static str, String, bool)> {
    vec![
        ("In force", path.to_owned(), true),
        ("No longer", format!("{path}?over=1"), false),
    ]
}

fn layout(path: &str, viewer: Option<Viewer>) -> Layout {
    Layout {
        market_name: "Harbour Market".to_owned(),
        viewer,
        csrf: Csrf("token-of-the-form".to_owned()),
        flash: None,
        query: String::new(),
        path: path.to_owned(),
    }
}

fn said(mut layout: Layout, is_error: bool, text: &str) -> Layout {
    layout.flash = Some(Flash {
        is_error,
        text: text.to_owned(),
    });
    layout
}

fn customer() -> Option<Viewer> {
    Some(Viewer {
        name: "ada".to_owned(),
        ..Viewer::default()
    })
}

fn publisher() -> Option<Viewer> {
    Some(Viewer {
        name: "grace".to_owned(),
        is_publisher: true,
        ..Viewer::default()
    })
}

fn reviewer() -> Option<Viewer> {
    Some(Viewer {
        name: "robin".to_owned(),
        is_reviewer: true,
        ..Viewer::default()
    })
}

fn operator() -> Option<Viewer> {
    Some(Viewer {
        name: "olive".to_owned(),
        is_publisher: true,
        is_reviewer: true,
        is_operator: true,
        unread: 3,
    })
}
