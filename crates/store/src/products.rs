//! Products and their listings.

use chrono::{DateTime, Utc};
use market::{ListingState, ProductId, ProductManifest, PublisherId, Slug};
use sqlx::types::Json;

use crate::{
    Part, StoreError, Tx, assets,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
    search,
};

/// A product: its draft, and its listing once it was released.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Product {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: ProductId,
    /// Whose.
    #[sqlx(try_from = "String")]
    pub publisher_id: PublisherId,
    /// Its short name in addresses and repositories.
    #[sqlx(try_from = "String")]
    pub slug: Slug,
    /// Its listing's state.
    #[sqlx(try_from = "String")]
    pub state: ListingState,
    /// The manifest the publisher works on.
    pub draft: Json<ProductManifest>,
    /// The manifest consumers see.
    pub listed: Option<Json<ProductManifest>>,
    /// What search looks in.
    pub search_text: String,
    /// The listed category.
    pub category: String,
    /// Whether the newest release is certified.
    pub certified: bool,
    /// Since when it is on hold.
    pub held_at: Option<DateTime<Utc>>,
    /// Why it is in its state, in words that consumers may read.
    pub state_reason: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// Since when those who may pull it see components and findings of its releases.
    pub inside_opened_at: Option<DateTime<Utc>>,
    /// Since when consumers pull nothing of it while it is on hold.
    pub pulls_closed_at: Option<DateTime<Utc>>,
}

/// Adds a product; a short name the publisher has taken is a conflict.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, product: &Product) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO products (id, publisher_id, slug, state, draft, search_text, category, certified, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, '', '', $6, $7, $7)",
        product.id.as_str(),
        product.publisher_id.as_str(),
        product.slug.as_str(),
        product.state.as_str(),
        &product.draft,
        false,
        product.created_at,
    )?;
    Ok(())
}

/// Returns the product with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, id: &ProductId) -> Result<Option<Product>, StoreError> {
    fetch_opt!(
        tx,
        Product,
        "SELECT * FROM products WHERE id = $1",
        id.as_str()
    )
}

/// Returns a publisher's product by its short name.
///
/// # Errors
/// The database cannot be read.
pub async fn find_by_slug(
    tx: &mut Tx,
    publisher: &PublisherId,
    slug: &str,
) -> Result<Option<Product>, StoreError> {
    fetch_opt!(
        tx,
        Product,
        "SELECT * FROM products WHERE publisher_id = $1 AND slug = $2",
        publisher.as_str(),
        slug
    )
}

/// Returns a publisher's products by short name.
///
/// # Errors
/// The database cannot be read.
pub async fn of_publisher(
    tx: &mut Tx,
    publisher: &PublisherId,
) -> Result<Vec<Product>, StoreError> {
    fetch_all!(
        tx,
        Product,
        "SELECT * FROM products WHERE publisher_id = $1 ORDER BY slug COLLATE \"C\"",
        publisher.as_str()
    )
}

/// Returns a part of a publisher's products that are on the market, by short name.
///
/// # Errors
/// The database cannot be read.
pub async fn listed_of_publisher(
    tx: &mut Tx,
    publisher: &PublisherId,
    part: Part<'_>,
) -> Result<Vec<Product>, StoreError> {
    fetch_all!(
        tx,
        Product,
        "SELECT * FROM products WHERE publisher_id = $1 AND state IN ('listed', 'on-hold') AND slug COLLATE \"C\" > $2 ORDER BY slug COLLATE \"C\" LIMIT $3",
        publisher.as_str(),
        part.from,
        part.limit
    )
}

/// Returns whether a publisher has a product on the market.
///
/// # Errors
/// The database cannot be read.
pub async fn any_listed_of_publisher(
    tx: &mut Tx,
    publisher: &PublisherId,
) -> Result<bool, StoreError> {
    let found = listed_of_publisher(tx, publisher, Part::first(1)).await?;
    Ok(!found.is_empty())
}

