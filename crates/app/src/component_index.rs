//! The inverted index of all components of all images: filled when an inventory is kept.

use std::collections::{HashMap, HashSet};

use advisory::{
    database::Database,
    matching::{Matcher, Package, keys},
};
use inventory::Inventory;
use store::{
    Tx,
    component_index::{self as index, NewComponent, NewPackage, PackageMatch},
};

use crate::{
    App, AppError,
    findings::{Place, Said, fingerprint, said_of},
    inspection::storable,
    own_advisories::OwnAdvisories,
    scan,
};

/// What an image's inventory is indexed under.
#[derive(Debug)]
pub(crate) struct Indexed {
    packages: Vec<IndexedPackage>,
    components: Vec<IndexedComponent>,
    /// Of all components.
    digest: String,
    /// The version of the advisories that its packages were matched with.
    database: String,
}

#[derive(Debug)]
struct IndexedPackage {
    digest: String,
    package: serde_json::Value,
    keys: Vec<(String, String)>,
    said: Vec<Said>,
}

#[derive(Debug)]
struct IndexedComponent {
    digest: String,
    /// Its place among the packages.
    package: usize,
    place: Place,
}

impl Indexed {
    /// Prepares an inventory, and matches its packages for those that nobody knows yet. Takes
    /// its time, and needs no database.
    pub(crate) fn of(inventory: &Inventory, database: &Database) -> Result<Self, AppError> {
        let matcher = Matcher::new(database);
        let mut packages: Vec<IndexedPackage> = Vec::new();
        let (mut known, mut by_digest) = (HashMap::<Package, usize>::new(), HashMap::new());
        let (mut components, mut digests) = (Vec::new(), HashSet::new());
        for component in &inventory.components {
            let package = scan::package(inventory, component);
            let number = match known.get(&package) {
                Some(number) => *number,
                None => {
                    let row = IndexedPackage::of(&package, &matcher)?;
                    let number = *by_digest
                        .entry(row.digest.clone())
                        .or_insert(packages.len());
                    if number == packages.len() {
                        packages.push(row);
                    }
                    known.insert(package, number);
                    number
                }
            };
            let place = Place::of(component);
            let digest = fingerprint(&(&packages[number].digest, &place))?;
            if digests.insert(digest.clone()) {
                components.push(IndexedComponent {
                    digest,
                    package: number,
                    place,
                });
            }
        }
        let mut digests: Vec<String> = digests.into_iter().collect();
        digests.sort_unstable();
        Ok(Self {
            digest: fingerprint(&digests)?,
            packages,
            components,
            database: database.meta().version.clone(),
        })
    }

    /// Forgets what is said of its packages.
    pub(crate) fn without_matches(mut self) -> Self {
        self.packages.iter_mut().for_each(|it| it.said.clear());
        self
    }

    /// Returns every component with the number of its package, as [`App::index_image`] gave them.
    pub(crate) fn places<'a>(
        &'a self,
        numbers: &'a [i64],
    ) -> impl Iterator<Item = (&'a Place, i64)> {
        let each = self.components.iter();
        each.map(|component| (&component.place, numbers[component.package]))
    }
}

impl IndexedPackage {
    fn of(package: &Package, matcher: &Matcher<'_>) -> Result<Self, AppError> {
        let said = said_of(matcher, package)?;
        let keys = keys(package).into_iter();
        let clean = |text: String| text.replace('\0', crate::inspection::REPLACEMENT);
        let package = storable(serde_json::to_value(package).map_err(AppError::internal)?);
        Ok(Self {
            digest: fingerprint(&package)?,
            package,
            keys: keys.map(|(a, b)| (clean(a), clean(b))).collect(),
            said,
        })
    }
}

impl App {
    /// Indexes an image, whose row is there, under what is in it; returns the numbers of its
    /// packages. What is said of packages that nobody knew is kept.
    pub(crate) async fn index_image(
        &self,
        tx: &mut Tx,
        image: &str,
        indexed: &Indexed,
    ) -> Result<Vec<i64>, AppError> {
        index::enter(tx).await?;
        let packages = self.number_packages(tx, indexed).await?;
        if index::indexed_under(tx, image).await?.as_deref() == Some(&indexed.digest) {
            return Ok(packages);
        }
        let digests: Vec<&str> = indexed.components.iter().map(|it| &*it.digest).collect();
        let known = index::component_numbers(tx, &digests).await?;
        let mut known: HashMap<String, i64> = known.into_iter().collect();
        let missing = digests.len() - known.len();
        // One more for the image, which what it was indexed under before does not lead to.
        let image_number = index::take_numbers(tx, missing + 1).await?;
        let mut next = image_number + 1;
        for component in &indexed.components {
            if known.contains_key(&component.digest) {
                continue;
            }
            let place = serde_json::to_value(&component.place).map_err(AppError::internal)?;
            let new = NewComponent {
                id: next,
                digest: &component.digest,
                package: packages[component.package],
                component: &place,
            };
            index::add_component(tx, &new).await?;
            known.insert(component.digest.clone(), next);
            next += 1;
        }
        let numbers: Vec<i64> = known.into_values().collect();
        index::index_image(tx, image, image_number, &indexed.digest, &numbers).await?;
        Ok(packages)
    }

    async fn number_packages(&self, tx: &mut Tx, indexed: &Indexed) -> Result<Vec<i64>, AppError> {
        let digests: Vec<&str> = indexed.packages.iter().map(|it| &*it.digest).collect();
        let known = index::package_numbers(tx, &digests).await?;
        let known: HashMap<String, i64> = known.into_iter().collect();
        let mut next = index::take_numbers(tx, digests.len() - known.len()).await?;
        let mut numbers = Vec::with_capacity(digests.len());
        // Read here, where nobody changes the index: the job that follows one does the others.
        let own = OwnAdvisories::read(tx).await?;
        let database = self.advisory_database();
        let matcher = Matcher::new(&database);
        for package in &indexed.packages {
            if let Some(number) = known.get(&package.digest) {
                numbers.push(*number);
                continue;
            }
            let new = NewPackage {
                id: next,
                digest: &package.digest,
                package: &package.package,
                keys: &package.keys,
            };
            index::add_package(tx, &new).await?;
            let said = own.overrule_stored(&matcher, &package.package, package.said.clone())?;
            for said in &said {
                self.keep_said(tx, next, said, &indexed.database).await?;
            }
            numbers.push(next);
            next += 1;
        }
        Ok(numbers)
    }

    /// Keeps what a version of the advisories says of a package.
    pub(crate) async fn keep_said(
        &self,
        tx: &mut Tx,
        package: i64,
        said: &Said,
        database: &str,
    ) -> Result<(), AppError> {
        let row = PackageMatch {
            package_id: package,
            vulnerability: said.vulnerability.clone(),
            fingerprint: said.fingerprint.clone(),
            detail: said.detail.clone().into(),
            database: database.to_owned(),
            since: self.now(),
            ended_at: None,
            ended_because: None,
        };
        Ok(index::put_match(tx, &row).await?)
    }

    /// Returns what is said of packages now.
    pub(crate) async fn said(
        &self,
        tx: &mut Tx,
        packages: &[i64],
    ) -> Result<HashMap<i64, Vec<Said>>, AppError> {
        let mut said: HashMap<i64, Vec<Said>> = HashMap::new();
        for row in index::matches(tx, packages).await? {
            if row.ended_at.is_none() {
                let one = Said::of_row(&row)?;
                said.entry(row.package_id).or_default().push(one);
            }
        }
        Ok(said)
    }
}
