//! What plans have to do with images: what an account bought, and from which releases something
//! in a released repository is.

use chrono::{DateTime, Utc};
use market::{
    AccountId, Origin, PlanSource, ProductId, ProductManifest, ReleasedOrigin, SubscriptionState,
};
use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    db::{fetch_all, fetch_opt},
};

/// What an account bought of a product.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Bought {
    /// The plan's short name.
    pub plan: String,
    /// The sources that the plan had when the subscription began.
    pub sources: Json<Vec<PlanSource>>,
    /// Where the subscription is.
    #[sqlx(try_from = "String")]
    pub state: SubscriptionState,
}

impl Bought {
    /// Returns it as the rules see it.
    pub fn as_rule(&self) -> market::Bought<'_> {
        market::Bought {
            plan: &self.plan,
            sources: &self.sources,
        }
    }
}

/// Returns what an account's subscription that entitles to pull a product gives; a person's robot has that
/// person's.
///
/// # Errors
/// The database cannot be read.
pub async fn bought(
    tx: &mut Tx,
    account: &AccountId,
    product: &ProductId,
) -> Result<Option<Bought>, StoreError> {
    let found = fetch_opt!(
        tx,
        Bought,
        "SELECT plan, sources, state FROM subscriptions WHERE account_id = COALESCE((SELECT robot_account_id FROM accounts WHERE id = $1), $1) AND product_id = $2 AND state <> 'lapsed'",
        account.as_str(),
        product.as_str()
    )?;
    Ok(found.filter(|bought| bought.state.entitles()))
}

/// What decides on a pull from a released repository.
#[derive(Debug, Clone, Default, PartialEq, sqlx::FromRow)]
pub struct Deciding {
    /// The manifest of the product that consumers see.
    pub listed: Option<Json<ProductManifest>>,
    plan: Option<String>,
    sources: Option<Json<Vec<PlanSource>>>,
    state: Option<String>,
}

impl Deciding {
    /// Returns what the account bought, if that entitles to pull.
    pub fn bought(&self) -> Option<market::Bought<'_>> {
        let state: SubscriptionState = self.state.as_deref()?.parse().ok()?;
        let (plan, sources) = (self.plan.as_deref()?, self.sources.as_deref()?);
        state.entitles().then_some(market::Bought { plan, sources })
    }
}

/// Returns what decides on the pulls of an account, or of nobody, from the released repository
/// called `name`.
///
/// # Errors
/// The database cannot be read.
pub async fn deciding(
    tx: &mut Tx,
    name: &str,
    account: &str,
) -> Result<Option<Deciding>, StoreError> {
    fetch_opt!(
        tx,
        Deciding,
        "SELECT p.listed, s.plan, s.sources, s.state FROM repositories r JOIN products p ON p.id = r.product_id LEFT JOIN subscriptions s ON s.product_id = p.id AND s.account_id = COALESCE((SELECT robot_account_id FROM accounts WHERE id = $2), $2) AND s.state <> 'lapsed' WHERE r.name = $1",
        name,
        account
    )
}

#[derive(sqlx::FromRow)]
struct OriginRow {
    tag: String,
    repository: String,
}

impl OriginRow {
    fn origin(&self) -> Origin {
        Origin::of_submission(&self.repository, &self.tag)
    }
}

/// Returns the origins of the releases that something in the repository called `name` is part
/// of: the images of a release, what they are about and what is about them, and the blobs of
/// all that.
///
/// # Errors
/// The database cannot be read.
pub async fn origins(tx: &mut Tx, name: &str, digest: &str) -> Result<Vec<Origin>, StoreError> {
    // A step goes up one of three ways, of which an outer join is taken each: both databases
    // want a single mention of what is walked. SQLite takes cross joins in the order in which
    // they are written, so that it begins with the few digests that were walked to.
    let rows = fetch_all!(
        tx,
        OriginRow,
        "WITH RECURSIVE place (id) AS (SELECT id FROM repositories WHERE name = $1), above (digest) AS (SELECT CAST($2 AS TEXT) UNION SELECT COALESCE(n.manifest, m.subject, 'sha256:' || substr(t.name, 8, 64)) FROM above a CROSS JOIN place l CROSS JOIN (SELECT 1 AS way UNION ALL SELECT 2 UNION ALL SELECT 3) w LEFT JOIN manifest_references n ON w.way = 1 AND n.repository_id = l.id AND n.digest = a.digest LEFT JOIN manifests m ON w.way = 2 AND m.repository_id = l.id AND m.digest = a.digest LEFT JOIN tags t ON w.way = 3 AND t.repository_id = l.id AND t.digest = a.digest AND substr(t.name, 1, 7) = 'sha256-' WHERE n.manifest IS NOT NULL OR m.subject IS NOT NULL OR t.name IS NOT NULL) SELECT DISTINCT r.tag, s.repository FROM above a CROSS JOIN place l CROSS JOIN releases r CROSS JOIN submissions s WHERE r.repository_id = l.id AND r.digest = a.digest AND s.id = r.submission_id ORDER BY r.tag, s.repository",
        name,
        digest
    )?;
    Ok(rows.iter().map(OriginRow::origin).collect())
}