/// Returns the products on hold whose hold may end at `now`: held by `held_before`, or for one of
/// these reasons with nothing broken any longer. All others stay as they are.
///
/// # Errors
/// The database cannot be read.
pub async fn on_hold_to_end(
    tx: &mut Tx,
    held_before: DateTime<Utc>,
    [reason, other]: [&str; 2],
    now: DateTime<Utc>,
) -> Result<Vec<Product>, StoreError> {
    fetch_all!(
        tx,
        Product,
        "SELECT * FROM products p WHERE p.state = 'on-hold' AND (p.held_at <= $1 OR (p.state_reason IN ($2, $3) AND NOT EXISTS (SELECT 1 FROM releases r JOIN findings f ON f.submission_id = r.submission_id WHERE r.product_id = p.id AND NOT r.replaced AND f.state = 'open' AND f.due_at <= $4))) ORDER BY p.updated_at, p.id",
        held_before,
        reason,
        other,
        now
    )
}

/// Returns a publisher's products that are on hold.
///
/// # Errors
/// The database cannot be read.
pub async fn on_hold_of_publisher(
    tx: &mut Tx,
    publisher: &PublisherId,
) -> Result<Vec<Product>, StoreError> {
    fetch_all!(
        tx,
        Product,
        "SELECT * FROM products WHERE publisher_id = $1 AND state = 'on-hold'",
        publisher.as_str()
    )
}

/// Returns products that are on the market, listed or on hold, in the order of their identifiers
/// from the one after `after` on.
///
/// # Errors
/// The database cannot be read.
pub async fn on_market_after(
    tx: &mut Tx,
    after: &str,
    limit: i64,
) -> Result<Vec<Product>, StoreError> {
    fetch_all!(
        tx,
        Product,
        "SELECT * FROM products WHERE state IN ('listed', 'on-hold') AND id COLLATE \"C\" > $1 ORDER BY id COLLATE \"C\" LIMIT $2",
        after,
        limit
    )
}

/// Returns products in the order of their identifiers, from the one after `after` on.
///
/// # Errors
/// The database cannot be read.
pub async fn after(tx: &mut Tx, after: &str, limit: i64) -> Result<Vec<Product>, StoreError> {
    fetch_all!(
        tx,
        Product,
        "SELECT * FROM products WHERE id COLLATE \"C\" > $1 ORDER BY id COLLATE \"C\" LIMIT $2",
        after,
        limit
    )
}

/// Returns the products with these identifiers, in no order.
///
/// # Errors
/// The database cannot be read.
pub async fn all_of(tx: &mut Tx, ids: &[&str]) -> Result<Vec<Product>, StoreError> {
    fetch_all!(
        tx,
        Product,
        [
            "SELECT * FROM products WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT * FROM products WHERE id IN (SELECT value FROM jsonb_array_elements_text($1) t (value))"
        ],
        Json(ids)
    )
}

/// A product in its publisher's list.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Glance {
    /// The product.
    #[sqlx(flatten)]
    pub product: Product,
    /// Its newest submission.
    pub latest: Option<String>,
    /// The submission of its newest release that is offered or, before that, the newest one.
    pub shown: Option<String>,
    /// When the first promise about its standing releases ends.
    pub next_due: Option<DateTime<Utc>>,
}

/// Returns a page of a publisher's products, by short name.
///
/// # Errors
/// The database cannot be read.
pub async fn page_of_publisher(
    tx: &mut Tx,
    publisher: &PublisherId,
    (limit, offset): (i64, i64),
) -> Result<Vec<Glance>, StoreError> {
    fetch_all!(
        tx,
        Glance,
        "WITH page AS (SELECT * FROM products WHERE publisher_id = $1 ORDER BY slug COLLATE \"C\" LIMIT $2 OFFSET $3),
         submitted AS (SELECT page.id AS of, (SELECT s.id FROM submissions s WHERE s.product_id = page.id ORDER BY s.number DESC LIMIT 1) AS latest FROM page)
         SELECT page.*, submitted.latest,
           COALESCE((SELECT r.submission_id FROM releases r WHERE r.product_id = page.id AND r.withdrawn_at IS NULL ORDER BY r.released_at DESC, r.id DESC LIMIT 1), submitted.latest) AS shown,
           (SELECT f.due_at FROM releases r CROSS JOIN findings f WHERE r.product_id = page.id AND NOT r.replaced AND f.submission_id = r.submission_id AND f.state = 'open' AND f.due_at IS NOT NULL ORDER BY f.due_at LIMIT 1) AS next_due
         FROM page JOIN submitted ON submitted.of = page.id ORDER BY page.slug COLLATE \"C\"",
        publisher.as_str(),
        limit,
        offset
    )
}

