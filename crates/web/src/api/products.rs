//! What everybody sees: search and product pages.

use std::sync::Arc;

use app::{App, ImageView, LayerView, ListingCard, ProductPage, Publisher, Release, Search};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, Asker, At, LaterQuery, within},
    manifest::{ManifestJson, PlanGivesJson, PlanJson},
    publishers::PublisherPath,
    subscriptions::SubscriptionJson,
    words::{CategoryJson, ListingStateJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(search_products))
        .routes(routes!(get_product))
        .routes(routes!(get_public_publisher))
}

/// Which product.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ProductPath {
    /// The publisher's short name.
    #[param(inline)]
    pub(super) publisher: SlugJson,
    /// The product's short name.
    #[param(inline)]
    pub(super) product: SlugJson,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// Words, all of which must occur, if only within another.
    #[serde(default)]
    q: String,
    /// One category only.
    #[param(inline)]
    category: Option<CategoryJson>,
    /// Certified products only.
    #[serde(default)]
    certified: bool,
    /// Which page, from 1.
    #[serde(default = "first_page", deserialize_with = "within::<_, 1, 10_000>")]
    #[param(minimum = 1, maximum = 10_000, default = 1)]
    page: i64,
}

pub(super) fn first_page() -> i64 {
    1
}

/// A page of search results.
#[derive(Serialize, ToSchema)]
struct CatalogJson {
    /// The products, certified and newest first.
    items: Vec<CardJson>,
    /// How many there are on all pages; at least, where there are more.
    total: i64,
    /// Whether there are more than were counted.
    more: bool,
    /// Which page this is, from 1.
    page: i64,
    /// How many pages there are, as far as they were counted; of words that many products have,
    /// the first 4,800 are on them.
    pages: i64,
    /// The categories that have products.
    categories: Vec<CategoryCountJson>,
}

/// A category and how many products it has.
#[derive(Serialize, ToSchema)]
struct CategoryCountJson {
    /// Its name.
    name: String,
    /// How many.
    products: i64,
}

/// A product among search results.
#[derive(Serialize, ToSchema)]
struct CardJson {
    /// The publisher's short name.
    publisher: String,
    /// The publisher's legal name.
    publisher_name: String,
    /// The product's short name.
    product: SlugJson,
    /// The product's name.
    name: String,
    /// What it is, in a sentence or two.
    short_description: String,
    /// Its category.
    category: String,
    /// Digest of its logo.
    logo: Option<String>,
    /// `listed` or `on-hold`.
    state: ListingStateJson,
    /// Whether the newest release bears the mark.
    certified: bool,
    /// The cheapest plan.
    cheapest: Option<PlanJson>,
}

/// A publisher and what it has on the market, as everybody sees it.
#[derive(Serialize, ToSchema)]
struct PublisherOnMarketJson {
    /// Its short name.
    slug: String,
    /// Legal entity.
    legal_name: String,
    /// Company website.
    website: String,
    /// Digest of its logo.
    logo: Option<String>,
    /// Whether the operator verified it.
    is_verified: bool,
    /// Since when it is here.
    since: DateTime<Utc>,
    /// What it has on the market, by short name.
    products: Vec<CardJson>,
}

/// A product as everybody sees it.
#[derive(Serialize, ToSchema)]
struct ProductJson {
    /// Who publishes it.
    publisher: PublicPublisherJson,
    /// Its short name.
    product: SlugJson,
    /// `listed` or `on-hold`.
    state: ListingStateJson,
    /// Since when it is on hold.
    held_at: Option<DateTime<Utc>>,
    /// Whether the newest release bears the mark.
    certified: bool,
    /// The listed manifest.
    manifest: Option<ManifestJson>,
    /// What each of its plans gives.
    gives: Vec<PlanGivesJson>,
    /// Its releases, newest first.
    releases: Vec<ReleaseJson>,
    /// The newest release's platforms.
    images: Vec<ImageJson>,
    /// Certification checks of the newest release that passed.
    checks_passed: usize,
    /// Certification checks that applied.
    checks_total: usize,
    /// When the newest release was last inspected.
    scanned_at: Option<DateTime<Utc>>,
    /// When the advisory database was made, RFC 3339.
    advisories_at: String,
    /// The asker's subscription.
    subscription: Option<SubscriptionJson>,
    /// Whether the asker may pull; of what, their plan says.
    may_pull: bool,
}

/// A publisher as everybody sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct PublicPublisherJson {
    /// Its short name.
    slug: SlugJson,
    /// Legal entity.
    legal_name: String,
    /// Company website.
    website: String,
    /// Digest of its logo.
    logo: Option<String>,
}

/// A signed and public image.
#[derive(Serialize, ToSchema)]
struct ReleaseJson {
    /// Its tag.
    tag: String,
    /// What was signed.
    digest: String,
    /// With which key.
    key_id: String,
    /// Whether it bears the mark.
    certified: bool,
    /// When.
    released_at: DateTime<Utc>,
}

/// One platform of an image.
#[derive(Serialize, ToSchema)]
pub(super) struct ImageJson {
    /// `os/architecture`.
    platform: String,
    /// Of the platform's manifest.
    digest: String,
    /// Bytes of all layers as pushed.
    size: u64,
    /// The distribution inside.
    distribution: Option<String>,
    /// The layers, lowest first.
    layers: Vec<LayerJson>,
}

