//! Bringing the index up to date: images from before there was one, and keys by other rules.

use std::{collections::HashMap, sync::Arc};

use advisory::{database::Database, matching::keys};
use store::component_index;

use crate::{
    App, AppError,
    component_index::Indexed,
    inspection::{ImageContent, blocking},
    jobs::Running,
    scan,
};

/// Images indexed in one transaction.
const IMAGES: i64 = 20;
/// Packages given new keys in one transaction.
const PACKAGES: i64 = 500;

impl App {
    /// Indexes images that were inspected before there was an index.
    pub(super) async fn index_images(
        self: &Arc<Self>,
        running: &Running<'_>,
        database: &Arc<Database>,
    ) -> Result<(), AppError> {
        loop {
            let mut tx = self.read().await?;
            let images = component_index::images_to_index(&mut tx, IMAGES).await?;
            drop(tx);
            if images.is_empty() {
                return Ok(());
            }
            running
                .progress(0, 0, "indexing components of images")
                .await?;
            for image in images {
                self.index_again(&image, database).await?;
            }
        }
    }

    async fn index_again(&self, image: &str, database: &Arc<Database>) -> Result<(), AppError> {
        let content = component_index::content(&mut self.read().await?, image).await?;
        let database = Arc::clone(database);
        let indexed = blocking(move || {
            let content = ImageContent::decode(&content.unwrap_or_default())?;
            // What is said is left to the matching, which passes it on.
            Indexed::of(&content.inventory, &database).map(Indexed::without_matches)
        });
        let indexed = indexed.await??;
        let mut tx = self.begin().await?;
        let packages = self.index_image(&mut tx, image, &indexed).await?;
        let mut places: HashMap<(&str, &str), i64> = HashMap::new();
        for (place, package) in indexed.places(&packages) {
            places.insert((&place.name, &place.version), package);
        }
        for (component, package) in places {
            component_index::adopt_findings(&mut tx, image, component, package).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Gives every package the keys that the rules in force look it up by.
    pub(super) async fn renew_keys(&self) -> Result<(), AppError> {
        let mut after = 0;
        loop {
            let mut tx = self.begin().await?;
            component_index::enter(&mut tx).await?;
            let packages = component_index::packages_after(&mut tx, after, PACKAGES).await?;
            let Some(last) = packages.last() else {
                component_index::sweep(&mut tx).await?;
                return Ok(tx.commit().await?);
            };
            after = last.id;
            for row in packages {
                let package = scan::kept_package(row.package.0)?;
                component_index::replace_keys(&mut tx, row.id, &keys(&package)).await?;
            }
            tx.commit().await?;
        }
    }
}