/// Returns how many products a publisher has.
///
/// # Errors
/// The database cannot be read.
pub async fn count_of_publisher(tx: &mut Tx, publisher: &PublisherId) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM products WHERE publisher_id = $1",
        publisher.as_str()
    )
}

/// Has whoever changes a product wait for each other, until the transaction ends; gives it as
/// it is then.
///
/// # Errors
/// The database refused.
pub async fn lock(tx: &mut Tx, id: &ProductId) -> Result<Option<Product>, StoreError> {
    execute!(
        tx,
        "UPDATE products SET updated_at = updated_at WHERE id = $1",
        id.as_str()
    )?;
    find(tx, id).await
}

/// Replaces the draft.
///
/// # Errors
/// The database refused.
pub async fn set_draft(
    tx: &mut Tx,
    id: &ProductId,
    draft: &ProductManifest,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(draft).map_err(|error| sqlx::Error::Encode(error.into()))?;
    assets::keep_named(tx, &text).await?;
    execute!(
        tx,
        "UPDATE products SET draft = $2, updated_at = $3 WHERE id = $1",
        id.as_str(),
        Json(draft),
        at
    )?;
    Ok(())
}

/// Opens components and findings of a product's releases to those who may pull it, or closes
/// them again.
///
/// # Errors
/// The database refused.
pub async fn set_inside_opened(
    tx: &mut Tx,
    id: &ProductId,
    opened_at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE products SET inside_opened_at = $2 WHERE id = $1",
        id.as_str(),
        opened_at
    )?;
    Ok(())
}

/// Notes whether a product's newest release bears the mark.
///
/// # Errors
/// The database refused.
pub async fn set_certified(tx: &mut Tx, id: &ProductId, certified: bool) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE products SET certified = $2 WHERE id = $1",
        id.as_str(),
        certified
    )?;
    Ok(())
}

/// Closes the pulls of what is on hold to consumers, or opens them again; gives whether it is
/// on hold and they were otherwise.
///
/// # Errors
/// The database refused.
pub async fn set_pulls_closed(
    tx: &mut Tx,
    id: &ProductId,
    closed_at: Option<DateTime<Utc>>,
) -> Result<bool, StoreError> {
    let set = execute!(
        tx,
        "UPDATE products SET pulls_closed_at = $2 WHERE id = $1 AND state = 'on-hold' AND (pulls_closed_at IS NULL) <> ($3)",
        id.as_str(),
        closed_at,
        closed_at.is_none()
    )?;
    Ok(set > 0)
}

/// Sets what consumers see after a release.
///
/// # Errors
/// The database refused.
pub async fn set_listed(
    tx: &mut Tx,
    id: &ProductId,
    listed: &ProductManifest,
    publisher_name: &str,
    certified: bool,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let search_text = search::text_of(listed, publisher_name);
    execute!(
        tx,
        "UPDATE products SET listed = $2, search_text = $3, category = $4, certified = $5, updated_at = $6 WHERE id = $1",
        id.as_str(),
        Json(listed),
        &search_text,
        &listed.category,
        certified,
        at
    )?;
    search::learn(tx, id.as_str(), &search_text).await
}

/// Moves a listing from one state to another, with the reason shown to consumers; gives
/// whether it still was in the first. A listing that stays on hold keeps the hold's time and reason.
///
/// # Errors
/// The database refused.
pub async fn set_state(
    tx: &mut Tx,
    id: &ProductId,
    (from, to): (ListingState, ListingState),
    reason: Option<&str>,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let moved = if from == ListingState::OnHold && to == ListingState::OnHold {
        execute!(
            tx,
            "UPDATE products SET updated_at = $3 WHERE id = $1 AND state = $2",
            id.as_str(),
            from.as_str(),
            at
        )?
    } else {
        let held_at = (to == ListingState::OnHold).then_some(at);
        execute!(
            tx,
            "UPDATE products SET state = $3, state_reason = $4, held_at = $5, pulls_closed_at = NULL, updated_at = $6 WHERE id = $1 AND state = $2",
            id.as_str(),
            from.as_str(),
            to.as_str(),
            reason,
            held_at,
            at
        )?
    };
    Ok(moved > 0)
}
