//! Releases, looked into: tags and platforms, the history of an image, its components with what
//! is wrong with them, the files of its layers, and what differs between two releases.
//!
//! Layers and history are everybody's; components, files and findings are the publisher's and the
//! staff's, and theirs who may pull once the publisher opened them, and stand in parts of their
//! own that are not even made for others. What was not released is nobody else's in any case.

mod compare;
mod components;
mod files;
mod fixes;
mod image;

use market::{Action, ProductId, RepositoryAction, SubmissionId, origins_of};
use store::{
    Tx,
    images::{ImageOutline, ImageRow},
    products::Product,
    publishers::Publisher,
    releases::Release,
};

pub(crate) use self::compare::{Side, content_difference};
pub use self::{
    compare::{ComparisonPage, ContentDifference, FindingChange, InsideDifference},
    components::{ComponentOrder, ComponentQuery, ComponentRow, ComponentsPage},
    files::{FileQuery, FilesPage, LayerFile},
    fixes::{Fix, Update},
    image::{HistoryStep, ImageHead, ImageInside, ImagePage, LayerContents, StepLayer},
};
use crate::{
    Actor, App, AppError,
    inspection::{ImageContent, blocking},
    storefront::without_private,
};

/// A product whose releases are looked into.
#[derive(Debug, Clone)]
pub struct ProductView {
    /// Who publishes it.
    pub publisher: Publisher,
    /// The product, without its draft.
    pub product: Product,
    /// Whether the asker may see components and findings.
    pub may_see_inside: bool,
    /// Whether the asker may see what was submitted and not released.
    pub may_see_submissions: bool,
}

/// A release with its platforms.
#[derive(Debug, Clone)]
pub struct TagView {
    /// The release.
    pub release: Release,
    /// Each platform by itself.
    pub images: Vec<ImageOutline>,
    /// The short names and names of the plans that give it; none where every plan gives
    /// everything.
    pub plans: Option<Vec<(String, String)>>,
}

/// A page of a product's releases.
#[derive(Debug, Clone)]
pub struct TagsPage {
    /// The product.
    pub of: ProductView,
    /// The releases, newest first.
    pub tags: Vec<TagView>,
    /// How many there are on all pages.
    pub total: usize,
    /// Which page this is, from 1.
    pub page: usize,
}

impl TagsPage {
    /// Releases on one page.
    pub const SIZE: usize = 20;
}

/// Returns the page nearest to the one asked for, and where it begins.
pub(crate) fn page_of(asked: usize, total: usize, size: usize) -> (usize, usize) {
    let page = asked.clamp(1, total.div_ceil(size).max(1));
    (page, (page - 1) * size)
}

impl App {
    /// Returns a product's releases with their platforms.
    ///
    /// # Errors
    /// There is no such product that the asker may look into.
    pub async fn tags_page(
        &self,
        actor: &Actor,
        names: (&str, &str),
        page: usize,
    ) -> Result<TagsPage, AppError> {
        let mut tx = self.read().await?;
        let of = self.product_view(&mut tx, actor, names).await?;
        let releases = store::releases::of_product(&mut tx, &of.product.id).await?;
        let total = releases.len();
        let (page, start) = page_of(page, total, TagsPage::SIZE);
        let plans = self.plans_by_digest(&mut tx, &of.product.id).await?;
        let mut tags = Vec::new();
        for release in releases.into_iter().skip(start).take(TagsPage::SIZE) {
            let images = outlines(&mut tx, &release.submission_id).await?;
            let plans = plans.as_ref().map(|giving| giving(&release.digest));
            tags.push(TagView {
                release,
                images,
                plans,
            });
        }
        Ok(TagsPage {
            of,
            tags,
            total,
            page,
        })
    }

