//! The inverted index: every package of every image once, where it is, and what the advisories
//! say about it.
//!
//! Whoever changes anything here calls [`enter`] first, so that changes follow one another: an
//! image is either there when what is said about its packages is passed on, or it is told
//! what is said by then.

mod matches;

use market::{ProductId, SubmissionId};
use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
    findings::Finding,
};

pub use matches::{PackageMatch, Said, end_match, matches, put_match, said};

/// A package as it is matched.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Package {
    /// Its number.
    pub id: i64,
    /// As matching wrote it.
    pub package: Json<serde_json::Value>,
}

/// A package to add.
#[derive(Debug, Clone)]
pub struct NewPackage<'a> {
    /// Its number.
    pub id: i64,
    /// What makes it the same one.
    pub digest: &'a str,
    /// As matching wrote it; an object.
    pub package: &'a serde_json::Value,
    /// The ecosystems and names under which statements about it are found.
    pub keys: &'a [(String, String)],
}

/// A component to add.
#[derive(Debug, Clone)]
pub struct NewComponent<'a> {
    /// Its number.
    pub id: i64,
    /// What makes it the same one.
    pub digest: &'a str,
    /// The number of its package.
    pub package: i64,
    /// Where it is and how sure that is; an object.
    pub component: &'a serde_json::Value,
}

/// A place in the walk over all packages: ecosystem, name and number of the last one seen.
pub type Cursor = (String, String, i64);

/// A submission whose image holds a package.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Holder {
    /// The submission.
    #[sqlx(try_from = "String")]
    pub submission_id: SubmissionId,
    /// Of which product.
    #[sqlx(try_from = "String")]
    pub product_id: ProductId,
    /// The image, by manifest digest.
    pub image: String,
    /// Where it is in the image.
    pub component: Json<serde_json::Value>,
    /// Whether it is the newest release of a product on the market.
    pub released: bool,
}

/// Waits for others who change the index, and keeps them waiting until the transaction ends.
///
/// # Errors
/// The database refused.
pub async fn enter(tx: &mut Tx) -> Result<(), StoreError> {
    take_numbers(tx, 0).await.map(drop)
}

/// Enters, and takes `count` numbers that nobody had; returns the first.
///
/// # Errors
/// The database refused.
pub async fn take_numbers(tx: &mut Tx, count: usize) -> Result<i64, StoreError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let last = fetch_scalar!(
        tx,
        i64,
        "UPDATE component_index SET last = last + $1 WHERE one = 1 RETURNING last",
        count
    )?;
    Ok(last - count + 1)
}

/// Returns the numbers of those packages that are known, by digest.
///
/// # Errors
/// The database cannot be read.
pub async fn package_numbers(
    tx: &mut Tx,
    digests: &[&str],
) -> Result<Vec<(String, i64)>, StoreError> {
    fetch_all!(
        tx,
        (String, i64),
        [
            "SELECT digest, id FROM matched_packages WHERE digest IN (SELECT value FROM json_each($1))",
            "SELECT digest, id FROM matched_packages WHERE digest IN (SELECT value FROM jsonb_array_elements_text($1) t (value))"
        ],
        Json(digests)
    )
}

/// Adds a package.
///
/// # Errors
/// The database refused.
pub async fn add_package(tx: &mut Tx, package: &NewPackage<'_>) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO matched_packages (id, digest, package) VALUES ($1, $2, $3)",
        package.id,
        package.digest,
        Json(package.package)
    )?;
    add_keys(tx, package.id, package.keys).await
}

/// Replaces the names under which statements about a package are found.
///
/// # Errors
/// The database refused.
pub async fn replace_keys(
    tx: &mut Tx,
    package: i64,
    keys: &[(String, String)],
) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM package_keys WHERE package_id = $1",
        package
    )?;
    add_keys(tx, package, keys).await
}

async fn add_keys(tx: &mut Tx, package: i64, keys: &[(String, String)]) -> Result<(), StoreError> {
    for (place, (ecosystem, name)) in keys.iter().enumerate() {
        execute!(
            tx,
            "INSERT INTO package_keys (ecosystem, name, package_id, first) VALUES ($1, $2, $3, $4) ON CONFLICT (ecosystem, name, package_id) DO NOTHING",
            ecosystem,
            name,
            package,
            place == 0
        )?;
    }
    Ok(())
}

/// Returns the numbers of those components that are known, by digest.
///
/// # Errors
/// The database cannot be read.
pub async fn component_numbers(
    tx: &mut Tx,
    digests: &[&str],
) -> Result<Vec<(String, i64)>, StoreError> {
    fetch_all!(
        tx,
        (String, i64),
        [
            "SELECT digest, id FROM layer_components WHERE digest IN (SELECT value FROM json_each($1))",
            "SELECT digest, id FROM layer_components WHERE digest IN (SELECT value FROM jsonb_array_elements_text($1) t (value))"
        ],
        Json(digests)
    )
}

