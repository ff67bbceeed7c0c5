//! `/publishers/{publisher}`: a publisher as everybody sees it.

use std::sync::Arc;

use app::App;
use axum::extract::{Path, State};

use super::storefront::card;
use crate::{
    answer::{Answer, page},
    pages::public_publisher::PublicPublisherPage,
    view::picture_url,
    viewer::Viewer,
};

/// `GET /publishers/{publisher}`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(publisher): Path<String>,
) -> Answer {
    let found = app.public_publisher(&publisher).await?;
    page(&PublicPublisherPage {
        slug: found.slug,
        name: found.name,
        website: found.website,
        logo_url: found.logo.as_deref().map(picture_url),
        is_verified: found.is_verified,
        since: viewer.when(found.since),
        products: found.cards.into_iter().map(card).collect(),
        layout: viewer.layout,
    })
}