/// A tag in a released repository with one of its origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagOrigin {
    /// Its name.
    pub name: String,
    /// An origin of what it names; none where it has none.
    pub origin: Option<Origin>,
}

#[derive(sqlx::FromRow)]
struct TagOriginRow {
    name: String,
    tag: Option<String>,
    repository: Option<String>,
}

/// Returns up to `limit` tags after `last` of the repository called `name`, in byte order, each
/// once for every origin of what it names, as [`origins`] has them.
///
/// # Errors
/// The database cannot be read.
pub async fn tag_origins(
    tx: &mut Tx,
    name: &str,
    last: &str,
    limit: i64,
) -> Result<Vec<TagOrigin>, StoreError> {
    let rows = fetch_all!(
        tx,
        TagOriginRow,
        "WITH RECURSIVE place (id) AS (SELECT id FROM repositories WHERE name = $1), page (name, digest) AS (SELECT t.name, t.digest FROM tags t WHERE t.repository_id = (SELECT id FROM place) AND t.name COLLATE \"C\" > $2 ORDER BY t.name COLLATE \"C\" LIMIT $3), above (name, digest) AS (SELECT name, digest FROM page UNION SELECT a.name, COALESCE(n.manifest, m.subject, 'sha256:' || substr(t.name, 8, 64)) FROM above a CROSS JOIN place l CROSS JOIN (SELECT 1 AS way UNION ALL SELECT 2 UNION ALL SELECT 3) w LEFT JOIN manifest_references n ON w.way = 1 AND n.repository_id = l.id AND n.digest = a.digest LEFT JOIN manifests m ON w.way = 2 AND m.repository_id = l.id AND m.digest = a.digest LEFT JOIN tags t ON w.way = 3 AND t.repository_id = l.id AND t.digest = a.digest AND substr(t.name, 1, 7) = 'sha256-' WHERE n.manifest IS NOT NULL OR m.subject IS NOT NULL OR t.name IS NOT NULL), found (name, tag, repository) AS (SELECT DISTINCT a.name, r.tag, s.repository FROM above a CROSS JOIN place l CROSS JOIN releases r CROSS JOIN submissions s WHERE r.repository_id = l.id AND r.digest = a.digest AND s.id = r.submission_id) SELECT p.name, f.tag, f.repository FROM page p LEFT JOIN found f ON f.name = p.name",
        name,
        last,
        limit
    )?;
    let mut tags: Vec<_> = rows
        .into_iter()
        .map(|row| TagOrigin {
            origin: (row.tag.zip(row.repository))
                .map(|(tag, repository)| Origin::of_submission(&repository, &tag)),
            name: row.name,
        })
        .collect();
    tags.sort_unstable_by(|a, b| (&a.name, &a.origin).cmp(&(&b.name, &b.origin)));
    Ok(tags)
}

#[derive(sqlx::FromRow)]
struct ReleasedRow {
    digest: String,
    tag: String,
    repository: String,
    withdrawn_at: Option<DateTime<Utc>>,
}

/// Returns all releases of a product, the newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_product(
    tx: &mut Tx,
    product: &ProductId,
) -> Result<Vec<ReleasedOrigin>, StoreError> {
    let rows = fetch_all!(
        tx,
        ReleasedRow,
        "SELECT r.digest, r.tag, s.repository, r.withdrawn_at FROM releases r JOIN submissions s ON s.id = r.submission_id WHERE r.product_id = $1 ORDER BY r.released_at DESC, r.id DESC",
        product.as_str()
    )?;
    let released = |row: ReleasedRow| ReleasedOrigin {
        origin: Origin::of_submission(&row.repository, &row.tag),
        digest: row.digest,
        is_offered: row.withdrawn_at.is_none(),
    };
    Ok(rows.into_iter().map(released).collect())
}