/// Adds a component.
///
/// # Errors
/// The database refused.
pub async fn add_component(tx: &mut Tx, component: &NewComponent<'_>) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO layer_components (id, digest, package_id, component) VALUES ($1, $2, $3, $4)",
        component.id,
        component.digest,
        component.package,
        Json(component.component)
    )?;
    Ok(())
}

/// Returns the digest of the components that an image is indexed under, if it is indexed.
///
/// # Errors
/// The database cannot be read.
pub async fn indexed_under(tx: &mut Tx, image: &str) -> Result<Option<String>, StoreError> {
    let row = fetch_opt!(
        tx,
        (Option<String>,),
        "SELECT components FROM images WHERE digest = $1",
        image
    )?;
    Ok(row.and_then(|(digest,)| digest))
}

/// Indexes an image under its components; under those it was indexed under before it is no
/// longer found.
///
/// # Errors
/// The database refused.
pub async fn index_image(
    tx: &mut Tx,
    image: &str,
    number: i64,
    digest: &str,
    components: &[i64],
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE images SET number = $2, components = $3 WHERE digest = $1",
        image,
        number,
        digest
    )?;
    fetch_all!(
        tx,
        (i64,),
        [
            "INSERT INTO component_images (package_id, image, component_id) SELECT c.package_id, $1, c.id FROM json_each($2) w JOIN layer_components c ON c.id = w.value WHERE TRUE ON CONFLICT (package_id, image, component_id) DO NOTHING RETURNING image",
            "INSERT INTO component_images (package_id, image, component_id) SELECT c.package_id, $1, c.id FROM jsonb_array_elements_text($2) w (value) JOIN layer_components c ON c.id = CAST(w.value AS BIGINT) ON CONFLICT (package_id, image, component_id) DO NOTHING RETURNING image"
        ],
        number,
        Json(components)
    )?;
    Ok(())
}

/// Returns whether there is any image.
///
/// # Errors
/// The database cannot be read.
pub async fn any_image(tx: &mut Tx) -> Result<bool, StoreError> {
    let found = fetch_opt!(tx, (String,), "SELECT digest FROM images LIMIT 1")?;
    Ok(found.is_some())
}

/// Returns an inspected image's configuration and inventory: JSON, compressed with zstd.
///
/// # Errors
/// The database cannot be read.
pub async fn content(tx: &mut Tx, image: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row = fetch_opt!(
        tx,
        (Vec<u8>,),
        "SELECT content FROM images WHERE digest = $1",
        image
    )?;
    Ok(row.map(|(content,)| content))
}

/// Returns images that are not indexed yet, by digest.
///
/// # Errors
/// The database cannot be read.
pub async fn images_to_index(tx: &mut Tx, limit: i64) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        "SELECT digest FROM images WHERE number IS NULL ORDER BY digest COLLATE \"C\" LIMIT $1",
        limit
    )?;
    Ok(rows.into_iter().map(|(digest,)| digest).collect())
}

/// Tells the findings of an image from before the index which package they are about.
///
/// # Errors
/// The database refused.
pub async fn adopt_findings(
    tx: &mut Tx,
    image: &str,
    (component, version): (&str, &str),
    package: i64,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE findings SET package_id = $4 WHERE package_id IS NULL AND image = $1 AND component = $2 AND version = $3 AND submission_id IN (SELECT submission_id FROM submission_images WHERE digest = $1)",
        image,
        component,
        version,
        package
    )?;
    Ok(())
}