/// A layer.
#[derive(Serialize, ToSchema)]
pub(super) struct LayerJson {
    /// Of the layer as pushed.
    digest: String,
    /// Bytes as pushed.
    size: u64,
    /// The instruction that made it.
    instruction: String,
    /// When, as the builder wrote it.
    created: Option<String>,
}

/// Searches the market.
#[utoipa::path(get, path = "/products", tag = "products", security(()), params(SearchQuery),
    responses((status = 200, description = "A page of results.", body = CatalogJson)))]
async fn search_products(
    State(app): State<Arc<App>>,
    Asker(_): Asker,
    Asked(query): Asked<SearchQuery>,
) -> Answer<Json<CatalogJson>> {
    let search = Search {
        text: query.q,
        category: query
            .category
            .map(|category| category.0)
            .unwrap_or_default(),
        certified: query.certified,
        on_hold: false,
    };
    let page = app.search(&search, query.page).await?;
    let categories = page.categories.into_iter();
    Ok(Json(CatalogJson {
        items: page.cards.into_iter().map(CardJson::from).collect(),
        total: page.total,
        more: page.more,
        page: page.page,
        pages: page.pages,
        categories: categories
            .map(|(name, products)| CategoryCountJson { name, products })
            .collect(),
    }))
}

/// Returns a product that is on the market.
#[utoipa::path(get, path = "/products/{publisher}/{product}", tag = "products", security(()), params(ProductPath),
    responses((status = 200, description = "The product.", body = ProductJson)))]
async fn get_product(
    State(app): State<Arc<App>>,
    Asker(actor): Asker,
    At(at): At<ProductPath>,
) -> Answer<Json<ProductJson>> {
    let page = app
        .product_page(&actor, at.publisher.as_str(), at.product.as_str())
        .await?;
    Ok(Json(page.into()))
}

/// Returns a publisher as everybody sees it: one that is verified, or has something on the market; with a part of that by short name.
#[utoipa::path(get, path = "/products/{publisher}", tag = "products", security(()), params(PublisherPath, LaterQuery),
    responses((status = 200, description = "The publisher.", body = PublisherOnMarketJson)))]
async fn get_public_publisher(
    State(app): State<Arc<App>>,
    Asker(_): Asker,
    At(at): At<PublisherPath>,
    Asked(query): Asked<LaterQuery>,
) -> Answer<Json<PublisherOnMarketJson>> {
    let slug = at.publisher.as_str();
    let found = app.public_publisher(slug, query.part()).await?;
    Ok(Json(PublisherOnMarketJson {
        slug: found.slug,
        legal_name: found.name,
        website: found.website,
        logo: found.logo,
        is_verified: found.is_verified,
        since: found.since,
        products: found.cards.into_iter().map(Into::into).collect(),
    }))
}

impl From<ListingCard> for CardJson {
    fn from(card: ListingCard) -> Self {
        let product = card.product;
        let listed = product.listed.map(|listed| listed.0).unwrap_or_default();
        Self {
            publisher: card.publisher,
            publisher_name: card.publisher_name,
            product: product.slug.into(),
            name: listed.name,
            short_description: listed.short_description,
            category: listed.category,
            logo: listed.logo,
            state: product.state.into(),
            certified: product.certified,
            cheapest: card.cheapest.map(PlanJson::from),
        }
    }
}

impl From<ProductPage> for ProductJson {
    fn from(page: ProductPage) -> Self {
        let name = format!("{}/{}", page.publisher.slug, page.product.slug);
        let subscription = page.subscription.map(|own| SubscriptionJson::of(name, own));
        Self {
            publisher: page.publisher.into(),
            product: page.product.slug.into(),
            state: page.product.state.into(),
            held_at: page.product.held_at,
            certified: page.product.certified,
            manifest: page.product.listed.map(|listed| listed.0.into()),
            gives: page.gives.into_iter().map(Into::into).collect(),
            releases: page.releases.into_iter().map(ReleaseJson::from).collect(),
            images: page.images.into_iter().map(ImageJson::from).collect(),
            checks_passed: page.checks.0,
            checks_total: page.checks.1,
            scanned_at: page.scanned_at,
            advisories_at: page.advisories_at,
            subscription,
            may_pull: page.may_pull,
        }
    }
}

impl From<Publisher> for PublicPublisherJson {
    fn from(publisher: Publisher) -> Self {
        Self {
            slug: publisher.slug.into(),
            legal_name: publisher.legal_name,
            website: publisher.website,
            logo: publisher.logo,
        }
    }
}

impl From<Release> for ReleaseJson {
    fn from(release: Release) -> Self {
        Self {
            tag: release.tag,
            digest: release.digest,
            key_id: release.key_id,
            certified: release.certified,
            released_at: release.released_at,
        }
    }
}

impl From<ImageView> for ImageJson {
    fn from(image: ImageView) -> Self {
        Self {
            platform: image.platform,
            digest: image.digest,
            size: image.size,
            distribution: image.distribution,
            layers: image.layers.into_iter().map(LayerJson::from).collect(),
        }
    }
}

impl From<LayerView> for LayerJson {
    fn from(layer: LayerView) -> Self {
        Self {
            digest: layer.digest,
            size: layer.size,
            instruction: layer.instruction,
            created: layer.created,
        }
    }
}
