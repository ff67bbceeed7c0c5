//! Releases, looked into: tags, the history of an image, its components, two compared.

use std::sync::Arc;

use app::{App, ComponentOrder, ComponentQuery};
use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, Asker, At, SignedIn, within},
    products::ProductPath,
    releases_json::{ComparisonJson, ComponentsJson, ImageHistoryJson, TagsJson},
    words::{ClassJson, DigestJson, ReleaseIdJson, SlugJson, one_of},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_tags))
        .routes(routes!(get_image))
        .routes(routes!(list_components))
        .routes(routes!(compare_releases))
}

/// Which image of which product.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ImagePath {
    /// The publisher's short name.
    #[param(inline)]
    pub(super) publisher: SlugJson,
    /// The product's short name.
    #[param(inline)]
    pub(super) product: SlugJson,
    /// The digest of one platform's manifest.
    #[param(inline)]
    pub(super) image: DigestJson,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// Which page, from 1; beyond the last one, the last one.
    #[serde(default = "one", deserialize_with = "within::<_, 1, 10_000>")]
    #[param(minimum = 1, maximum = 10_000, default = 1)]
    page: i64,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ComponentsQuery {
    /// In name, version, package URL or the names of findings, in any case.
    #[serde(default)]
    q: String,
    /// Of this ecosystem: the type of package URLs, such as `deb`.
    #[serde(default)]
    ecosystem: String,
    /// With a finding of this class.
    #[param(inline)]
    class: Option<ClassJson>,
    /// Of this layer, counted from 1, lowest first.
    #[serde(default, deserialize_with = "within::<_, 0, 10_000>")]
    #[param(minimum = 0, maximum = 10_000, default = 0)]
    layer: i64,
    /// With a finding that is fixed somewhere.
    #[serde(default)]
    fixable: bool,
    /// With a finding that CISA lists as exploited.
    #[serde(default)]
    exploited: bool,
    /// With a finding that EPSS expects to be exploited within 30 days with at least this
    /// percentage.
    #[serde(default, deserialize_with = "within::<_, 0, 100>")]
    #[param(minimum = 0, maximum = 100, default = 0)]
    epss: i64,
    /// In which order.
    #[serde(default)]
    #[param(inline)]
    order: OrderJson,
    /// Which page, from 1; beyond the last one, the last one.
    #[serde(default = "one", deserialize_with = "within::<_, 1, 10_000>")]
    #[param(minimum = 1, maximum = 10_000, default = 1)]
    page: i64,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ComparisonQuery {
    /// The older release; without it, the one before the newer.
    #[param(inline)]
    old: Option<ReleaseIdJson>,
    /// The newer release; without it, the newest.
    #[param(inline)]
    new: Option<ReleaseIdJson>,
}

pub(super) fn one() -> i64 {
    1
}

/// How components are ordered.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(try_from = "String")]
struct OrderJson(ComponentOrder);

impl TryFrom<String> for OrderJson {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        let words = || ComponentOrder::ALL.iter().map(|order| order.as_str());
        let known = ComponentOrder::of_word(&word).map(Self);
        known.ok_or_else(|| format!("use one of: {}", words().collect::<Vec<_>>().join(", ")))
    }
}

impl PartialSchema for OrderJson {
    fn schema() -> RefOr<Schema> {
        one_of(ComponentOrder::ALL.iter().map(|order| order.as_str()))
    }
}

impl ToSchema for OrderJson {
    fn name() -> std::borrow::Cow<'static, str> {
        "ComponentOrder".into()
    }
}

pub(super) fn place(page: i64) -> usize {
    usize::try_from(page).unwrap_or(1)
}

/// Returns a product's releases with their platforms, newest first.
#[utoipa::path(get, path = "/products/{publisher}/{product}/tags", tag = "products", security(()), params(ProductPath, PageQuery),
    responses((status = 200, description = "A page of releases.", body = TagsJson)))]
async fn list_tags(
    State(app): State<Arc<App>>,
    Asker(actor): Asker,
    At(at): At<ProductPath>,
    Asked(query): Asked<PageQuery>,
) -> Answer<Json<TagsJson>> {
    let names = (at.publisher.as_str(), at.product.as_str());
    let page = app.tags_page(&actor, names, place(query.page)).await?;
    Ok(Json(page.into()))
}

/// Returns how one platform's image came to be; what is in it only to its publisher and the staff.
#[utoipa::path(get, path = "/products/{publisher}/{product}/images/{image}", tag = "products", security(()), params(ImagePath),
    responses((status = 200, description = "The image.", body = ImageHistoryJson)))]
async fn get_image(
    State(app): State<Arc<App>>,
    Asker(actor): Asker,
    At(at): At<ImagePath>,
) -> Answer<Json<ImageHistoryJson>> {
    let names = (at.publisher.as_str(), at.product.as_str());
    let page = app.image_page(&actor, names, at.image.as_str()).await?;
    Ok(Json(page.into()))
}

/// Returns the components of an image that are asked for, with their findings.
#[utoipa::path(get, path = "/products/{publisher}/{product}/images/{image}/components", tag = "products", params(ImagePath, ComponentsQuery),
    responses((status = 200, description = "A page of components.", body = ComponentsJson)))]
async fn list_components(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ImagePath>,
    Asked(asked): Asked<ComponentsQuery>,
) -> Answer<Json<ComponentsJson>> {
    let names = (at.publisher.as_str(), at.product.as_str());
    let query = ComponentQuery {
        text: asked.q,
        ecosystem: asked.ecosystem,
        class: asked.class.map(|class| class.0),
        layer: Some(place(asked.layer)).filter(|layer| *layer > 0),
        fixable: asked.fixable,
        exploited: asked.exploited,
        epss: u8::try_from(asked.epss).unwrap_or_default(),
        order: asked.order.0,
    };
    let image = (names, at.image.as_str());
    let page = app
        .components_page(&actor, image, &query, place(asked.page))
        .await?;
    Ok(Json(page.into()))
}

/// Compares two releases; components and findings only for the publisher and the staff.
#[utoipa::path(get, path = "/products/{publisher}/{product}/comparison", tag = "products", security(()), params(ProductPath, ComparisonQuery),
    responses((status = 200, description = "What differs.", body = ComparisonJson)))]
async fn compare_releases(
    State(app): State<Arc<App>>,
    Asker(actor): Asker,
    At(at): At<ProductPath>,
    Asked(asked): Asked<ComparisonQuery>,
) -> Answer<Json<ComparisonJson>> {
    let names = (at.publisher.as_str(), at.product.as_str());
    let old = asked.old.as_ref().map(|id| id.as_str());
    let new = asked.new.as_ref().map(|id| id.as_str());
    let page = app.compare_releases(&actor, names, (old, new)).await?;
    Ok(Json(page.into()))
}
