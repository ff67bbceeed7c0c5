//! What everybody sees: search and product pages. Nothing here names a component, a
//! vulnerability, a staging path or a buyer.

use certify::Status;
use chrono::{DateTime, Utc};
use market::{
    Action, Entitlement, ListingState, Plan, PlanGives, ProductId, ProductManifest, PublisherState,
    ReleasedOrigin, SubmissionId, origins_of,
};
use store::{
    Part, Tx,
    products::Product,
    publishers::Publisher,
    releases::Release,
    search::{MOST_FOUND, Search},
    subscriptions::Subscription,
};

use crate::{Actor, App, AppError, inspection::ImageContent};

/// A product among search results.
#[derive(Debug, Clone)]
pub struct ListingCard {
    /// The publisher's short name.
    pub publisher: String,
    /// The publisher's name.
    pub publisher_name: String,
    /// Whether the operator verified the publisher.
    pub publisher_verified: bool,
    /// The product; its listed manifest is there.
    pub product: Product,
    /// The cheapest plan.
    pub cheapest: Option<Plan>,
}

/// A publisher as everybody sees it.
#[derive(Debug, Clone)]
pub struct PublicPublisher {
    /// Its short name.
    pub slug: String,
    /// Its legal name.
    pub name: String,
    /// Its website.
    pub website: String,
    /// Digest of its logo.
    pub logo: Option<String>,
    /// Whether the operator verified it.
    pub is_verified: bool,
    /// Since when it is here.
    pub since: DateTime<Utc>,
    /// What it has on the market, by name.
    pub cards: Vec<ListingCard>,
}

/// A page of search results.
#[derive(Debug, Clone)]
pub struct CatalogPage {
    /// The products.
    pub cards: Vec<ListingCard>,
    /// How many there are in all; at least, where there are more.
    pub total: i64,
    /// Whether there are more than were counted.
    pub more: bool,
    /// Which page this is, from 1.
    pub page: i64,
    /// How many pages there are, as far as they were counted.
    pub pages: i64,
    /// Categories with how many products each has.
    pub categories: Vec<(String, i64)>,
}

/// A layer as everybody may see it.
#[derive(Debug, Clone)]
pub struct LayerView {
    /// Of the layer as pushed.
    pub digest: String,
    /// Bytes as pushed.
    pub size: u64,
    /// The instruction that made it.
    pub instruction: String,
    /// When, RFC 3339, as the builder wrote it.
    pub created: Option<String>,
}

/// One platform of a release.
#[derive(Debug, Clone)]
pub struct ImageView {
    /// `os/architecture`.
    pub platform: String,
    /// Of the platform's manifest.
    pub digest: String,
    /// Bytes of all layers as pushed.
    pub size: u64,
    /// The distribution inside.
    pub distribution: Option<String>,
    /// The layers, lowest first.
    pub layers: Vec<LayerView>,
}

/// A certification check as everybody may see it: without evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicCheck {
    /// Its id.
    pub id: String,
    /// What was checked.
    pub title: String,
    /// What passing it proves.
    pub proves: &'static str,
    /// How much it matters.
    pub level: certify::Level,
    /// Whether every platform passed it.
    pub passed: bool,
    /// Whether it failed, and the certification team let the product not pass it.
    pub waived: bool,
}

/// A submission, looked into as far as consumers may.
#[derive(Debug, Default)]
pub(crate) struct PublicInside {
    pub(crate) images: Vec<ImageView>,
    checks: (usize, usize),
    pub(crate) check_results: Vec<PublicCheck>,
    scanned_at: Option<DateTime<Utc>>,
}