/// Returns the numbers of the packages that an ecosystem's statements about a name concern.
///
/// # Errors
/// The database cannot be read.
pub async fn packages_under(
    tx: &mut Tx,
    ecosystem: &str,
    name: &str,
) -> Result<Vec<i64>, StoreError> {
    let rows = fetch_all!(
        tx,
        (i64,),
        "SELECT package_id FROM package_keys WHERE ecosystem = $1 AND name = $2",
        ecosystem,
        name
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Returns whether any package is of an ecosystem.
///
/// # Errors
/// The database cannot be read.
pub async fn has_ecosystem(tx: &mut Tx, ecosystem: &str) -> Result<bool, StoreError> {
    fetch_scalar!(
        tx,
        bool,
        "SELECT EXISTS (SELECT 1 FROM package_keys WHERE ecosystem = $1)",
        ecosystem
    )
}

/// Returns packages by number.
///
/// # Errors
/// The database cannot be read.
pub async fn packages(tx: &mut Tx, ids: &[i64]) -> Result<Vec<Package>, StoreError> {
    fetch_all!(
        tx,
        Package,
        [
            "SELECT id, package FROM matched_packages WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id",
            "SELECT id, package FROM matched_packages WHERE id IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($1) t (value)) ORDER BY id"
        ],
        Json(ids)
    )
}

/// Returns packages by number, those after `after`.
///
/// # Errors
/// The database cannot be read.
pub async fn packages_after(
    tx: &mut Tx,
    after: i64,
    limit: i64,
) -> Result<Vec<Package>, StoreError> {
    fetch_all!(
        tx,
        Package,
        "SELECT id, package FROM matched_packages WHERE id > $1 ORDER BY id LIMIT $2",
        after,
        limit
    )
}

/// Returns the next packages that any statement may concern, each once, so that those with one
/// name follow one another; and where the walk goes on.
///
/// # Errors
/// The database cannot be read.
pub async fn packages_by_key(
    tx: &mut Tx,
    (ecosystem, name, id): &Cursor,
    limit: i64,
) -> Result<(Vec<Package>, Option<Cursor>), StoreError> {
    type Row = (String, String, i64, Json<serde_json::Value>);
    let rows = fetch_all!(
        tx,
        Row,
        "SELECT k.ecosystem, k.name, k.package_id, p.package FROM package_keys k JOIN matched_packages p ON p.id = k.package_id WHERE (k.ecosystem, k.name, k.package_id) > ($1, $2, $3) AND k.first ORDER BY k.ecosystem COLLATE \"C\", k.name COLLATE \"C\", k.package_id LIMIT $4",
        ecosystem,
        name,
        *id,
        limit
    )?;
    let last = rows.last();
    let next = last.map(|(ecosystem, name, id, _)| (ecosystem.clone(), name.clone(), *id));
    let packages = rows
        .into_iter()
        .map(|(_, _, id, package)| Package { id, package });
    Ok((packages.collect(), next))
}

/// Returns how many packages there are that any statement may concern.
///
/// # Errors
/// The database cannot be read.
pub async fn count_packages(tx: &mut Tx) -> Result<i64, StoreError> {
    fetch_scalar!(tx, i64, "SELECT COUNT(*) FROM package_keys WHERE first")
}

/// Returns the number of the last of the next `count` images after `after` that hold a package.
///
/// # Errors
/// The database cannot be read.
pub async fn next_images(
    tx: &mut Tx,
    package: i64,
    after: i64,
    count: i64,
) -> Result<Option<i64>, StoreError> {
    fetch_scalar!(
        tx,
        Option<i64>,
        "SELECT MAX(w.image) FROM (SELECT DISTINCT image FROM component_images WHERE package_id = $1 AND image > $2 ORDER BY image LIMIT $3) w",
        package,
        after,
        count
    )
}

/// Returns who holds a package, of the images numbered above the first and up to the second:
/// submissions that are under review or releases of a product on the market that stand.
///
/// # Errors
/// The database cannot be read.
pub async fn holders(
    tx: &mut Tx,
    package: i64,
    (after, last): (i64, i64),
) -> Result<Vec<Holder>, StoreError> {
    fetch_all!(
        tx,
        Holder,
        "SELECT s.id AS submission_id, s.product_id, i.digest AS image, c.component, s.state = 'released' AS released FROM component_images x JOIN layer_components c ON c.id = x.component_id JOIN images i ON i.number = x.image JOIN submission_images si ON si.digest = i.digest JOIN submissions s ON s.id = si.submission_id WHERE x.package_id = $1 AND x.image > $2 AND x.image <= $3 AND (s.state IN ('in-review', 'changes-requested', 'approved') OR (s.state = 'released' AND EXISTS (SELECT 1 FROM releases r JOIN products p ON p.id = r.product_id WHERE r.submission_id = s.id AND NOT r.replaced AND p.state IN ('listed', 'on-hold')))) ORDER BY x.image, s.id, x.component_id",
        package,
        after,
        last
    )
}

/// Returns the findings about a package, of the images numbered above the first and up to the
/// second.
///
/// # Errors
/// The database cannot be read.
pub async fn findings(
    tx: &mut Tx,
    package: i64,
    (after, last): (i64, i64),
) -> Result<Vec<Finding>, StoreError> {
    fetch_all!(
        tx,
        Finding,
        "SELECT f.* FROM findings f WHERE f.package_id = $1 AND f.image IN (SELECT i.digest FROM component_images x JOIN images i ON i.number = x.image WHERE x.package_id = $1 AND x.image > $2 AND x.image <= $3)",
        package,
        after,
        last
    )
}

/// Takes what images were indexed under before out of the index; returns how many places.
///
/// # Errors
/// The database refused.
pub async fn sweep(tx: &mut Tx) -> Result<u64, StoreError> {
    execute!(
        tx,
        "DELETE FROM component_images WHERE image NOT IN (SELECT number FROM images WHERE number IS NOT NULL)"
    )
}
