//! Bills of materials and statements about vulnerabilities, as they are attested with a release.

use chrono::SecondsFormat;
use inventory::sbom::{Subject, cyclonedx, spdx};
use oci::Digest;
use serde_json::Value;
use store::{products::Product, publishers::Publisher, submissions::Submission};
use trust::bundle::{CYCLONEDX, OPENVEX, SPDX};

use crate::{App, AppError, inspection::blocking, tags::contents};

/// What is said of one image of a release: its digest, the kind of statement, the statement.
pub(crate) type Said = (Digest, &'static str, Value);

impl App {
    /// Returns the bills of materials of each platform, where the publisher opened the product,
    /// and the accepted statements about vulnerabilities, which are public anyway.
    pub(crate) async fn bills(
        &self,
        (publisher, product): (&Publisher, &Product),
        submission: &Submission,
    ) -> Result<Vec<Said>, AppError> {
        let mut tx = self.read().await?;
        let mut said = Vec::new();
        if let Some(document) = self.vex_document(&mut tx, publisher, product).await? {
            let root = submission.digest.parse().map_err(AppError::internal)?;
            let document = serde_json::to_value(document).map_err(AppError::internal)?;
            said.push((root, OPENVEX, document));
        }
        if product.inside_opened_at.is_none() {
            return Ok(said);
        }
        let images = contents(&mut tx, &submission.id).await?;
        drop(tx);
        let name = format!("{}/{}/{}", self.config.host(), publisher.slug, product.slug);
        let now = self.now();
        let made = blocking(move || -> Result<Vec<Said>, AppError> {
            let mut made = Vec::new();
            for (row, content) in images {
                let digest: Digest = row.digest.parse().map_err(AppError::internal)?;
                // The same image, the same documents, whenever they are written.
                let time = content.created().unwrap_or(now);
                let subject = Subject {
                    name: name.clone(),
                    digest: digest.clone(),
                    platform: content.platform,
                    base: content.base,
                };
                let serial = subject.serial(&content.inventory, time.timestamp());
                let time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
                for (kind, write) in [(CYCLONEDX, cyclonedx as Writer), (SPDX, spdx as Writer)] {
                    let document = write(&content.inventory, &subject, &time, &serial);
                    made.push((digest.clone(), kind, document));
                }
            }
            Ok(made)
        });
        said.extend(made.await??);
        Ok(said)
    }
}

type Writer = fn(&inventory::Inventory, &Subject, &str, &str) -> Value;
