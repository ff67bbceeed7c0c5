//! `/publishers/{publisher}`: a publisher as everybody sees it.

use std::sync::Arc;

use app::App;
use axum::extract::{Path, State};

use super::{Parameters, asked_part, behind, onward, storefront::card};
use crate::{
    answer::{Answer, page},
    pages::public_publisher::PublicPublisherPage,
    view::picture_url,
    viewer::Viewer,
};

/// `GET /publishers/{publisher}?after=`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(publisher): Path<String>,
    parameters: Parameters,
) -> Answer {
    let part = asked_part(&parameters, "after");
    let mut found = app.public_publisher(&publisher, part).await?;
    let path = format!("/publishers/{}", found.slug);
    let onward = onward(
        &mut found.cards,
        part,
        |card| card.product.slug.as_str(),
        |name| behind(&path, "after", name, "#products"),
    );
    page(&PublicPublisherPage {
        slug: found.slug,
        name: found.name,
        website: found.website,
        logo_url: found.logo.as_deref().map(picture_url),
        is_verified: found.is_verified,
        since: viewer.when(found.since),
        products: found.cards.into_iter().map(card).collect(),
        onward,
        layout: viewer.layout,
    })
}
