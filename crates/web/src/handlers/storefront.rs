//! `/` and `/search`.

use std::sync::Arc;

use app::{App, CatalogPage, ListingCard, Search};
use axum::extract::State;
use market::ListingState;

use super::{Parameters, count, paging_of};
use crate::{
    answer::{Answer, page},
    pages::storefront::{CategoryLink, ProductCard, StorefrontPage},
    view::{Paging, picture_url, price, urlencoded},
    viewer::Viewer,
};

/// `GET /`
pub(crate) async fn show_front(State(app): State<Arc<App>>, viewer: Viewer) -> Answer {
    let search = Search::default();
    let found = app.search(&search, 1).await?;
    page(&view(viewer, &search, found, true))
}

/// `GET /search?q=&category=&certified=&page=`
pub(crate) async fn show_search(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parameters: Parameters,
) -> Answer {
    let text = |name: &str| parameters.get(name).cloned().unwrap_or_default();
    let search = Search {
        text: text("q"),
        category: text("category"),
        certified: text("certified") == "true",
        on_hold: false,
    };
    let found = app
        .search(&search, text("page").parse().unwrap_or(1))
        .await?;
    page(&view(viewer, &search, found, false))
}

fn view(mut viewer: Viewer, search: &Search, found: CatalogPage, is_front: bool) -> StorefrontPage {
    viewer.layout.query.clone_from(&search.text);
    let category = |name: &String, products: i64| CategoryLink {
        name: name.clone(),
        count: count(products),
        url: url(
            &Search {
                category: name.clone(),
                ..search.clone()
            },
            1,
        ),
        is_current: *name == search.category,
    };
    let toggled = Search {
        certified: !search.certified,
        ..search.clone()
    };
    StorefrontPage {
        layout: viewer.layout,
        is_front,
        category: Some(search.category.clone()).filter(|name| !name.is_empty()),
        is_certified_only: search.certified,
        categories: found
            .categories
            .iter()
            .map(|(name, products)| category(name, *products))
            .collect(),
        certified_toggle_url: url(&toggled, 1),
        paging: paging(search, &found),
        market_total: found
            .categories
            .iter()
            .map(|(_, products)| count(*products))
            .sum(),
        products: found.cards.into_iter().map(card).collect(),
    }
}

fn paging(search: &Search, found: &CatalogPage) -> Paging {
    let of = (found.total, found.more);
    paging_of((found.page, CatalogPage::SIZE), of, |page| {
        url(search, page)
    })
}

/// Returns the address of a search; what is not asked for is not in it.
fn url(search: &Search, page: i64) -> String {
    let mut pairs = Vec::new();
    for (name, value) in [("q", &search.text), ("category", &search.category)] {
        if !value.is_empty() {
            pairs.push(format!("{name}={}", urlencoded(value)));
        }
    }
    if search.certified {
        pairs.push("certified=true".to_owned());
    }
    if page > 1 {
        pairs.push(format!("page={page}"));
    }
    let mark = if pairs.is_empty() { "" } else { "?" };
    format!("/search{mark}{}", pairs.join("&"))
}

pub(super) fn card(card: ListingCard) -> ProductCard {
    let product = card.product;
    let listed = product.listed.map(|listed| listed.0).unwrap_or_default();
    let several = listed.plans.len() > 1;
    ProductCard {
        url: format!("/p/{}/{}", card.publisher, product.slug),
        name: listed.name,
        publisher: card.publisher_name,
        is_publisher_verified: card.publisher_verified,
        logo_url: listed.logo.as_deref().map(picture_url),
        short_description: listed.short_description,
        category: listed.category,
        is_certified: product.certified,
        is_on_hold: product.state == ListingState::OnHold,
        price_from: match card.cheapest {
            Some(plan) if several && plan.price.amount_minor > 0 => {
                format!("from {}", price(&plan.price))
            }
            Some(plan) => price(&plan.price),
            None => String::new(),
        },
    }
}
