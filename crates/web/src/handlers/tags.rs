//! `/p/{publisher}/{product}/tags`.

use std::sync::Arc;

use app::{App, ImageOutline, ProductView, TagView};
use axum::extract::{Path, State};

use super::{Parameters, asked_page, count, paging};
use crate::{
    answer::{Answer, page},
    pages::tags::{PlatformLine, ProductLine, TagPanel, TagsPage},
    view::Digest,
    viewer::Viewer,
};

/// `GET /p/{publisher}/{product}/tags?page=`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path((publisher, product)): Path<(String, String)>,
    parameters: Parameters,
) -> Answer {
    let names = (publisher.as_str(), product.as_str());
    let asked = asked_page(&parameters);
    let found = app.tags_page(&viewer.actor, names, asked).await?;
    let product = product_line(&found.of);
    let url = product.url.clone();
    let place = (found.page, found.total, app::TagsPage::SIZE);
    let first = place.0 == place.1.div_ceil(place.2).max(1);
    let last = found.tags.len();
    let panels = found.tags.into_iter().enumerate().map(|(place, tag)| {
        // The oldest one has nothing before it.
        let is_oldest = first && place + 1 == last;
        tag_panel(tag, (&url, is_oldest), &viewer)
    });
    page(&TagsPage {
        tags: panels.collect(),
        paging: paging(place, |page| format!("{url}/tags?page={page}")),
        product,
        layout: viewer.layout,
    })
}

/// Returns the product that a page is about.
pub(super) fn product_line(of: &ProductView) -> ProductLine {
    let listed = of.product.listed.as_ref().map(|listed| listed.name.clone());
    ProductLine {
        name: listed.unwrap_or_else(|| of.product.slug.to_string()),
        publisher: of.publisher.legal_name.clone(),
        url: format!("/p/{}/{}", of.publisher.slug, of.product.slug),
        is_public: of.product.state.is_public(),
    }
}

fn tag_panel(tag: TagView, (url, is_oldest): (&str, bool), viewer: &Viewer) -> TagPanel {
    let release = tag.release;
    TagPanel {
        compare_url: (!is_oldest).then(|| format!("{url}/compare?new={}", release.id)),
        tag: release.tag,
        plans: (tag.plans).map(|plans| plans.into_iter().map(|(_, name)| name).collect()),
        digest: Digest(release.digest),
        is_certified: release.certified,
        released_at: viewer.when(release.released_at),
        platforms: tag
            .images
            .into_iter()
            .map(|image| platform_line(url, image))
            .collect(),
    }
}

fn platform_line(url: &str, image: ImageOutline) -> PlatformLine {
    PlatformLine {
        platform: image.platform,
        os: system(image.distribution.unwrap_or_default()),
        size: count(image.size),
        url: format!("{url}/images/{}", image.digest),
        digest: Digest(image.digest),
    }
}

/// Returns a distribution's name as pages show it.
pub(super) fn system(distribution: String) -> String {
    match distribution.is_empty() {
        true => "no distribution".to_owned(),
        false => distribution,
    }
}