/// A product as everybody sees it.
#[derive(Debug, Clone)]
pub struct ProductPage {
    /// Who publishes it.
    pub publisher: Publisher,
    /// The product; its listed manifest is there.
    pub product: Product,
    /// What each of its plans gives.
    pub gives: Vec<PlanGives>,
    /// Its releases, newest first.
    pub releases: Vec<Release>,
    /// Which of them is the newest that the asker's plan gives, or the free plans where nobody
    /// needs one; where no plan is limited, or none can be pulled by now, the newest.
    pub given: Option<usize>,
    /// The newest release's platforms.
    pub images: Vec<ImageView>,
    /// Certification checks of the newest release that passed, and how many there were.
    pub checks: (usize, usize),
    /// Those checks: each once, with its worst outcome over the platforms.
    pub check_results: Vec<PublicCheck>,
    /// When the newest release was last compared with the advisories.
    pub scanned_at: Option<DateTime<Utc>>,
    /// When the advisory database was made, RFC 3339.
    pub advisories_at: String,
    /// The asker's subscription.
    pub subscription: Option<Subscription>,
    /// Whether the asker may pull.
    pub may_pull: bool,
    /// Whether accepted statements about vulnerabilities are public.
    pub has_statements: bool,
}

impl CatalogPage {
    /// Products on one page.
    pub const SIZE: i64 = 24;
}

