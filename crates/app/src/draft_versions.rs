//! Versions of drafts: every save that changes a draft is kept, so that what somebody wrote over
//! can be seen, compared and gone back to.

use market::{Action, ProductManifest};
use store::{
    Tx,
    draft_versions::{self as rows, DraftLine, DraftVersion},
    products::Product,
    publishers::Publisher,
};

use crate::{Actor, App, AppError, audit::Change};

/// Most versions that are kept of one product's draft; older ones go.
const MOST_KEPT: i64 = 50;

/// The versions of a product's draft.
#[derive(Debug, Clone)]
pub struct DraftVersions {
    /// Whose product it is.
    pub publisher: Publisher,
    /// The product.
    pub product: Product,
    /// What is known of the versions, the newest first; that is the draft as it stands.
    pub versions: Vec<DraftLine>,
    /// Whether the asker may go back to one.
    pub may_edit: bool,
}

/// Two versions of a draft beside each other.
#[derive(Debug, Clone)]
pub struct DraftDifference {
    /// The one.
    pub before: DraftVersion,
    /// The other.
    pub after: DraftVersion,
    /// The manifest's fields that differ.
    pub fields: Vec<String>,
}

impl App {
    /// Returns the versions of a product's draft, for its members and the staff.
    ///
    /// # Errors
    /// There is no such product, or the asker may not see it.
    pub async fn draft_versions(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
    ) -> Result<DraftVersions, AppError> {
        let mut tx = self.read().await?;
        let (publisher, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        let roles = self.roles(&mut tx, actor, Some(&publisher.id)).await?;
        Ok(DraftVersions {
            versions: rows::of_product(&mut tx, &product.id).await?,
            may_edit: crate::actor::check(actor, Action::EditProduct, &roles).is_ok(),
            publisher,
            product,
        })
    }

    /// Returns a version of a product's draft, for its members and the staff.
    ///
    /// # Errors
    /// There is no such product or version, or the asker may not see it.
    pub async fn draft_version(
        &self,
        actor: &Actor,
        (publisher, product): (&str, &str),
        number: i64,
    ) -> Result<DraftVersion, AppError> {
        let mut tx = self.read().await?;
        let (_, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        version(&mut tx, &product, number).await
    }

    /// Returns what differs between a version of a product's draft and another, or the draft as
    /// it stands.
    ///
    /// # Errors
    /// There is no such product or version, or the asker may not see it.
    pub async fn compare_drafts(
        &self,
        actor: &Actor,
        (publisher, product): (&str, &str),
        (before, after): (i64, Option<i64>),
    ) -> Result<DraftDifference, AppError> {
        let mut tx = self.read().await?;
        let (_, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        let before = version(&mut tx, &product, before).await?;
        let after = match after {
            Some(number) => number,
            None => rows::next_number(&mut tx, &product.id).await? - 1,
        };
        let after = version(&mut tx, &product, after).await?;
        Ok(DraftDifference {
            fields: after.manifest.changed_fields(&before.manifest),
            before,
            after,
        })
    }

    /// Goes back to a version of a product's draft, which becomes a new version; gives that.
    ///
    /// # Errors
    /// There is no such product or version, the draft says the same as it stands, or the asker
    /// may not change it.
    pub async fn restore_draft(
        &self,
        actor: &Actor,
        (publisher, product): (&str, &str),
        number: i64,
    ) -> Result<DraftLine, AppError> {
        let mut tx = self.begin().await?;
        let (publisher, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        self.authorize(&mut tx, actor, Action::EditProduct, Some(&publisher.id))
            .await?;
        let old = version(&mut tx, &product, number).await?;
        let held = lock_draft(&mut tx, &product).await?;
        let made = self
            .write_draft(&mut tx, (actor, &held), &old.manifest, Some(number))
            .await?;
        let made = made.ok_or_else(|| {
            AppError::Conflict(format!("version {number} says what the draft says"))
        })?;
        tx.commit().await?;
        Ok(made)
    }

    /// Replaces the draft of a product that [`lock_draft`] gave, with its record; what changed
    /// something is a new version.
    pub(crate) async fn write_draft(
        &self,
        tx: &mut Tx,
        (actor, held): (&Actor, &Product),
        draft: &ProductManifest,
        restored_from: Option<i64>,
    ) -> Result<Option<DraftLine>, AppError> {
        store::products::set_draft(tx, &held.id, draft, self.now()).await?;
        let fields = draft.changed_fields(&held.draft).join(" ");
        let went_back = restored_from.map(|number| format!("version {number}: {fields}"));
        let change = Change {
            subject: held.id.as_str(),
            reason: Some(went_back.as_deref().unwrap_or(&fields)),
            after: Some(match restored_from {
                Some(_) => "draft-restored",
                None => "draft-saved",
            }),
            ..Change::default()
        };
        self.record(tx, actor, Action::EditProduct, change).await?;
        if fields.is_empty() {
            return Ok(None);
        }
        let line = DraftLine {
            number: rows::next_number(tx, &held.id).await?,
            fields,
            saved_by: actor.signed_in().map(|account| account.name.clone()),
            saved_at: self.now(),
            restored_from,
        };
        rows::add(tx, &held.id, (&line, draft), MOST_KEPT).await?;
        Ok(Some(line))
    }
}

/// Returns a product as it is now, and stays until the transaction ends: of two saves at once the
/// second changes what the first left, and no two versions have one number.
pub(crate) async fn lock_draft(tx: &mut Tx, product: &Product) -> Result<Product, AppError> {
    let held = store::products::lock(tx, &product.id).await?;
    held.ok_or_else(|| AppError::not_found("product", product.slug.as_str()))
}

async fn version(tx: &mut Tx, product: &Product, number: i64) -> Result<DraftVersion, AppError> {
    let found = rows::find(tx, &product.id, number).await?;
    found.ok_or_else(|| AppError::not_found("version of the draft", number.to_string()))
}