    /// Returns what tells which plans give what was released under a digest; nothing where every
    /// plan gives everything.
    async fn plans_by_digest(
        &self,
        tx: &mut Tx,
        product: &ProductId,
    ) -> Result<Option<impl Fn(&str) -> Vec<(String, String)> + use<>>, AppError> {
        let product = store::products::find(tx, product).await?;
        let limited = product.and_then(|product| Some((product.id, product.listed?.0)));
        let Some((id, listed)) = limited.filter(|(_, listed)| listed.has_limited_plans()) else {
            return Ok(None);
        };
        let releases = self.origins_for_plans(tx, &id, &listed).await?;
        Ok(Some(move |digest: &str| {
            let origins = origins_of(&releases, digest);
            let giving = listed.plans_giving(&origins);
            giving
                .map(|plan| (plan.id.to_string(), plan.name.clone()))
                .collect()
        }))
    }

    /// Returns whether the asker may see inside of what a product was released under a digest,
    /// or of a platform of it: where their plan gives it.
    async fn sees_inside(
        &self,
        tx: &mut Tx,
        (actor, of): (&Actor, &ProductView),
        digests: &[&str],
    ) -> Result<bool, AppError> {
        if !of.may_see_inside || of.may_see_submissions {
            return Ok(of.may_see_inside);
        }
        let Some(product) = store::products::find(tx, &of.product.id).await? else {
            return Ok(false);
        };
        let has = self.entitlement(tx, actor, &product).await?;
        let name = format!("{}/{}", of.publisher.slug, of.product.slug);
        for digest in digests.iter().filter(|_| has.is_limited()) {
            if !has.gives(&store::entitlements::origins(tx, &name, digest).await?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns a product that is on the market, or whose submissions the asker may read; any
    /// other is told not to exist.
    async fn product_view(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        (publisher, product): (&str, &str),
    ) -> Result<ProductView, AppError> {
        let (publisher, product) = self.product_by_name(tx, publisher, product).await?;
        let roles = self.roles(tx, actor, Some(&publisher.id)).await?;
        let may_see_submissions =
            crate::actor::check(actor, Action::ReadSubmission, &roles).is_ok();
        if !(may_see_submissions || product.state.is_public()) {
            let name = format!("{}/{}", publisher.slug, product.slug);
            return Err(AppError::not_found("product", name));
        }
        let is_open = product.inside_opened_at.is_some();
        let name = format!("{}/{}", publisher.slug, product.slug);
        let may_see_inside = may_see_submissions
            || is_open
                && actor.scopes_allow(&name, RepositoryAction::Pull)
                && !self.entitlement(tx, actor, &product).await?.is_nothing();
        Ok(ProductView {
            publisher,
            may_see_inside,
            product: without_private(product),
            may_see_submissions,
        })
    }
}

/// Returns a submission's images without their content.
async fn outlines(tx: &mut Tx, id: &SubmissionId) -> Result<Vec<ImageOutline>, AppError> {
    let outlines = store::images::outlines_of_submission(tx, id).await?;
    if outlines.iter().all(|image| image.distribution.is_some()) {
        return Ok(outlines);
    }
    // Images from before the distribution had a column of its own.
    let outline = |(row, content): (ImageRow, ImageContent)| ImageOutline {
        distribution: Some(content.distribution().to_owned()),
        digest: row.digest,
        platform: row.platform,
        size: row.size,
    };
    let contents = contents(tx, id).await?;
    Ok(contents.into_iter().map(outline).collect())
}

/// Returns a submission's images with their content.
pub(crate) async fn contents(
    tx: &mut Tx,
    id: &SubmissionId,
) -> Result<Vec<(ImageRow, ImageContent)>, AppError> {
    let rows = store::images::of_submission(tx, id).await?;
    let decode = |row: ImageRow| {
        let content = ImageContent::decode(&row.content)?;
        Ok((row, content))
    };
    blocking(move || rows.into_iter().map(decode).collect()).await?
}

/// Returns the release of a product with this identifier among its releases.
fn release_of<'a>(
    releases: &'a [Release],
    id: &str,
    product: &str,
) -> Result<&'a Release, AppError> {
    let found = releases.iter().find(|release| release.id.as_str() == id);
    found.ok_or_else(|| AppError::not_found("release", format!("{id} of {product}")))
}