impl App {
    /// Searches the listings.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn search(&self, search: &Search, page: i64) -> Result<CatalogPage, AppError> {
        let mut tx = self.read().await?;
        let page = page.clamp(1, 10_000);
        let offset = (page - 1) * CatalogPage::SIZE;
        let hits = store::search::search(&mut tx, search, CatalogPage::SIZE, offset).await?;
        let mut cards = Vec::new();
        for product in hits.products {
            let publisher = store::publishers::find(&mut tx, &product.publisher_id).await?;
            let Some(publisher) = publisher else { continue };
            cards.push(card(&publisher, product));
        }
        let categories = store::search::categories(&mut tx).await?;
        let counted = (hits.total + CatalogPage::SIZE - 1) / CatalogPage::SIZE;
        let goes_on = hits.more && hits.total < MOST_FOUND;
        Ok(CatalogPage {
            cards,
            total: hits.total,
            more: hits.more,
            page,
            pages: counted + i64::from(goes_on),
            categories,
        })
    }

    /// Returns a publisher as everybody sees it: one that is verified, or has something on the
    /// market; with a part of that by short name.
    ///
    /// # Errors
    /// There is no such publisher that everybody sees.
    pub async fn public_publisher(
        &self,
        slug: &str,
        part: Part<'_>,
    ) -> Result<PublicPublisher, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.publisher_by_slug(&mut tx, slug).await?;
        let id = &publisher.id;
        let listed = store::products::listed_of_publisher(&mut tx, id, part).await?;
        let cards = listed.into_iter().map(|product| card(&publisher, product));
        let cards: Vec<_> = cards.collect();
        let is_verified = publisher.state == PublisherState::Verified;
        let is_public = is_verified
            || !cards.is_empty()
            || store::products::any_listed_of_publisher(&mut tx, id).await?;
        if !is_public {
            return Err(AppError::not_found("publisher", slug));
        }
        Ok(PublicPublisher {
            slug: publisher.slug.to_string(),
            name: publisher.legal_name,
            website: publisher.website,
            logo: publisher.logo,
            is_verified,
            since: publisher.created_at,
            cards,
        })
    }

    /// Returns a product as everybody sees it.
    ///
    /// # Errors
    /// There is none on the market.
    pub async fn product_page(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
    ) -> Result<ProductPage, AppError> {
        let mut tx = self.read().await?;
        let (publisher, product) = self.listed_product(&mut tx, publisher, product).await?;
        let releases = store::releases::of_product(&mut tx, &product.id).await?;
        let released = match releases.first() {
            Some(release) => self.public_inside(&mut tx, &release.submission_id).await?,
            None => PublicInside::default(),
        };
        let (roles, has) = self.roles_for_product(&mut tx, actor, &product).await?;
        let given = newest_given(&mut tx, (&product, &releases), &has).await?;
        let gives = match &product.listed {
            Some(listed) => {
                let origins = self.origins_for_plans(&mut tx, &product.id, listed).await?;
                PlanGives::of(listed, &origins)
            }
            None => Vec::new(),
        };
        let subscription = match actor.signed_in() {
            Some(account) => {
                store::subscriptions::in_force(&mut tx, &account.id, &product.id).await?
            }
            None => None,
        };
        let has_statements = store::vex::any_counts(&mut tx, &product.id, self.now()).await?;
        Ok(ProductPage {
            has_statements,
            may_pull: crate::actor::check(actor, Action::PullReleased, &roles).is_ok(),
            publisher,
            product: without_private(product),
            gives,
            releases,
            given,
            images: released.images,
            checks: released.checks,
            check_results: released.check_results,
            scanned_at: released.scanned_at,
            advisories_at: self.advisory_database().meta().created_at.clone(),
            subscription,
        })
    }

    /// Returns what consumers see of a submission that is released, or may be.
    pub(crate) async fn public_inside(
        &self,
        tx: &mut Tx,
        submission: &SubmissionId,
    ) -> Result<PublicInside, AppError> {
        let contents = crate::tags::contents(tx, submission).await?;
        let images = contents
            .iter()
            .map(|(row, content)| public_image(row, content))
            .collect();
        let rows = store::submissions::checks(tx, submission).await?;
        let results = checked(&rows)?;
        let count = |counts: fn(Status) -> bool| {
            let counted = results.iter().filter(|(result, _)| counts(result.status));
            counted.count()
        };
        let found = store::submissions::find(tx, submission).await?;
        Ok(PublicInside {
            images,
            checks: (
                count(|status| status == Status::Passed),
                count(|status| status != Status::NotApplicable),
            ),
            check_results: public_checks(&results),
            scanned_at: found.and_then(|found| found.inspected_at),
        })
    }

    /// Returns all releases of a product as plans see them; none where no plan is limited.
    pub(crate) async fn origins_for_plans(
        &self,
        tx: &mut Tx,
        product: &ProductId,
        manifest: &ProductManifest,
    ) -> Result<Vec<ReleasedOrigin>, AppError> {
        match manifest.has_limited_plans() {
            true => Ok(store::entitlements::of_product(tx, product).await?),
            false => Ok(Vec::new()),
        }
    }

    /// Returns a product that is on the market as everybody may see it; anything else is told
    /// not to exist.
    pub(crate) async fn public_product(
        &self,
        tx: &mut Tx,
        publisher: &str,
        product: &str,
    ) -> Result<(Publisher, Product), AppError> {
        let (publisher, product) = self.listed_product(tx, publisher, product).await?;
        Ok((publisher, without_private(product)))
    }

    /// The same with what is private, for decisions.
    pub(crate) async fn listed_product(
        &self,
        tx: &mut Tx,
        publisher: &str,
        product: &str,
    ) -> Result<(Publisher, Product), AppError> {
        let (publisher, found) = self.product_by_name(tx, publisher, product).await?;
        if !found.state.is_public() {
            return Err(AppError::not_found(
                "product",
                format!("{}/{}", publisher.slug, found.slug),
            ));
        }
        Ok((publisher, found))
    }

    pub(crate) async fn product_by_name(
        &self,
        tx: &mut Tx,
        publisher: &str,
        product: &str,
    ) -> Result<(Publisher, Product), AppError> {
        let missing = || AppError::not_found("product", format!("{publisher}/{product}"));
        let publisher = store::publishers::find_by_slug(tx, publisher)
            .await?
            .ok_or_else(missing)?;
        let found = store::products::find_by_slug(tx, &publisher.id, product).await?;
        Ok((publisher, found.ok_or_else(missing)?))
    }

    /// Returns a listing's state and newest tag for its badge, whoever asks.
    ///
    /// # Errors
    /// It was never listed.
    pub async fn badge(
        &self,
        publisher: &str,
        product: &str,
    ) -> Result<(ListingState, bool, String), AppError> {
        let mut tx = self.read().await?;
        let (_, found) = self.product_by_name(&mut tx, publisher, product).await?;
        let release = store::releases::newest(&mut tx, &found.id).await?;
        let release = release
            .ok_or_else(|| AppError::not_found("product", format!("{publisher}/{product}")))?;
        Ok((found.state, found.certified, release.tag))
    }
}

/// Returns which of a product's releases is the newest under its tag that somebody has.
async fn newest_given(
    tx: &mut Tx,
    (product, releases): (&Product, &[Release]),
    has: &Entitlement,
) -> Result<Option<usize>, AppError> {
    let listed = product.listed.as_ref();
    let is_told = listed.is_some_and(|listed| listed.has_limited_plans());
    let is_closed = product.pulls_closed_at.is_some();
    if !has.is_limited() || is_closed || has.is_nothing() && !is_told {
        return Ok(Some(0));
    }
    let origins = store::entitlements::of_product(tx, &product.id).await?;
    let is_given = |place: &usize| {
        let (newer, release) = (&releases[..*place], &releases[*place]);
        newer.iter().all(|newer| newer.tag != release.tag)
            && has.gives(&origins_of(&origins, &release.digest))
    };
    Ok((0..releases.len()).find(is_given))
}

fn card(publisher: &Publisher, product: Product) -> ListingCard {
    let product = without_private(product);
    let plans = product
        .listed
        .as_ref()
        .map(|listed| listed.plans.clone())
        .unwrap_or_default();
    ListingCard {
        publisher: publisher.slug.to_string(),
        publisher_name: publisher.legal_name.clone(),
        publisher_verified: publisher.state == PublisherState::Verified,
        product,
        cheapest: plans.into_iter().min_by_key(|plan| plan.price.amount_minor),
    }
}

/// A check's result, and whether it is waived.
pub(crate) type Checked = (certify::CheckResult, bool);

/// Returns the results of checks as they are kept.
pub(crate) fn checked(rows: &[store::submissions::CheckRow]) -> Result<Vec<Checked>, AppError> {
    let each = rows.iter();
    each.map(|row| Ok((crate::waivers::check_result(row)?, row.waiver_id.is_some())))
        .collect()
}

/// Returns the checks that counted, in the order of the catalogue.
pub(crate) fn public_checks(results: &[Checked]) -> Vec<PublicCheck> {
    let public = |check: &certify::Check| {
        let mut counted = results
            .iter()
            .filter(|(result, _)| result.id == check.id && result.status != Status::NotApplicable)
            .peekable();
        counted.peek()?;
        let mut failed = counted
            .clone()
            .filter(|(result, _)| result.failed())
            .peekable();
        Some(PublicCheck {
            id: check.id.to_owned(),
            title: check.title.to_owned(),
            proves: check.proves,
            level: check.level,
            waived: failed.peek().is_some() && failed.all(|(_, waived)| *waived),
            passed: counted.all(|(result, _)| result.status == Status::Passed),
        })
    };
    certify::CHECKS
        .iter()
        .filter_map(|check| public(check))
        .collect()
}

/// Returns a product as everybody may see it: without what its publisher prepares, without the
/// repositories that its plans draw from, and without the words of whoever changed its state,
/// which may name a vulnerability.
pub(crate) fn without_private(product: Product) -> Product {
    let listed = product.listed;
    Product {
        draft: ProductManifest::default().into(),
        listed: listed.map(|listed| listed.0.without_sources().into()),
        state_reason: None,
        ..product
    }
}

pub(crate) fn public_image(row: &store::images::ImageRow, content: &ImageContent) -> ImageView {
    ImageView {
        platform: row.platform.clone(),
        digest: row.digest.clone(),
        size: u64::try_from(row.size).unwrap_or(0),
        distribution: Some(content.distribution().to_owned()).filter(|name| !name.is_empty()),
        layers: public_layers(content).collect(),
    }
}

pub(crate) fn public_layers(content: &ImageContent) -> impl Iterator<Item = LayerView> {
    content.layers.iter().map(|layer| LayerView {
        digest: layer.digest.to_string(),
        size: layer.size,
        instruction: layer.instruction.clone().unwrap_or_default(),
        created: layer.created.clone(),
    })
}
